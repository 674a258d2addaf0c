"""Ours as contestants: ``python -m bench.events.ours packed|json|follow STAGE [FIRST LAST]``.

``packed`` and ``follow`` are the product's own path (``services.counters``: reader, unit, window, policy, store) for
one topic and home; ``follow`` reads on until its input is closed. ``json`` is the same client, decoder library and
transaction for one JSON event a record, which the product does not have: for comparison with peers. FIRST and LAST
narrow the partitions. Neither audits nor relays, which peers do not do either.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated
from uuid import UUID, uuid4

import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import CollectorRegistry

from bench.events import stagefile
from bench.events.servers import CELL, SHARDS, router
from bench.events.stagefile import Stage
from services.common.shards import ShardRouter
from services.contracts import events
from services.contracts.topics import VIEWS
from services.counters import store
from services.counters.counting import belongs
from services.counters.metrics import CounterMetrics
from services.counters.reader import MAX_RECORDS, Reader
from services.counters.store import Flush, MarkMove, Move
from services.counters.unit import Unit
from services.counters.window import CountKey, Guards, MarkKey, Partition


class Telling(CounterMetrics):
    """Says after each flush how many records are counted."""

    def __init__(self) -> None:
        super().__init__(CollectorRegistry())
        self._highs: dict[Partition, int] = {}

    def flushed(self, topic: str, flush: Flush, seconds: float) -> None:
        """See `CounterMetrics.flushed`."""
        super().flushed(topic, flush, seconds)
        self._highs.update({move.partition: move.high for move in flush.moves})
        _say("flushed", sum(self._highs.values()), f"{seconds:.6f}", len(flush.rows))


def _say(*words: object) -> None:
    print(*words, flush=True)


async def _packed(stage: Stage, router_: ShardRouter, partitions: Sequence[int], *, follow: bool) -> None:
    metrics = Telling()
    unit = Unit(VIEWS.name, CELL, router_, partial(belongs, SHARDS, CELL), metrics, Guards())
    reader = Reader(CELL, stage.connection(), [unit], metrics)
    reader.want({(VIEWS.name, CELL): partitions})
    reading = asyncio.create_task(reader.run())
    _say("reading")
    if follow:
        await asyncio.to_thread(sys.stdin.read)
    else:
        places = [Partition(CELL, VIEWS.name, number) for number in partitions]
        while not all(unit.holds(at) and unit.offset(at) == stage.ends[at.number] for at in places):
            if reading.done():
                break
            await asyncio.sleep(0.02)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


class _Event(msgspec.Struct, gc=False):
    """A view, or a heartbeat if something was watched. Bounds are those of the packed form."""

    id: Annotated[str, msgspec.Meta(min_length=36, max_length=36)]
    at_ms: events.Millis
    video: Annotated[str, msgspec.Meta(min_length=1, max_length=19)]
    viewer: Annotated[str, msgspec.Meta(min_length=32, max_length=32)]
    watched_ms: Annotated[int, msgspec.Meta(ge=0, le=120_000)] | None = None


class _Lane:
    """One partition of JSON events between two flushes."""

    def __init__(self, number: int, topic: str, after: UUID) -> None:
        self.partition = Partition(CELL, topic, number)
        self.after = after
        self.offset = 0
        self.stored = 0
        self.time_ms = 0
        self.marks: dict[MarkKey, int] = {}
        self.advanced: dict[MarkKey, int] = {}
        self.sums: dict[str, dict[str, list[int]]] = {}
        self._author = b""
        self._key = MarkKey("", UUID(int=0))
        self._next = 1
        self._region: dict[str, list[int]] = {}

    def take(self, decode: Callable[[bytes], _Event], offset: int, stamp: bytes, body: bytes) -> bool:
        """Whether the record counts. Raises RuntimeError for a gap and for an event of elsewhere."""
        author = stamp[:18] + stamp[26:]
        if author != self._author:
            self._change(author, stamp)
        sequence = int.from_bytes(stamp[18:26], "big")
        if sequence != self._next:
            if sequence < self._next:
                return False
            raise RuntimeError(f"{self.partition}: a gap before offset {offset}")
        event = decode(body)
        self._next = sequence + 1
        self.advanced[self._key] = sequence
        region = self._region
        sums = region.get(event.video)
        if sums is None:
            if not belongs(SHARDS, CELL, int(event.video), self.partition.number):
                raise RuntimeError(f"{self.partition}: an event at offset {offset} does not belong here")
            sums = region[event.video] = [0, 0]
        if event.watched_ms is None:
            sums[0] += 1
        else:
            sums[1] += event.watched_ms
        return True

    def _change(self, author: bytes, header: bytes) -> None:
        """Another producer's record: most come from the one before."""
        stamp = events.decode_stamp(header)
        self._author, self._key = author, MarkKey(stamp.origin, stamp.incarnation)
        self._next = (self.advanced.get(self._key) or self.marks.get(self._key, 0)) + 1
        self._region = self.sums.setdefault(stamp.origin, {})

    def written(self, token: UUID) -> None:
        """A flush has taken everything."""
        self.stored, self.after, self.sums = self.offset, token, {}
        self.marks.update(self.advanced)
        self.advanced = {}
        self._author = b""


