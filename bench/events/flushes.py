"""One flush on a real server: its time by the number of keys, the rate of upserts, and what each row costs in WAL."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from uuid import UUID, uuid4

import psycopg

from bench.events import workload
from bench.events.servers import CELL, Servers
from bench.events.simulation import Wal
from services.common.database import PoolOptions
from services.common.shards import ShardRouter
from services.contracts.topics import LIKES, PARTITIONS_PER_HOME, VIEWS
from services.counters import store, terms
from services.counters.pending import Change, Pending
from services.counters.store import Flush, MarkMove, Move
from services.counters.window import CountKey, MarkKey, Partition, State, StateKey, Sums

KEYS = 200_000
_SETTLE_SECONDS = 0.3
"""The server writes a record of its running transactions now and then; a pause keeps it out of small measurements."""


@dataclass(frozen=True, slots=True)
class Flushes:
    """What was measured."""

    keys: int
    insert_seconds: float
    """Of the first flush, whose rows are new."""
    update_seconds: tuple[float, ...]
    """Of later ones, which add to the same rows."""
    postgres_cpu: float
    """CPU seconds of PostgreSQL for a million rows that are added to."""
    wal: Wal
    full_pages: float
    """Bytes of WAL for a row when each page is written for the first time since a checkpoint."""

    @property
    def rows_per_second(self) -> float:
        """Upserts in the median flush."""
        return self.keys / statistics.median(self.update_seconds)


class _Writer:
    """Flushes one after the other, each where the last one left off."""

    def __init__(self, router: ShardRouter, admin: psycopg.Connection) -> None:
        self._router = router
        self._admin = admin
        self._after: dict[Partition, UUID | None] = {}
        self._marks: dict[tuple[int, MarkKey], int] = {}
        self._times = count(1)

    async def flush(
        self,
        *,
        topic: str = VIEWS.name,
        rows: Mapping[CountKey, tuple[int, int]] | None = None,
        states: Mapping[StateKey, State] | None = None,
        partitions: int = 1,
        marks: Sequence[MarkKey] = (),
        pending: Change | None = None,
    ) -> tuple[float, int]:
        """(seconds, bytes of WAL) of one transaction as a unit makes it."""
        token, high = uuid4(), next(self._times)
        places = [Partition(CELL, topic, number) for number in range(partitions)]
        flush = Flush(
            token,
            topic,
            [Move(at, self._after.get(at), high, high) for at in places],
            [MarkMove(topic, 0, key, self._marks.get((0, key), 0), high) for key in marks],
            rows=rows or {},
            states=states or {},
            pending={} if pending is None else {places[0]: pending},
        )
        before = self._position()
        started = time.monotonic()
        async with self._router.home_writer(CELL) as connection:
            await terms.check(connection, CELL, 1)
            await store.apply(connection, flush)
        seconds = time.monotonic() - started
        self._after.update(dict.fromkeys(places, token))
        self._marks.update({(0, key): high for key in marks})
        return seconds, self._position() - before

    def _position(self) -> int:
        row = self._admin.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
        assert row is not None
        return int(row[0])


async def measure(servers: Servers, keys: int = KEYS, repeats: int = 3) -> Flushes:
    """Measures on an empty database."""
    servers.empty()
    # On a busy machine a server that waits for its core must not make a statement fail.
    router = servers.router(options=PoolOptions(statement_timeout=60_000, idle_in_transaction_timeout=60_000))
    await router.open()
    try:
        with servers.admin() as admin:
            writer = _Writer(router, admin)
            rows = {CountKey(video, CELL): (1, 10_000) for video in workload.videos(keys)}
            inserted, _ = await writer.flush(rows=rows)
            await writer.flush(rows=rows)
            cpu = servers.postgres[0].cpu()
            updates = [await writer.flush(rows=rows) for _ in range(repeats)]
            cpu = servers.postgres[0].cpu() - cpu
            admin.execute("CHECKPOINT")
            _, first = await writer.flush(rows=rows)
            return Flushes(
                keys,
                inserted,
                tuple(seconds for seconds, _ in updates),
                cpu / (keys * repeats) * 1e6,
                await _wal(writer, rows),
                first / keys,
            )
    finally:
        await router.close()


async def _smallest(flush: Callable[[], Awaitable[tuple[float, int]]]) -> int:
    """WAL of a flush whose pages were all written since the checkpoint: the least of some, others' records kept out."""
    found = []
    for _ in range(4):
        await asyncio.sleep(_SETTLE_SECONDS)
        found.append((await flush())[1])
    return min(found)


async def _wal(writer: _Writer, rows: Mapping[CountKey, tuple[int, int]]) -> Wal:
    listed = list(rows.items())
    few, many = dict(listed[:10]), dict(listed[:5_010])
    small = await _smallest(lambda: writer.flush(rows=few))
    row = (await _smallest(lambda: writer.flush(rows=many)) - small) / 5_000
    keys = [MarkKey(CELL, uuid4()) for _ in range(200)]
    mark = (await _smallest(lambda: writer.flush(rows=few, marks=keys)) - small) / len(keys)
    places = PARTITIONS_PER_HOME
    position = (await _smallest(lambda: writer.flush(rows=few, partitions=places)) - small) / (places - 1)
    part = Pending().change(
        {key: Sums(number % 3, number % 50 * 10_000, number % 100) for number, key in enumerate(list(rows)[:50_000])},
        (),
        1_780_000_000_000,
    )
    assert part is not None
    assert part.body is not None
    numbers = count()
    # Each replaces the one before, as in the steady state.
    pending = await _smallest(
        lambda: writer.flush(rows=few, pending=replace(part, number=(next_ := next(numbers)), keep_from=next_))
    )
    pending_byte = (pending - small) / len(part.body)
    single = await _smallest(lambda: writer.flush(rows=dict(listed[:1])))
    # Few rows find room on their pages and cost less than a row among many; so the rest is what one row leaves of one flush.
    return Wal(max(single - row, 0.0), row, await _state(writer), mark, position, pending_byte, single)


async def _state(writer: _Writer) -> float:
    """A new state of one subject; its count is one row for all."""
    found = []
    for members in (1, 4_001, 1, 4_001):
        ids = workload.videos(members)
        states = {StateKey(ids[0], member): State(1, 1, uuid4().bytes, CELL) for member in ids}
        found.append((await writer.flush(topic=LIKES.name, states=states))[1])
    return (found[3] - found[2]) / 4_000
