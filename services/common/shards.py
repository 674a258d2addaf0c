"""The shard router: from a shard key to a connection. Owns which database is asked; owns no table.

A database is called after the home cell whose buckets it holds, wherever it runs: after a promotion the settings lead
to the promoted copy under the same name, and the term has grown. Writes go to that database's writer. Reads go to a
replica of it that is at least as new as the caller's
last write; if none is, one is waited for at most 20 ms, then the writer is asked. A replica that lags or does not
answer is cut out. Positions are polled only while there are reads, of each server for itself. While the writer is away
its replicas go on answering all who have written nothing that they lack (``replicas``); only the others are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from regions.buckets import ShardMap
from services.common.consistency import Position, SeenWrites
from services.common.database import CellDatabase, Connection, Pool
from services.common.errors import ServiceError, unavailable
from services.common.ids import ShardKey
from services.common.replicas import LagMeter, parse_lsn
from services.common.tasks import end

POLL_SECONDS = 0.1
WAIT_SECONDS = 0.02
"""How long a read waits for a replica before it goes to the writer."""
_IDLE_SECONDS = 2.0
_REPLICA_SECONDS = 0.5
"""How long a read waits for a connection to a replica before it goes to the writer."""
_WRITER_SECONDS = 0.5
"""How long a read waits for the writer before it takes what replicas have, if they will do."""
_WAIT_STEP_SECONDS = 0.005

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class ReadCounts:
    """How many reads went where, since the start."""

    replica: int = 0
    waited: int = 0
    """Of those at a replica, how many waited for it."""
    alone: int = 0
    """Of those at a replica, how many while the writer was silent: they may lack its last writes."""
    writer: int = 0


@dataclass(slots=True)
class _Cell:
    database: CellDatabase
    meter: LagMeter
    next_reader: int = 0
    last_read: float = float("-inf")
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    """Reads that wait for a replica."""
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while there are such reads: replicas are polled at once."""


