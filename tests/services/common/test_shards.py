from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest

from regions.buckets import BucketRange, ShardMap, deal
from services.common.consistency import Position, SeenWrites
from services.common.database import CellDatabase, Login, PoolOptions
from services.common.errors import ServiceError
from services.common.ids import ShardKey
from services.common.shards import ShardRouter
from services.contracts.settings import DatabaseSettings, Endpoint, SecretRef
from tests.servers import Postgres, free_port, run_postgres

KEY = ShardKey(0)


@pytest.fixture(scope="module")
def replicated() -> Iterator[Postgres]:
    """A primary with two streaming replicas and one table."""
    with run_postgres(replicas=2) as server:
        with psycopg.connect(server.admin_text(), autocommit=True) as connection:
            connection.execute("CREATE TABLE numbers (n bigint PRIMARY KEY)")
        yield server


def settings(server: Postgres, readers: tuple[Endpoint, ...] | None = None) -> DatabaseSettings:
    return DatabaseSettings(
        name="postgres",
        writer=server.writer,
        readers=server.readers if readers is None else readers,
        tls="disable",
        owner=SecretRef(arn="none", region="none"),
    )


def make_router(server: Postgres, readers: tuple[Endpoint, ...] | None = None, term: int = 1) -> ShardRouter:
    database = CellDatabase.of(
        "mumbai", settings(server, readers), Login("postgres", server.admin_password), PoolOptions(wait_seconds=2)
    )
    shards = ShardMap(1, (BucketRange(0, 960, "mumbai", "mumbai", term),))
    return ShardRouter(shards, {"mumbai": database}, "mumbai")


@pytest.fixture
async def router(replicated: Postgres) -> AsyncIterator[ShardRouter]:
    made = make_router(replicated)
    await made.open()
    await is_visible(made, 1)  # the first read starts the measuring
    await until(lambda: measured(made))
    yield made
    await made.close()


def measured(router: ShardRouter) -> bool:
    meter = router._cells["mumbai"].meter
    return all(meter.usable(number) for number in range(len(router._cells["mumbai"].database.readers)))


async def until(test: Callable[[], bool], seconds: float = 20) -> None:
    """Waits for something that real servers do in their own time."""
    end = time.monotonic() + seconds
    while not test():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


async def write(router: ShardRouter, seen: SeenWrites | None = None) -> int:
    number = secrets.randbits(60)
    async with router.writer(KEY, seen) as connection:
        await connection.execute("INSERT INTO numbers VALUES (%s)", [number])
    return number


async def is_visible(router: ShardRouter, number: int, seen: SeenWrites | None = None) -> bool:
    async with router.reader(KEY, seen) as connection:
        row = await (await connection.execute("SELECT 1 FROM numbers WHERE n = %s", [number])).fetchone()
        return row is not None


def pause(server: Postgres, *, replay: bool) -> None:
    for endpoint in server.readers:
        with psycopg.connect(server.admin_text(endpoint=endpoint), autocommit=True) as connection:
            connection.execute("SELECT pg_wal_replay_resume()" if replay else "SELECT pg_wal_replay_pause()")


async def test_one_reads_ones_own_writes_a_hundred_times_out_of_a_hundred(router: ShardRouter) -> None:
    for _ in range(100):
        seen = SeenWrites()
        number = await write(router, seen)
        assert await is_visible(router, number, seen)


async def test_reads_without_own_writes_go_to_both_replicas(router: ShardRouter, replicated: Postgres) -> None:
    ports = set()
    for _ in range(20):
        async with router.reader(KEY) as connection:
            row = await (await connection.execute("SELECT inet_server_port()")).fetchone()
            assert row is not None
            ports.add(row[0])

    assert ports == {endpoint.port for endpoint in replicated.readers}


async def test_while_no_replica_replays_own_writes_are_read_from_the_writer(
    router: ShardRouter, replicated: Postgres
) -> None:
    pause(replicated, replay=False)
    try:
        seen = SeenWrites()
        number = await write(router, seen)
        before = router.reads.writer

        assert await is_visible(router, number, seen)
        assert router.reads.writer == before + 1
        assert not await is_visible(router, number), "the replicas were not paused, so this test proves nothing"
    finally:
        pause(replicated, replay=True)


