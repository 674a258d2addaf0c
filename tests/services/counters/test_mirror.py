"""Dead letters on their topic: each one is copied, under its name, also by two processes and after a failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import msgspec
import pytest

from services.common.resources import open_resources
from services.contracts.topics import DEAD_LETTERS
from services.counters import dead
from services.engagement.log import KafkaLog
from services.engagement.mirror import BATCH, Copied, Mirror
from services.engagement.packer import AppendError, StampedRecord
from tests.faults.truth import everything
from tests.services.counters.platform import Platform, Raw, counting, eventually, viewed


async def _buried(platform: Platform, count: int) -> None:
    one = uuid4()
    good = platform.record(viewed(platform.video()), 1, one)
    stamps = [platform.record(viewed(platform.video()), number, one).stamp for number in range(1, count + 1)]
    await platform.write(*(Raw(good.topic, good.partition, stamp, b"\xc1") for stamp in stamps))
    async with counting(platform.settings):
        await eventually("dead letters", partial(_unmirrored, platform), count)


def _unmirrored(platform: Platform) -> int:
    return int(str(platform.rows("SELECT count(*) FROM counters.dead_letters WHERE mirrored_at IS NULL")[0][0]))


async def test_every_dead_letter_is_copied_to_its_topic_and_stays_a_row(platform: Platform) -> None:
    await _buried(platform, BATCH + 1)
    async with open_resources("engagement", platform.settings) as resources:
        mirror = Mirror(resources.router, "mumbai", partial(KafkaLog.connect, resources.kafka))
        assert [await mirror.step() for _ in range(3)] == [BATCH, 1, 0]
        async with resources.router.home_writer("mumbai") as connection:
            letters = await dead.listed(connection)
    copies = [msgspec.msgpack.decode(body, type=Copied) for body in await everything(platform.kafka, DEAD_LETTERS)]
    assert {(copy.incarnation, copy.sequence, copy.reason, copy.body) for copy in copies} == {
        (letter.key.incarnation, letter.key.sequence, letter.reason, letter.body) for letter in letters
    }
    assert len(copies) == len(letters) == BATCH + 1


@dataclass
class _Away:
    asked: int = 0
    closed: list[bool] = field(default_factory=list)

    async def connect(self) -> _Away:
        self.asked += 1
        return self

    async def append(self, topic: str, partition: int, records: Sequence[StampedRecord]) -> None:
        raise AppendError("no broker answers")

    async def close(self) -> None:
        self.closed.append(True)


async def test_a_letter_that_was_not_acknowledged_is_copied_later(platform: Platform) -> None:
    await _buried(platform, 1)
    async with open_resources("engagement", platform.settings) as resources:
        with pytest.raises(AppendError):
            await Mirror(resources.router, "mumbai", _Away().connect).step()
        assert _unmirrored(platform) == 1
        assert await Mirror(resources.router, "mumbai", partial(KafkaLog.connect, resources.kafka)).step() == 1
    assert _unmirrored(platform) == 0
