"""Nobody misses what they wrote themselves: histories recorded on a real primary and two replicas under load and faults.

Each client is answered by two routers in turn, as by two processes of a service, and carries its token between them in
the form in which it travels. Meanwhile one replica after the other stands still, or crashes and recovers.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import psycopg
import pytest
from psycopg import sql

from regions.buckets import BucketRange, ShardMap
from services.common import consistency
from services.common.consistency import SeenWrites
from services.common.context import ContextKeys
from services.common.database import CellDatabase, Login, PoolOptions
from services.common.errors import ServiceError
from services.common.ids import ShardKey
from services.common.shards import ShardRouter
from services.contracts.settings import DatabaseSettings, Endpoint, SecretRef
from tests.servers import Postgres, run_postgres
from tests.services.common.histories import Read, Stale, Step, Wrote, share_of, stale_reads

KEY = ShardKey(0)
KEYS = ContextKeys(b"k" * 32)
CLIENTS = 12
READS_PER_WRITE = 20
READS = int(os.environ.get("READ_YOUR_WRITES", "2000"))
"""Reads of a run; set more for a longer one."""
DISTURBANCES = 5
CRASH_EVERY = 4
LIMIT_SECONDS = 300.0
STILL_SECONDS = (0.3, 1.2)


@pytest.fixture(scope="module")
def replicated() -> Iterator[Postgres]:
    """A primary with two streaming replicas and a register per client."""
    with run_postgres(replicas=2) as server:
        # As in a region: a commit is on its way to the replicas when it is answered.
        server.execute(
            sql.SQL("ALTER ROLE postgres SET synchronous_commit = on").format(),
            sql.SQL("CREATE TABLE registers (client int PRIMARY KEY, value bigint NOT NULL)").format(),
        )
        yield server


@asynccontextmanager
async def routers(server: Postgres) -> AsyncIterator[Sequence[ShardRouter]]:
    """Two, as in two processes."""
    settings = DatabaseSettings(
        name="postgres",
        writer=server.writer,
        readers=server.readers,
        tls="disable",
        owner=SecretRef(arn="none", region="none"),
    )
    shards = ShardMap(1, (BucketRange(0, 960, "mumbai", "mumbai", 1),))
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            login = Login("postgres", server.admin_password)
            database = CellDatabase.of("mumbai", settings, login, PoolOptions(wait_seconds=5))
            router = ShardRouter(shards, {"mumbai": database}, "mumbai")
            await router.open()
            stack.push_async_callback(router.close)
            made.append(router)
        yield made


class Recorder:
    """Clients at work, and what they saw."""

    def __init__(self, routers: Sequence[ShardRouter], chance: random.Random, *, tokens: bool) -> None:
        self._routers = routers
        self._random = chance
        self._tokens = tokens
        self.history: list[Step] = []
        self.refused = 0
        """Reads and writes that got no answer: they promise nothing."""

    async def client(self, number: int) -> None:
        """One client, until cancelled. Raises AssertionError if a read is answered by an unknown server."""
        token, value = "", 0
        while True:
            router = self._random.choice(self._routers)
            seen = consistency.decode(token, KEYS) if self._tokens else SeenWrites()
            if self._random.random() < 1 / READS_PER_WRITE:
                value += 1
                acknowledged = await self._write(router, number, value, seen)
                self.history.append(Wrote(number, value, acknowledged))
                if seen.changed:
                    token = consistency.encode(seen, KEYS)
            else:
                await self._read(router, number, seen)
            await asyncio.sleep(self._random.uniform(0, 0.02))

    async def _write(self, router: ShardRouter, number: int, value: int, seen: SeenWrites) -> bool:
        try:
            async with router.writer(KEY, seen) as connection:
                await connection.execute(
                    "INSERT INTO registers VALUES (%s, %s) ON CONFLICT (client) DO UPDATE SET value = excluded.value",
                    (number, value),
                )
        except (ServiceError, psycopg.OperationalError):
            self.refused += 1
            return False
        return True

    async def _read(self, router: ShardRouter, number: int, seen: SeenWrites) -> None:
        try:
            async with router.reader(KEY, seen) as connection:
                rows = await connection.execute(
                    "SELECT coalesce((SELECT value FROM registers WHERE client = %s), 0), inet_server_port()", (number,)
                )
                row = await rows.fetchone()
        except (ServiceError, psycopg.OperationalError):
            self.refused += 1
            return
        assert row is not None
        self.history.append(Read(number, row[0], row[1]))


async def _pause(server: Postgres, replica: Endpoint, seconds: float) -> None:
    """The replica answers and replays nothing."""
    async with await psycopg.AsyncConnection.connect(
        server.admin_text(endpoint=replica), autocommit=True
    ) as connection:
        await connection.execute("SELECT pg_wal_replay_pause()")
        await asyncio.sleep(seconds)
        await connection.execute("SELECT pg_wal_replay_resume()")


async def _crash(server: Postgres, replica: Endpoint) -> None:
    """kill -9 of a process of the replica: it ends all sessions and recovers."""
    async with await psycopg.AsyncConnection.connect(
        server.admin_text(endpoint=replica), autocommit=True
    ) as connection:
        rows = await connection.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walreceiver'")
        for (pid,) in await rows.fetchall():
            os.kill(pid, signal.SIGKILL)


async def _disturb(server: Postgres, chance: random.Random, done: list[str]) -> None:
    """One replica at a time, until cancelled."""
    while True:
        await asyncio.sleep(chance.uniform(0.2, 0.8))
        replica = chance.choice(server.readers)
        with suppress(psycopg.OperationalError):
            if len(done) % CRASH_EVERY == CRASH_EVERY - 1:
                await _crash(server, replica)
                done.append("crash")
            else:
                await _pause(server, replica, chance.uniform(*STILL_SECONDS))
                done.append("pause")


Enough = Callable[[Sequence[Step], Sequence[str]], bool]
"""Whether a history, and what was done to the replicas meanwhile, are long enough."""


async def record(server: Postgres, enough: Enough, *, tokens: bool) -> tuple[Recorder, list[str]]:
    """Clients at work while replicas are disturbed; what they saw, and what was done to the replicas."""
    server.execute(sql.SQL("TRUNCATE registers").format())
    chance = random.Random(11)
    disturbed: list[str] = []
    async with routers(server) as made:
        recorder = Recorder(made, chance, tokens=tokens)
        tasks = [asyncio.create_task(recorder.client(number)) for number in range(CLIENTS)]
        tasks.append(asyncio.create_task(_disturb(server, chance, disturbed)))
        async with asyncio.timeout(LIMIT_SECONDS):
            while True:
                if enough(recorder.history, disturbed) or any(task.done() for task in tasks):
                    break
                await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome
    return recorder, disturbed


async def test_nobody_misses_an_own_write_while_replicas_stand_still_and_crash(replicated: Postgres) -> None:
    recorder, disturbed = await record(
        replicated, lambda history, done: len(history) > READS and len(done) >= DISTURBANCES, tokens=True
    )
    history = recorder.history
    replicas = {endpoint.port for endpoint in replicated.readers}
    writes = sum(isinstance(step, Wrote) for step in history)
    print(
        f"{len(history) - writes} reads and {writes} writes of {CLIENTS} clients, {recorder.refused} "
        f"without an answer; replicas paused {disturbed.count('pause')} times, crashed {disturbed.count('crash')} times; "
        f"answered by replicas: {share_of(replicas, history):.1%}"
    )
    assert stale_reads(history) == []
    assert writes > CLIENTS
    assert {"pause", "crash"} <= set(disturbed)
    assert 0 < share_of(replicas, history) < 1, "reads of replicas and of the primary are both to be judged"


async def test_without_tokens_the_same_load_has_stale_reads(replicated: Postgres) -> None:
    recorder, _ = await record(replicated, lambda history, _: bool(stale_reads(history)), tokens=False)
    assert stale_reads(recorder.history)


def test_the_judgement_knows_a_stale_read_a_lost_answer_and_another_client() -> None:
    stale = Read(1, 1, 7)
    history: list[Step] = [
        Read(1, 0, 7),
        Wrote(1, 1),
        Read(2, 0, 7),
        Read(1, 1, 7),
        Wrote(1, 2, acknowledged=False),
        Read(1, 1, 7),
        Read(1, 2, 7),
        Wrote(1, 3),
        stale,
    ]
    assert stale_reads(history) == [Stale(stale, 3, 8)]
    assert share_of({7}, history) == 1
    assert share_of({8}, history) == 0
