"""What the log says, read without any code of the counting path: distinct stamps, in order, each event for itself.

Only the layout of a stamp and the place of a subject are taken from the contract. Bodies are read as plain MessagePack.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from regions.buckets import ShardMap, deal
from regions.catalogue import CATALOGUE
from services.common import ids
from services.contracts import events, topics
from services.contracts.events import MalformedRecordError
from services.contracts.topics import Topic, partition_of
from tests.kafka_server import Kafka

READ_SECONDS = 300.0
TWO_CELLS = deal(("mumbai", "singapore"))
"""The cells of these runs."""
READ = (topics.VIEWS, topics.LIKES)


@dataclass
class Truth:
    """Counts by the log."""

    shards: ShardMap = TWO_CELLS
    views: Counter[int] = field(default_factory=Counter)
    reactions: dict[tuple[int, int], tuple[int, bytes, int]] = field(default_factory=dict)
    """(video, user) -> (source time, event id, state) of the last writer."""
    dead: int = 0
    ids: set[bytes] = field(default_factory=set)
    """Of all events in it, counted or not."""
    records: int = 0
    repeated: int = 0
    stopped: set[tuple[str, int]] = field(default_factory=set)
    """Partitions with a hole: nothing after it counts."""
    marks: dict[tuple[str, int, str, UUID], int] = field(default_factory=dict)

    def likes(self) -> Counter[int]:
        """Likes by video."""
        return Counter(video for (video, _), (_, _, state) in self.reactions.items() if state == 1)

    def add(self, topic: str, partition: int, stamp: bytes | None, body: bytes) -> None:
        """One record, in the order of its partition."""
        self.records += 1
        if (topic, partition) in self.stopped:
            return
        try:
            read = events.decode_stamp(stamp or b"")
        except MalformedRecordError:
            self.dead += 1
            return
        key = (topic, partition, read.origin, read.incarnation)
        mark = self.marks.get(key, 0)
        if read.sequence <= mark:
            self.repeated += 1
            return
        if read.sequence != mark + 1:
            self.stopped.add((topic, partition))
            return
        self.marks[key] = read.sequence
        try:
            listed = msgspec.msgpack.decode(body)
        except msgspec.DecodeError:
            self.dead += 1
            return
        for event in listed:
            self._event(topic, partition, event)

    def _event(self, topic: str, partition: int, event: object) -> None:
        if not isinstance(event, list) or len(event) < 5:
            self.dead += 1
            return
        tag, ident, at_ms, video = event[:4]
        self.ids.add(ident)
        home = self.shards.home_of(ids.bucket_of(video))
        if partition_of(CATALOGUE.get(home).home_number, video) != partition:
            self.dead += 1
        elif topic == topics.VIEWS.name:
            self.views[video] += tag == 1
        else:
            user, state = event[4], event[5]
            known = self.reactions.get((video, user))
            if known is None or (at_ms, ident) > known[:2]:
                self.reactions[video, user] = (at_ms, ident, state)


async def read(kafka: Kafka, shards: ShardMap = TWO_CELLS) -> Truth:
    """The whole log, of subjects at home by ``shards``."""
    truth = Truth(shards)
    await _each(kafka, READ, truth.add)
    return truth


async def _each(kafka: Kafka, topics: Sequence[Topic], take: Callable[[str, int, bytes | None, bytes], None]) -> None:
    places = [
        TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions(CATALOGUE.homes))
    ]
    consumer = AIOKafkaConsumer(**kafka.operator(), enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        starts = await consumer.beginning_offsets(places)
        for at, offset in starts.items():
            consumer.seek(at, offset)
        left = {at for at in places if ends[at] > starts[at]}
        deadline = time.monotonic() + READ_SECONDS
        while left:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the log was not read within {READ_SECONDS} s")
            for at, records in (await consumer.getmany(*left, timeout_ms=500)).items():
                for record in records:
                    stamp = dict(record.headers).get(events.STAMP_HEADER)
                    take(at.topic, at.partition, stamp, record.value or b"")
                    if record.offset + 1 >= ends[at]:
                        left.discard(at)
    finally:
        await consumer.stop()


async def everything(kafka: Kafka, topic: Topic) -> list[bytes]:
    """The bodies of all records of ``topic``, partition by partition."""
    found: list[bytes] = []
    await _each(kafka, [topic], lambda _, __, ___, body: found.append(body))
    return found


def differences(truth: Truth, views: Mapping[int, int], likes: Mapping[int, int], dead: int) -> list[str]:
    """Where the database says another number; empty if it is right."""
    found = [
        f"{what} of {video}: the database says {stored.get(video, 0)}, the log {right.get(video, 0)}"
        for what, stored, right in (("views", views, truth.views), ("likes", likes, truth.likes()))
        for video in sorted(stored.keys() | right.keys())
        if stored.get(video, 0) != right.get(video, 0)
    ]
    if dead != truth.dead:
        found.append(f"dead letters: the database has {dead}, the log {truth.dead}")
    return found


def exceeded(truth: Truth, views: Mapping[int, int]) -> bool:
    """Whether something is counted that must not be: waiting will not mend it."""
    return any(count > truth.views.get(video, 0) for video, count in views.items())