async def test_a_replica_can_not_be_written(router: ShardRouter) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with router.reader(KEY) as connection:
            await connection.execute("INSERT INTO numbers VALUES (1)")


async def test_a_replica_that_is_away_is_left_out_and_nobody_notices(replicated: Postgres) -> None:
    gone = Endpoint(host="127.0.0.1", port=free_port())
    router = make_router(replicated, (gone, replicated.readers[0]))
    await router.open()
    try:
        number = await write(router)
        reads = 0
        while router.reads.replica < 10:
            await is_visible(router, number)
            reads += 1
            assert reads < 1000
            await asyncio.sleep(0.02)
        assert router.reads.writer + router.reads.replica == reads
    finally:
        await router.close()


async def test_without_replicas_everything_is_read_from_the_writer(replicated: Postgres) -> None:
    router = make_router(replicated, ())
    await router.open()
    try:
        assert await is_visible(router, await write(router))
        assert (router.reads.replica, router.reads.writer) == (0, 1)
    finally:
        await router.close()


async def test_a_position_of_an_earlier_term_is_read_from_the_writer(replicated: Postgres) -> None:
    router = make_router(replicated, term=2)
    await router.open()
    try:
        await is_visible(router, 1, SeenWrites([Position("mumbai", 1, 1)]))
        assert router.reads.writer == 1
    finally:
        await router.close()


async def test_a_failed_write_leaves_nothing_behind_and_is_not_noted(router: ShardRouter) -> None:
    seen = SeenWrites()
    number = secrets.randbits(60)

    async def fail() -> None:
        async with router.writer(KEY, seen) as connection:
            await connection.execute("INSERT INTO numbers VALUES (%s)", [number])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert not seen.changed
    async with router.writer(KEY) as connection:
        row = await (await connection.execute("SELECT 1 FROM numbers WHERE n = %s", [number])).fetchone()
    assert row is None


async def test_a_database_that_is_away_is_answered_503(replicated: Postgres) -> None:
    nowhere = settings(replicated).model_copy(
        update={"writer": Endpoint(host="127.0.0.1", port=free_port()), "readers": ()}
    )
    database = CellDatabase.of("mumbai", nowhere, Login("postgres", "x"), PoolOptions(min_size=0, wait_seconds=0.5))
    shards = ShardMap(1, (BucketRange(0, 960, "mumbai", "mumbai"),))
    router = ShardRouter(shards, {"mumbai": database}, "mumbai")
    await router.open()
    try:
        with pytest.raises(ServiceError) as refusal:
            async with router.writer(KEY):
                pass
        assert refusal.value.status == 503
    finally:
        await router.close()


async def test_locks_and_statements_and_idle_transactions_end_by_themselves(router: ShardRouter) -> None:
    async with router.writer(KEY) as connection:
        rows = {}
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            row = await (await connection.execute("SELECT current_setting(%s)", [name])).fetchone()
            assert row is not None
            rows[name] = row[0]

    assert rows == {
        "statement_timeout": "5s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "10s",
    }


def test_a_shard_map_with_a_home_that_has_no_database_is_refused() -> None:
    with pytest.raises(LookupError, match="singapore"):
        ShardRouter(deal(("singapore",)), {}, "singapore")


def test_every_bucket_of_every_cell_has_one_database() -> None:
    cells = ("mumbai", "singapore")
    databases = {
        cell: CellDatabase.of(
            cell,
            DatabaseSettings(
                name="x",
                writer=Endpoint(host="127.0.0.1", port=1),
                readers=(),
                tls="disable",
                owner=SecretRef(arn="x", region="x"),
            ),
            Login("x", "x"),
            PoolOptions(),
        )
        for cell in cells
    }
    router = ShardRouter(deal(cells), databases, "mumbai")

    assert set(router.homes) == set(cells)
    assert {router.shards.home_of(bucket) for bucket in router.home_buckets} == {"mumbai"}
    assert router.same_database(ShardKey(0), ShardKey(239))
    assert not router.same_database(ShardKey(0), ShardKey(959))
