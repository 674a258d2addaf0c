"""Dead letters on a real database: replayed once, with what they hold, or refused with a reason."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.common.resources import Resources, open_resources
from services.contracts import events
from services.contracts.events import Stamp
from services.counters import dead, store
from services.counters.dead import DeadLetterError, LetterKey
from services.counters.window import WHOLE_RECORD, DeadLetter, MarkKey, Partition
from tests.servers import Cells
from tests.services.counters.platform import Stores, viewed

PARTITION = Partition("mumbai", "views.v1", 3)


async def bury(resources: Resources, body: bytes, index: int, schema: int = events.SCHEMA) -> LetterKey:
    incarnation = uuid4()
    stamp = events.encode_stamp(Stamp("mumbai", incarnation, 4, schema))
    letter = DeadLetter(PARTITION, 10, MarkKey("mumbai", incarnation), 4, index, "a test", stamp, body)
    async with resources.router.home_writer("mumbai") as connection:
        await store.bury(connection, [letter])
    return LetterKey("mumbai", "views.v1", 3, incarnation, 4, index)


async def replayed(resources: Resources, key: LetterKey) -> int:
    async with resources.router.home_writer("mumbai") as connection:
        return await dead.replay(connection, key, lambda subject: subject != 7)


@pytest.fixture
def stores(cells: Cells) -> Stores:
    return Stores(cells)


async def test_a_letter_is_counted_by_its_replay_once(stores: Stores) -> None:
    video = stores.video()
    async with open_resources("counters", stores.settings) as resources:
        key = await bury(resources, events.encode_event(viewed(video)[0]), 2)
        assert await replayed(resources, key) == 1
        assert stores.views(video) == 1
        with pytest.raises(DeadLetterError, match="was replayed before"):
            await replayed(resources, key)
        assert stores.views(video) == 1
    assert stores.rows("SELECT state, note FROM counters.dead_letters") == [("replayed", "1 events counted")]


async def test_a_whole_record_is_replayed_and_its_bad_events_become_letters_of_their_own(stores: Stores) -> None:
    video = stores.video()
    good = [events.encode_event(event) for event in viewed(video, 2)]
    body = events.join_pack([good[0], b"\x93\x01\x02\x03", good[1], events.encode_event(viewed(7)[0])])
    async with open_resources("counters", stores.settings) as resources:
        key = await bury(resources, body, WHOLE_RECORD)
        assert await replayed(resources, key) == 2
    assert stores.views(video) == 2
    found = stores.rows("SELECT index, state FROM counters.dead_letters ORDER BY index")
    assert found == [(-1, "replayed"), (1, "dead"), (3, "dead")]


@pytest.mark.parametrize(
    ("body", "schema", "reason"),
    [
        (events.encode_event(viewed(7)[0]), events.SCHEMA, "does not belong"),
        (b"\xc1", events.SCHEMA, "cannot be"),
        (events.encode_event(viewed(8)[0]), 99, "schema 99"),
    ],
    ids=["of another video", "no event", "unknown schema"],
)
async def test_what_still_cannot_be_counted_stays_dead_with_a_reason(
    stores: Stores, body: bytes, schema: int, reason: str
) -> None:
    async with open_resources("counters", stores.settings) as resources:
        key = await bury(resources, body, 0, schema)
        with pytest.raises(DeadLetterError, match=reason):
            await replayed(resources, key)
    assert stores.rows("SELECT state FROM counters.dead_letters") == [("dead",)]
    assert stores.rows("SELECT count(*) FROM counters.views") == [(0,)]


async def test_purging_needs_a_reason_and_an_age_and_keeps_the_row(stores: Stores) -> None:
    async with open_resources("counters", stores.settings) as resources:
        await bury(resources, b"\xc1", 0)

        async def purged(hours: float, reason: str) -> list[LetterKey]:
            async with resources.router.home_writer("mumbai") as connection:
                return await dead.purge(connection, older_than=timedelta(hours=hours), reason=reason)

        with pytest.raises(DeadLetterError, match="say why"):
            await purged(2, " ")
        with pytest.raises(DeadLetterError, match="younger"):
            await purged(0.5, "no use")
        assert await purged(2, "no use") == []
        stores.change("UPDATE counters.dead_letters SET created_at = now() - interval '3 hours'")
        assert len(await purged(2, "no use")) == 1
    assert stores.rows("SELECT state, note, settled_at IS NOT NULL FROM counters.dead_letters") == [
        ("purged", "no use", True)
    ]


def test_the_name_of_a_letter_is_read_back() -> None:
    key = LetterKey("mumbai", "views.v1", 3, UUID(int=5), 4, -1)
    assert LetterKey.parse(str(key)) == key
    for text in ("", "a/b/c", "mumbai/views.v1/x/y/4/-1"):
        with pytest.raises(ValueError, match=r"."):
            LetterKey.parse(text)
