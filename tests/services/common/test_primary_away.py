"""Reads while the primary is dead: replicas go on answering whoever has written nothing that they lack."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from regions.buckets import BucketRange, ShardMap
from services.common.consistency import SeenWrites
from services.common.database import CellDatabase, Login, PoolOptions
from services.common.errors import ServiceError
from services.common.read_metrics import ReadMetrics
from services.common.replicas import MAX_AWAY_SECONDS, MAX_LAG_SECONDS
from services.common.shards import ShardRouter
from tests.servers import Postgres, run_postgres
from tests.services.common.test_shards import is_visible, measured, pause, settings, until, write


class Clock:
    """Real time, and what is added to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def replicated() -> Iterator[Postgres]:
    """A primary that a test may kill, with two streaming replicas and one table."""
    with run_postgres(replicas=2) as server:
        with psycopg.connect(server.admin_text(), autocommit=True) as connection:
            connection.execute("CREATE TABLE numbers (n bigint PRIMARY KEY)")
        yield server


@asynccontextmanager
async def routing(server: Postgres, clock: Clock) -> AsyncIterator[ShardRouter]:
    database = CellDatabase.of(
        "mumbai", settings(server), Login("postgres", server.admin_password), PoolOptions(wait_seconds=1)
    )
    shards = ShardMap(1, (BucketRange(0, 960, "mumbai", "mumbai"),))
    router = ShardRouter(shards, {"mumbai": database}, "mumbai", clock)
    await router.open()
    try:
        yield router
    finally:
        await router.close()


async def warm(router: ShardRouter) -> int:
    """Writes a number and reads until all replicas have it."""
    seen = SeenWrites()
    number = await write(router, seen)
    position = seen.of("mumbai")
    assert position is not None
    assert await is_visible(router, number, seen)
    await until(lambda: measured(router) and least(router) >= position.lsn)
    return number


def least(router: ShardRouter) -> int:
    """What every replica has reached."""
    meter = router._cells["mumbai"].meter
    return min(meter.reached(number) or 0 for number in (0, 1))


def _registry(router: ShardRouter) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(ReadMetrics(router))
    return registry


def kill_primary(server: Postgres) -> None:
    with psycopg.connect(server.admin_text(), autocommit=True) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    os.kill(int((Path(row[0]) / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


async def test_replicas_that_lack_the_last_writes_of_a_dead_primary_go_on_answering(replicated: Postgres) -> None:
    clock = Clock()
    async with routing(replicated, clock) as router:
        old = await warm(router)
        pause(replicated, replay=False)
        seen = SeenWrites()
        new = await write(router, seen)
        meter = router._cells["mumbai"].meter
        await is_visible(router, old)
        await until(lambda: bool(meter.lag(0)) and bool(meter.lag(1)))

        kill_primary(replicated)
        await is_visible(router, old)
        await until(lambda: router.silent()["mumbai"] > 0)
        clock.ahead += MAX_LAG_SECONDS + 1
        before = router.reads.alone

        for _ in range(20):
            assert not await is_visible(router, new), "the replicas were not behind, so this test proves nothing"
        assert router.reads.alone == before + 20
        text = generate_latest(_registry(router)).decode()
        assert f'meridian_reads_total{{by="replica_alone"}} {float(before + 20)}' in text
        assert 'meridian_writer_silent_seconds{home="mumbai"} 0.0' not in text
        with pytest.raises(ServiceError, match="written last") as refusal:
            await is_visible(router, new, seen)
        assert (refusal.value.status, refusal.value.headers) == (503, {"retry-after": "1"})

        pause(replicated, replay=True)
        position = seen.of("mumbai")
        assert position is not None
        await until(lambda: least(router) >= position.lsn)
        assert await is_visible(router, new, seen), "the replicas have it now, so a token of it is served"


async def test_a_process_that_starts_while_the_primary_is_dead_reads_from_replicas(replicated: Postgres) -> None:
    async with routing(replicated, Clock()) as router:
        number = await warm(router)
    kill_primary(replicated)

    async with routing(replicated, Clock()) as router:
        assert await is_visible(router, number)
        with pytest.raises(ServiceError, match="does not answer"):
            await write(router)


async def test_after_a_long_silence_of_the_primary_replicas_are_not_believed_any_more(replicated: Postgres) -> None:
    clock = Clock()
    async with routing(replicated, clock) as router:
        number = await warm(router)
        kill_primary(replicated)
        assert await is_visible(router, number)
        await until(lambda: router.silent()["mumbai"] > 0)
        clock.ahead += MAX_AWAY_SECONDS + 1

        with pytest.raises(ServiceError) as refusal:
            await is_visible(router, number)
        assert refusal.value.status == 503
