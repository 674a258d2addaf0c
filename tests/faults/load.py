"""Load on the log: real producers of the product, and by hand what no producer of ours would write."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.contracts import events
from services.contracts.events import AnyEvent, Reacted, Reaction, Stamp, Viewed
from services.engagement import event_ids
from services.engagement.desk import placed
from services.engagement.log import KafkaLog
from services.engagement.packer import Log, NotAcknowledgedError, OverloadedError, Packer, StampedRecord
from tests.services.counters.platform import Platform, Raw

EVENTS_AT_ONCE = 20
PAUSE_SECONDS = 0.1
WRITE_SECONDS = 300.0
BREAK = b"\xc1"
"""What no MessagePack begins with."""


@dataclass
class _Remembering:
    """A log that keeps the last records which were acknowledged, so that they can be repeated."""

    log: Log
    kept: deque[Raw]

    async def append(self, topic: str, partition: int, records: Sequence[StampedRecord]) -> None:
        await self.log.append(topic, partition, records)
        self.kept.extend(Raw(topic, partition, record.stamp, record.body) for record in records)

    async def close(self) -> None:
        await self.log.close()


@dataclass
class Load:
    """Views and reactions of some videos, for as long as it runs."""

    platform: Platform
    videos: Sequence[int]
    random: random.Random
    origin: str = "mumbai"
    """The cell whose producers these are."""
    acknowledged: set[bytes] = field(default_factory=set)
    unknown: int = 0
    """Events whose producer never heard of them again."""
    kept: deque[Raw] = field(default_factory=lambda: deque(maxlen=200))

    async def run(self) -> None:
        """Sends until cancelled; then waits for what is on its way."""
        packer = Packer(self.origin, self._connect)
        sending: set[asyncio.Task[None]] = set()
        try:
            while True:
                task = asyncio.create_task(self._send(packer))
                sending.add(task)
                task.add_done_callback(sending.discard)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await packer.close()
            await asyncio.gather(*sending, return_exceptions=True)

    async def _connect(self) -> Log:
        return _Remembering(await KafkaLog.connect(self.platform.kafka.operator()), self.kept)

    async def _send(self, packer: Packer) -> None:
        # Few videos get most of it.
        video = self.videos[min(int(self.random.expovariate(0.4)), len(self.videos) - 1)]
        wanted: list[AnyEvent] = [view(video) for _ in range(self.random.randint(1, EVENTS_AT_ONCE))]
        if self.random.random() < 0.3:
            state = Reaction(self.random.randint(0, 2))
            user = self.random.choice(self.videos)
            at_ms = 1_780_000_000_000 + self.random.randint(0, 1_000)
            wanted = [Reacted(id=event_ids.make(), at_ms=at_ms, video=video, user=user, state=state)]
        topic, partition = placed(self.platform.settings.shards.map(), wanted[0])
        try:
            await packer.submit(topic, partition, [events.encode_event(event) for event in wanted])
        except (NotAcknowledgedError, OverloadedError):
            self.unknown += len(wanted)
        else:
            self.acknowledged.update(event.id for event in wanted)

    async def repeat(self) -> None:
        """Writes some records again, as a replicator or an unclean retry would."""
        await self.write(*self.random.sample(list(self.kept), min(5, len(self.kept))))

    async def poison(self) -> None:
        """Writes a record that cannot be counted, or not wholly."""
        video, other = self.random.sample(list(self.videos), 2)
        good = [events.encode_event(view(video)) for _ in range(3)]
        whole = self.platform.record([view(video)], 1, uuid4())
        stranger = [events.encode_event(view(other))]
        body = self.random.choice(
            [BREAK * 5, events.join_pack([*good, b"\x92\x01\x02"]), events.join_pack([*good, *stranger])]
        )
        stamp = None if self.random.random() < 0.2 else whole.stamp
        await self.write(Raw(whole.topic, whole.partition, stamp, body))

    async def unreadable(self, body: bytes) -> None:
        """Writes a record that becomes a dead letter as a whole."""
        whole = self.platform.record([view(self.videos[0])], 1, uuid4())
        await self.write(Raw(whole.topic, whole.partition, whole.stamp, BREAK + body))

    async def hole(self, video: int) -> None:
        """Writes records 1 and 3 of a producer: 2 was lost on its way."""
        one = uuid4()
        await self.write(*(_numbered(self.platform, video, one, number) for number in (1, 3)))

    async def write(self, *records: Raw) -> None:
        """Puts records into the log, however often the broker goes away meanwhile."""
        async with asyncio.timeout(WRITE_SECONDS):
            for record in records:
                while True:
                    try:
                        await self._write(record)
                        break
                    except (KafkaError, OSError):
                        await asyncio.sleep(0.3)

    async def _write(self, record: Raw) -> None:
        producer = AIOKafkaProducer(**self.platform.kafka.operator(), acks="all", request_timeout_ms=5_000)
        headers = [] if record.stamp is None else [(events.STAMP_HEADER, record.stamp)]
        try:
            await producer.start()
            await producer.send_and_wait(record.topic, record.body, partition=record.partition, headers=headers)
        finally:
            await producer.stop()


def view(video: int) -> Viewed:
    """A view of ``video``."""
    return Viewed(id=event_ids.make(), at_ms=1_780_000_000_000, video=video, viewer=uuid4().bytes)


def _numbered(platform: Platform, video: int, incarnation: UUID, sequence: int) -> Raw:
    record = platform.record([view(video)], sequence, incarnation)
    return Raw(record.topic, record.partition, events.encode_stamp(Stamp("mumbai", incarnation, sequence)), record.body)