async def _json(stage: Stage, router_: ShardRouter, partitions: Sequence[int]) -> None:
    decode = msgspec.json.Decoder(_Event).decode
    lanes = {number: _Lane(number, stage.topic, UUID(stage.start)) for number in partitions}
    consumer = AIOKafkaConsumer(
        **stage.connection(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=1024 * 1024,
        fetch_max_bytes=16 * 1024 * 1024,
    )
    await consumer.start()
    try:
        places = [TopicPartition(stage.topic, number) for number in partitions]
        consumer.assign(places)
        for at in places:
            consumer.seek(at, 0)
        _say("reading")
        waiting = 0
        while True:
            got = await consumer.getmany(timeout_ms=200, max_records=MAX_RECORDS)
            for at, records in got.items():
                lane = lanes[at.partition]
                for record in records:
                    # The stamp is the only header that a producer of the bench writes.
                    waiting += lane.take(decode, record.offset, record.headers[0][1], record.value)
                lane.offset = records[-1].offset + 1
                lane.time_ms = max(lane.time_ms, records[-1].timestamp)
            end = all(lane.offset == stage.ends[number] for number, lane in lanes.items())
            if waiting >= stage.flush_events or end:
                await _write(router_, list(lanes.values()))
                waiting = 0
                _say("flushed", sum(lane.offset for lane in lanes.values()))
            if end:
                return
    finally:
        await consumer.stop()


async def _write(router_: ShardRouter, lanes: Sequence[_Lane]) -> None:
    moved = [lane for lane in lanes if lane.offset != lane.stored]
    token = uuid4()
    flush = Flush(
        token,
        VIEWS.name,
        [Move(lane.partition, lane.after, lane.offset, lane.time_ms) for lane in moved],
        [
            MarkMove(lane.partition.topic, lane.partition.number, key, lane.marks.get(key, 0), high)
            for lane in moved
            for key, high in lane.advanced.items()
        ],
        rows={
            CountKey(int(video), region): (sums[0], sums[1])
            for lane in moved
            for region, by_video in lane.sums.items()
            for video, sums in by_video.items()
        },
    )
    async with router_.home_writer(CELL) as connection:
        await store.apply(connection, flush)
    for lane in moved:
        lane.written(token)


async def main(way: str, path: str, *narrowed: str) -> None:
    """Consumes as told, and says ``done`` when everything is counted; stays until its input is closed."""
    stage = stagefile.read(path)
    first, last = (int(narrowed[0]), int(narrowed[1])) if narrowed else (0, len(stage.ends) - 1)
    partitions = range(first, last + 1)
    router_ = router(stage.database_settings(), stage.password)
    await router_.open()
    try:
        if way == "json":
            await _json(stage, router_, partitions)
        else:
            await _packed(stage, router_, partitions, follow=way == "follow")
        _say("done")
        if way != "follow":
            await asyncio.to_thread(sys.stdin.read)
    finally:
        await router_.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    uvloop.run(main(*sys.argv[1:]))
