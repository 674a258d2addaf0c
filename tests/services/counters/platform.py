"""The event path on real servers: two cells with databases and Valkey, one broker, and what a test asks of them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID, uuid4

import psycopg
from aiokafka import AIOKafkaProducer
from psycopg import sql

from regions.catalogue import CATALOGUE
from services.common import ids
from services.common.ids import Minter, ShardKey
from services.common.resources import Resources, open_resources
from services.contracts import events
from services.contracts.events import AnyEvent, Stamp
from services.contracts.settings import PlatformSettings
from services.counters.service import Counting
from services.counters.window import Guards
from services.engagement import event_ids
from services.engagement.desk import placed
from tests.kafka_server import Kafka
from tests.servers import Cells

WAIT_SECONDS = 25.0
_T = TypeVar("_T")


@dataclass
class Platform:
    """Settings of Mumbai with a broker, and direct ways to its stores."""

    cells: Cells
    kafka: Kafka

    @property
    def settings(self) -> PlatformSettings:
        """What a process in Mumbai is started with."""
        return self.kafka.put_into(self.cells.settings("mumbai"))

    def video(self, home: str = "mumbai") -> int:
        """A new id of a video at home in ``home``."""
        bucket = self.settings.shards.map().buckets_of(home)[secrets.randbelow(100)]
        return Minter().mint(ShardKey(bucket))

    def publish(self, title: str = "A street", *, home: str = "mumbai", duration_ms: int = 60_000) -> int:
        """A ready video in the catalogue."""
        owner, channel, video = self.video(home), self.video(home), 0
        video = Minter().mint(ids.shard_key(channel))
        statements = (
            (
                "INSERT INTO catalog.channels (id, owner_id, handle, title) VALUES (%s, %s, %s, %s)",
                (channel, owner, f"c{secrets.token_hex(6)}", title),
            ),
            ("SELECT catalog.create_video(%s, %s, %s, %s, '', '{}', 'public')", (video, channel, owner, title)),
            ("SELECT catalog.mark_processing(%s)", (video,)),
            ("SELECT catalog.mark_ready(%s, %s, 1280, 720, '{720p}', 'a.m3u8', 'a.mpd', NULL)", (video, duration_ms)),
        )
        with psycopg.connect(self.cells.postgres.admin_text(self.cells.databases[home].name)) as connection:
            for statement, arguments in statements:
                connection.execute(sql.SQL(statement), arguments)  # type: ignore[arg-type] # literals above
        return video

    def rows(self, query: str, *arguments: object, home: str = "mumbai") -> list[tuple[object, ...]]:
        """Rows of a query in the database of ``home``, as superuser."""
        with psycopg.connect(self.cells.postgres.admin_text(self.cells.databases[home].name)) as connection:
            return list(connection.execute(sql.SQL(query), arguments))  # type: ignore[arg-type] # literals of tests

    def views(self, video: int, home: str = "mumbai") -> int:
        """Views that are counted of ``video``."""
        rows = self.rows("SELECT views FROM counters.video_totals WHERE video_id = %s", video, home=home)
        return int(str(rows[0][0])) if rows else 0

    def record(
        self, packed: Sequence[AnyEvent], sequence: int, incarnation: UUID, origin: str = "mumbai"
    ) -> "Raw":
        """A stamped record of events of one partition."""
        topic, partition = placed(self.settings.shards.map(), packed[0])
        stamp = events.encode_stamp(Stamp(origin, incarnation, sequence))
        return Raw(topic, partition, stamp, events.join_pack([events.encode_event(event) for event in packed]))

    async def write(self, *records: "Raw") -> None:
        """Puts records into the log as they are."""
        producer = AIOKafkaProducer(**self.kafka.operator(), acks="all")
        await producer.start()
        try:
            for record in records:
                headers = [] if record.stamp is None else [(events.STAMP_HEADER, record.stamp)]
                await producer.send_and_wait(
                    record.topic, record.body, partition=record.partition, headers=headers
                )
        finally:
            await producer.stop()


@dataclass(frozen=True)
class Raw:
    """A record as it is written."""

    topic: str
    partition: int
    stamp: bytes | None
    body: bytes


def viewed(video: int, count: int = 1) -> list[AnyEvent]:
    """Views of ``video``."""
    return [
        events.Viewed(id=event_ids.make(), at_ms=1_780_000_000_000, video=video, viewer=uuid4().bytes)
        for _ in range(count)
    ]


@asynccontextmanager
async def counting(settings: PlatformSettings, guards: Guards | None = None) -> AsyncIterator[Counting]:
    """Counters in this process, until the end of the block; ended as a crash would, without a flush, by `abandon`."""
    async with open_resources("counters", settings) as resources, _running(resources, guards) as running:
        yield running


@asynccontextmanager
async def _running(resources: Resources, guards: Guards | None) -> AsyncIterator[Counting]:
    running = Counting(resources, guards)
    tasks = [asyncio.create_task(job) for job in running.jobs()]
    try:
        yield running
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await running.leave()


async def eventually(what: str, get: Callable[[], _T | Awaitable[_T]], expected: _T) -> None:
    """Waits until ``get`` gives ``expected``; fails with what it gave last."""
    end = asyncio.get_running_loop().time() + WAIT_SECONDS
    while True:
        found = get()
        value = await found if isinstance(found, Awaitable) else found
        if value == expected:
            return
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"{what}: {value!r} after {WAIT_SECONDS} s, expected {expected!r}")
        await asyncio.sleep(0.1)


HOMES = CATALOGUE.names
