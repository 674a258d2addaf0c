"""The load: which videos get which events, and the log that every contestant reads.

Views and heartbeats of videos that are all at home in one cell, by Zipf's law. The same log is written twice: in the
product's packs, and as one JSON event a record. Every record carries the product's stamp; one in a hundred is in the
log twice, as after a retry, and must be counted once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

import numpy as np
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from numpy.typing import NDArray

from bench.events.servers import CELL, SHARDS
from regions.catalogue import CATALOGUE
from services.common.ids import Minter
from services.common.kafka import ConnectionArguments
from services.contracts import events
from services.contracts.events import STAMP_HEADER, Stamp, Viewed, Watched
from services.contracts.topics import PARTITIONS_PER_HOME, VIEWS, partition_of

JSON_TOPIC = "bench.views.json"
SKEW = 1.1
VIDEOS = 100_000
VIEWS_IN = 30
"""One event in so many is a view, the others are heartbeats of 10 s: a view lasts five minutes."""
WATCHED_MS = 10_000
REPEATED_IN = 100
BATCH_RECORDS = 200
_HOME = CATALOGUE.get(CELL).home_number

Counts = dict[int, tuple[int, int]]
"""Views and watched milliseconds by video."""


@dataclass(frozen=True, slots=True)
class Written:
    """A log that was written."""

    topic: str
    events: int
    """Distinct ones."""
    records: int
    """Repeated ones included."""
    fill: int
    """Events in a record."""
    ends: tuple[int, ...]
    """Next offset of each partition."""
    truth: Counts


def videos(count: int) -> list[int]:
    """New ids at home in the bench's cell, the first the most popular."""
    minter = Minter()
    return [minter.mint_in(SHARDS.buckets_of(CELL)) for _ in range(count)]


def popularity(count: int, skew: float) -> NDArray[np.float64]:
    """Part of the events that the video of each rank gets; sums to 1."""
    weights: NDArray[np.float64] = 1.0 / np.arange(1, count + 1, dtype=np.float64) ** skew
    return weights / float(weights.sum())


def draw(count: int, catalogue: int, skew: float, seed: int) -> NDArray[np.int64]:
    """The ranks of ``count`` events."""
    chances = np.cumsum(popularity(catalogue, skew))
    return np.minimum(np.searchsorted(chances, np.random.default_rng(seed).random(count)), catalogue - 1)


def counted(ranks: NDArray[np.int64], ids: Sequence[int]) -> Counts:
    """What must be in the database after these events."""
    views = np.bincount(ranks[::VIEWS_IN], minlength=len(ids))
    every = np.bincount(ranks, minlength=len(ids))
    return {
        ids[rank]: (int(views[rank]), int(every[rank] - views[rank]) * WATCHED_MS)
        for rank in np.flatnonzero(every).tolist()
    }


class _Maker:
    """Events with ids and viewers of their own, made fast: one draw of randomness for thousands of them."""

    def __init__(self) -> None:
        self._at_ms = time.time_ns() // 1_000_000
        self._random = b""
        self._place = 0

    def _draw(self) -> tuple[bytes, bytes]:
        """An event's id (UUIDv7) and a viewer."""
        if self._place == len(self._random):
            self._random, self._place = os.urandom(1 << 18), 0
        drawn = self._random[self._place : self._place + 32]
        self._place += 32
        variant = bytes((0x70 | drawn[6] & 0x0F, drawn[7], 0x80 | drawn[8] & 0x3F))
        return self._at_ms.to_bytes(6, "big") + variant + drawn[9:16], drawn[16:]

    def packed(self, video: int, *, view: bool) -> bytes:
        """As it stands in a pack."""
        event, viewer = self._draw()
        if view:
            return events.encode_event(Viewed(id=event, at_ms=self._at_ms, video=video, viewer=viewer))
        return events.encode_event(
            Watched(id=event, at_ms=self._at_ms, video=video, viewer=viewer, watched_ms=WATCHED_MS)
        )

    def json(self, video: int, *, view: bool) -> bytes:
        """As a record of its own."""
        event, viewer = self._draw()
        text = event.hex()
        name = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        watched = "" if view else f',"watched_ms":{WATCHED_MS}'
        return (
            f'{{"id":"{name}","at_ms":{self._at_ms},"video":"{video}","viewer":"{viewer.hex()}"{watched}}}'
        ).encode()


def bodies(ranks: NDArray[np.int64], ids: Sequence[int], fill: int, *, packed: bool) -> Iterator[tuple[int, bytes]]:
    """Records as (partition, body): packs of ``fill`` events, or one JSON event each."""
    maker = _Maker()
    partitions = [partition_of(_HOME, video) for video in ids]
    waiting: list[list[bytes]] = [[] for _ in range(PARTITIONS_PER_HOME)]
    for number, rank in enumerate(ranks.tolist()):
        partition, view = partitions[rank], number % VIEWS_IN == 0
        if not packed:
            yield partition, maker.json(ids[rank], view=view)
            continue
        lane = waiting[partition]
        lane.append(maker.packed(ids[rank], view=view))
        if len(lane) == fill:
            yield partition, events.join_pack(lane)
            lane.clear()
    for partition, lane in enumerate(waiting):
        if lane:
            yield partition, events.join_pack(lane)


async def make_topic(connection: ConnectionArguments) -> None:
    """The topic of JSON events; the product's own are there already."""
    admin = AIOKafkaAdminClient(**connection)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(JSON_TOPIC, PARTITIONS_PER_HOME, 1)])
    finally:
        await admin.close()


async def write(
    connection: ConnectionArguments, count: int, fill: int, seed: int, *, packed: bool, catalogue: int = VIDEOS
) -> Written:
    """Writes ``count`` events and says what they must add up to."""
    ids = videos(catalogue)
    ranks = draw(count, catalogue, SKEW, seed)
    topic = VIEWS.name if packed else JSON_TOPIC
    incarnation = uuid4()
    sequences = [0] * PARTITIONS_PER_HOME
    lanes: list[list[tuple[bytes, bytes]]] = [[] for _ in range(PARTITIONS_PER_HOME)]
    ends = [0] * PARTITIONS_PER_HOME
    producer = AIOKafkaProducer(
        **connection, acks="all", enable_idempotence=True, max_batch_size=1_000_000, max_request_size=1_000_000
    )
    await producer.start()

    async def send(partition: int) -> None:
        batch = producer.create_batch()
        left = lanes[partition]
        for stamp, body in left:
            if batch.append(key=None, value=body, timestamp=None, headers=[(STAMP_HEADER, stamp)]) is None:
                break
        batch.close()
        del left[: batch.record_count()]
        acknowledged = await (await producer.send_batch(batch, topic, partition=partition))
        ends[partition] = acknowledged.offset + batch.record_count()

    records = 0
    try:
        for partition, body in bodies(ranks, ids, fill, packed=packed):
            sequences[partition] += 1
            stamp = events.encode_stamp(Stamp(CELL, incarnation, sequences[partition]))
            for _ in range(1 + (sequences[partition] % REPEATED_IN == 0)):
                lanes[partition].append((stamp, body))
                records += 1
            if len(lanes[partition]) >= BATCH_RECORDS:
                await send(partition)
        for partition, lane in enumerate(lanes):
            while lane:
                await send(partition)
    finally:
        await producer.stop()
    return Written(topic, count, records, fill if packed else 1, tuple(ends), counted(ranks, ids))
