"""The event path on real servers: two cells with databases and Valkey, one broker, and what a test asks of them."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import LiteralString
from uuid import UUID, uuid4

import boto3
import httpx
import psycopg
from aiokafka import AIOKafkaProducer

from services.common import ids
from services.common.context import Context, ContextKeys, sign
from services.common.ids import Minter, ShardKey
from services.common.resources import Resources, open_resources
from services.common.tasks import end
from services.contracts import events
from services.contracts import settings as contract
from services.contracts.events import AnyEvent, Stamp
from services.contracts.routes import CONTEXT_HEADER
from services.contracts.settings import PlatformSettings
from services.counters.counting import Counting
from services.counters.window import Guards
from services.engagement import event_ids
from services.engagement.desk import placed
from tests.kafka_server import Kafka
from tests.servers import Cells, free_port, wait_until

WAIT_SECONDS = 60.0
_MINTER = Minter()
"""One for all ids: two that mint in one millisecond may choose the same."""


@dataclass
class Stores:
    """Settings of Mumbai, and direct ways to its databases."""

    cells: Cells

    @cached_property
    def settings(self) -> PlatformSettings:
        """What a process in Mumbai is started with."""
        return self.cells.settings("mumbai")

    def video(self, home: str = "mumbai") -> int:
        """A new id of a video at home in ``home``."""
        bucket = self.settings.shards.map().buckets_of(home)[secrets.randbelow(100)]
        return _MINTER.mint(ShardKey(bucket))

    def publish(self, title: str = "A street", *, home: str = "mumbai", duration_ms: int = 60_000) -> int:
        """A ready video in the catalogue."""
        owner, channel = self.video(home), self.video(home)
        video = Minter().mint(ids.shard_key(channel))
        with psycopg.connect(self.cells.postgres.admin_text(self.cells.databases[home].name)) as connection:
            connection.execute(
                "INSERT INTO catalog.channels (id, owner_id, name) VALUES (%s, %s, %s)", (channel, owner, title)
            )
            connection.execute(
                "SELECT catalog.create_video(%s, %s, %s, %s, '', '{}', 'public')", (video, channel, owner, title)
            )
            connection.execute("SELECT catalog.mark_processing(%s)", (video,))
            connection.execute(
                "SELECT catalog.mark_ready(%s, %s, 1280, 720, '{720p}', 'a.m3u8', 'a.mpd', NULL)", (video, duration_ms)
            )
        return video

    def rows(self, query: LiteralString, *arguments: object, home: str = "mumbai") -> list[tuple[object, ...]]:
        """Rows of a query in the database of ``home``, as superuser."""
        with psycopg.connect(self.cells.postgres.admin_text(self.cells.databases[home].name)) as connection:
            return list(connection.execute(query, arguments))

    def connected(self, home: str = "mumbai") -> psycopg.Connection[tuple[object, ...]]:
        """A connection to the database of ``home``, as superuser; as a block it is one transaction."""
        return psycopg.connect(self.cells.postgres.admin_text(self.cells.databases[home].name))

    def change(self, *statements: LiteralString, home: str = "mumbai") -> None:
        """Runs statements in the database of ``home``, as superuser."""
        with psycopg.connect(self.cells.postgres.admin_text(self.cells.databases[home].name)) as connection:
            for statement in statements:
                connection.execute(statement)

    def views(self, video: int, home: str = "mumbai") -> int:
        """Views that are counted of ``video``."""
        rows = self.rows("SELECT views FROM counters.video_totals WHERE video_id = %s", video, home=home)
        return int(str(rows[0][0])) if rows else 0

    def record(self, packed: Sequence[AnyEvent], sequence: int, incarnation: UUID, origin: str = "mumbai") -> Raw:
        """A stamped record of events of one partition."""
        topic, partition = placed(self.settings.shards.map(), packed[0])
        stamp = events.encode_stamp(Stamp(origin, incarnation, sequence))
        return Raw(topic, partition, stamp, events.join_pack([events.encode_event(event) for event in packed]))


@dataclass
class Platform(Stores):
    """With a broker."""

    kafka: Kafka

    @cached_property
    def settings(self) -> PlatformSettings:
        """What a process in Mumbai is started with."""
        return self.kafka.put_into(self.cells.settings("mumbai"))

    async def write(self, *records: Raw) -> None:
        """Puts records into the log as they are."""
        producer = AIOKafkaProducer(**self.kafka.operator(), acks="all")
        await producer.start()
        try:
            for record in records:
                headers = [] if record.stamp is None else [(events.STAMP_HEADER, record.stamp)]
                await producer.send_and_wait(record.topic, record.body, partition=record.partition, headers=headers)
        finally:
            await producer.stop()


@dataclass(frozen=True)
class Running:
    """A service as a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def service(name: str, settings: PlatformSettings, directory: Path) -> Iterator[Running]:
    """``python -m services.<name>``, from its readiness to the end of the block."""
    file = directory / f"{name}-{secrets.token_hex(4)}.json"
    file.touch(mode=0o600)
    file.write_text(settings.model_dump_json())
    port = free_port()
    environment = {**os.environ, contract.SETTINGS_ENV: str(file), contract.PORT_ENV: str(port)}
    log = file.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}"], stdout=output, stderr=output, env=environment
        )
    url = f"http://127.0.0.1:{port}"

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/health/ready", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    try:
        wait_until(name, ready, process, log)
        yield Running(process, url, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def signed(settings: PlatformSettings, user: int | None, name: str = "Ada") -> dict[str, str]:
    """Headers of a request that came through the gateway."""
    ref = settings.own.secrets["context"]
    secret = boto3.client("secretsmanager", region_name=ref.region).get_secret_value(SecretId=ref.arn)["SecretString"]
    now = int(time.time())
    context = Context("gateway", now, now + 30, user_id=user, name=name if user else None)
    return {CONTEXT_HEADER: sign(context, ContextKeys(secret.encode()))}


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
        await end(*tasks)
        await running.leave()


async def eventually(what: str, get: Callable[[], object], expected: object) -> None:
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