class ShardRouter:
    """Connections by shard key."""

    def __init__(
        self,
        shards: ShardMap,
        databases: Mapping[str, CellDatabase],
        own_cell: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shards = shards
        self.own_cell = own_cell
        self.reads = ReadCounts()
        self._clock = clock
        self._terms: dict[str, int] = {}
        for part in shards.ranges:
            if part.home not in databases:
                raise LookupError(
                    f"the shard map gives buckets to {part.home} and the settings name no database of it; "
                    "write the settings again, with every home cell of the shard map"
                )
            self._terms[part.home] = max(part.term, self._terms.get(part.home, 0))
        self._cells = {
            name: _Cell(database, LagMeter(len(database.readers), clock)) for name, database in databases.items()
        }
        self._pollers: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Opens all pools and starts to watch the replicas."""
        for cell in self._cells.values():
            await cell.database.open()
            if cell.database.readers:
                measures = [
                    partial(self._measure_writer, cell),
                    *(partial(self._measure_replica, cell, number) for number in range(len(cell.database.readers))),
                ]
                self._pollers += [asyncio.create_task(self._poll(cell, measure)) for measure in measures]

    async def close(self) -> None:
        """Stops watching and closes all connections."""
        await end(*self._pollers)
        for cell in self._cells.values():
            await cell.database.close()

    @property
    def home_buckets(self) -> tuple[int, ...]:
        """Buckets whose home is the own cell: where its users are minted."""
        return self.shards.buckets_of(self.own_cell)

    @property
    def homes(self) -> tuple[str, ...]:
        """Every cell that is home of some bucket, each once: together their databases hold all data."""
        return tuple(self._terms)

    def same_database(self, a: ShardKey, b: ShardKey) -> bool:
        """Whether rows of both keys can be written in one transaction."""
        return self.shards.home_of(a.bucket) == self.shards.home_of(b.bucket)

    @asynccontextmanager
    async def writer(self, key: ShardKey, seen: SeenWrites | None = None) -> AsyncIterator[Connection]:
        """A transaction in the database of ``key``: committed at the end, rolled back by an exception.

        ``seen`` is told the position after the commit. Raises `ServiceError` 503 if the database does not answer.
        """
        part = self.shards.range_of(key.bucket)
        async with self._transaction(part.home, part.term, seen) as connection:
            yield connection

    @asynccontextmanager
    async def home_writer(self, home: str) -> AsyncIterator[Connection]:
        """A transaction in the database of the buckets whose home is ``home``, for work on many buckets or on none."""
        async with self._transaction(home, self._terms.get(home, 0), None) as connection:
            yield connection

    @asynccontextmanager
    async def reader(self, key: ShardKey, seen: SeenWrites | None = None) -> AsyncIterator[Connection]:
        """A connection that sees at least what ``seen`` states, for reading only.

        Raises `ServiceError` 503 if the database does not answer.
        """
        part = self.shards.range_of(key.bucket)
        written = seen.of(part.home) if seen else None
        position: int | None = written.lsn if written else 0
        if written is not None and written.term != part.term:
            # A position of another term says nothing about this writer's log.
            position = None
        async with self._reading(part.home, position) as connection:
            yield connection

    @asynccontextmanager
    async def home_reader(self, home: str) -> AsyncIterator[Connection]:
        """A connection for reading over all buckets whose home is ``home``, as new as its replicas are."""
        async with self._reading(home, 0) as connection:
            yield connection

    def silent(self) -> dict[str, float]:
        """By home, how long its writer has been silent, in seconds; 0 if it answered when it was last asked."""
        return {name: cell.meter.silence for name, cell in self._cells.items()}

    async def ping(self) -> None:
        """Raises `ServiceError` 503 unless the own cell's writer answers."""
        async with _connection(self._cells[self.own_cell].database.writer) as connection:
            await connection.execute("SELECT 1")

    async def ping_reads(self) -> None:
        """Raises `ServiceError` 503 unless a replica of the own cell answers, or its writer."""
        async with self._reading(self.own_cell, 0) as connection:
            await connection.execute("SELECT 1")

    @asynccontextmanager
    async def _reading(self, home: str, position: int | None) -> AsyncIterator[Connection]:
        """A connection that has replayed ``position``; None: only the writer will do."""
        async with contextlib.AsyncExitStack() as stack:
            yield await self._read_connection(stack, self._cells[home], position)

    async def _read_connection(self, stack: contextlib.AsyncExitStack, cell: _Cell, position: int | None) -> Connection:
        tried: int | None = None
        if position is not None:
            tried = await self._replica(cell, position)
            connection = await self._at_replica(stack, cell, tried)
            if connection is not None:
                return connection
        writer = cell.database.writer
        try:
            if cell.database.readers and position is not None:
                with contextlib.suppress(ServiceError):
                    connection = await stack.enter_async_context(_connection(writer, _WRITER_SECONDS))
                    self.reads.writer += 1
                    return connection
                cell.meter.writer_silent()
                # What waited meanwhile may be there now, and what this process knew nothing of may be known.
                other = self._pick(cell, position)
                connection = await self._at_replica(stack, cell, other if other != tried else None)
                if connection is not None:
                    return connection
            connection = await stack.enter_async_context(_connection(writer))
        except ServiceError as error:
            if position == 0:
                raise
            raise unavailable(
                "What was written last cannot be read yet: its database does not answer at the moment. Try again."
            ) from error
        self.reads.writer += 1
        return connection

    async def _at_replica(self, stack: contextlib.AsyncExitStack, cell: _Cell, number: int | None) -> Connection | None:
        """A connection to replica ``number``; None if it went away since it was last measured."""
        if number is None:
            return None
        try:
            connection = await stack.enter_async_context(_connection(cell.database.readers[number], _REPLICA_SECONDS))
        except ServiceError:
            cell.meter.replica_at(number, None)
            return None
        self.reads.replica += 1
        self.reads.alone += cell.meter.silence > 0
        return connection

    @asynccontextmanager
    async def _transaction(self, cell: str, term: int, seen: SeenWrites | None) -> AsyncIterator[Connection]:
        async with _connection(self._cells[cell].database.writer) as connection:
            async with connection.transaction():
                yield connection
            if seen is not None:
                row = await (await connection.execute("SELECT pg_current_wal_insert_lsn()::text")).fetchone()
                if row is not None:
                    seen.add(Position(cell, term, parse_lsn(str(row[0]))))

    async def _replica(self, cell: _Cell, position: int) -> int | None:
        """A replica that has ``position``, after waiting for one if need be."""
        cell.last_read = self._clock()
        cell.wake.set()
        number = self._pick(cell, position)
        if number is not None or not any(cell.meter.usable(other) for other in range(len(cell.database.readers))):
            return number
        cell.waiting += 1
        cell.hurry.set()
        try:
            deadline = self._clock() + WAIT_SECONDS
            while number is None and self._clock() < deadline:
                await asyncio.sleep(_WAIT_STEP_SECONDS)
                number = self._pick(cell, position)
        finally:
            cell.waiting -= 1
            if not cell.waiting:
                cell.hurry.clear()
        self.reads.waited += number is not None
        return number

    def _pick(self, cell: _Cell, position: int) -> int | None:
        count = len(cell.database.readers)
        for step in range(count):
            number = (cell.next_reader + step) % count
            if cell.meter.usable(number) and (cell.meter.reached(number) or 0) >= position:
                cell.next_reader = (number + 1) % count
                return number
        return None

    async def _poll(self, cell: _Cell, measure: Callable[[], Awaitable[None]]) -> None:
        """One server, for itself: one that does not answer must not make what is known of the others old."""
        while True:
            if self._clock() - cell.last_read > _IDLE_SECONDS:
                cell.wake.clear()
                await cell.wake.wait()
            await measure()
            if cell.hurry.is_set():
                await asyncio.sleep(_WAIT_STEP_SECONDS)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(cell.hurry.wait(), POLL_SECONDS)

    async def _measure_writer(self, cell: _Cell) -> None:
        position = await _position(cell.database.writer, "SELECT pg_current_wal_lsn()::text")
        if position is None:
            cell.meter.writer_silent()
        else:
            cell.meter.writer_at(position)

    async def _measure_replica(self, cell: _Cell, number: int) -> None:
        position = await _position(cell.database.readers[number], "SELECT pg_last_wal_replay_lsn()::text")
        cell.meter.replica_at(number, position)


async def _position(pool: Pool, query: str) -> int | None:
    """The log position that ``query`` gives; None if the server does not answer or is no replica."""
    try:
        async with asyncio.timeout(1), pool.connection(timeout=1) as connection:
            row = await (await connection.execute(query)).fetchone()
    except (psycopg.Error, PoolTimeout, TooManyRequests, TimeoutError) as error:
        _log.debug("no position from %s: %s", pool.name, type(error).__name__)
        return None
    return None if row is None or row[0] is None else parse_lsn(str(row[0]))


@asynccontextmanager
async def _connection(pool: Pool, seconds: float | None = None) -> AsyncIterator[Connection]:
    async with contextlib.AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(pool.connection(timeout=seconds))
        except (PoolTimeout, TooManyRequests, psycopg.OperationalError) as error:
            _log.warning("database %s gave no connection: %s", pool.name, type(error).__name__)
            raise unavailable("The database does not answer at the moment.") from error
        yield connection
