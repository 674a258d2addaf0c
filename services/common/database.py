"""Connection pools to the PostgreSQL of one cell. Owns connection options and pool sizes; does not own which cell
is asked (``shards``) nor any table.

Sizes: a cell's writer takes 8 workloads x 3 replicas x 8 = 192 connections of the own cell and as many at most from
each peer; PostgreSQL's ``max_connections`` in the stacks is above that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from services.contracts.settings import DatabaseSettings, Endpoint

Connection: TypeAlias = AsyncConnection[TupleRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Limits of one pool; times in milliseconds unless named otherwise."""

    min_size: int = 1
    max_size: int = 8
    max_waiting: int = 64
    wait_seconds: float = 3.0
    """How long a request waits for a free connection."""
    statement_timeout: int = 5_000
    lock_timeout: int = 2_000
    idle_in_transaction_timeout: int = 10_000
    """At most 10 s: a stopped owner must not hold its locks for longer (counting rule 15)."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who connects. The password is kept out of the repr."""

    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login(user={self.user!r})"


def connection_text(
    database: DatabaseSettings, endpoint: Endpoint, login: Login, options: PoolOptions, *, read_only: bool
) -> str:
    """What libpq connects by: the login's schema on the path, UTC, all timeouts. Holds the password: never log it."""
    server_options = {
        "search_path": f"{login.user},public",
        "timezone": "UTC",
        "statement_timeout": options.statement_timeout,
        "lock_timeout": options.lock_timeout,
        "idle_in_transaction_session_timeout": options.idle_in_transaction_timeout,
        "default_transaction_read_only": "on" if read_only else "off",
    }
    return make_conninfo(
        host=endpoint.host,
        port=endpoint.port,
        dbname=database.name,
        user=login.user,
        password=login.password,
        sslmode=database.tls,
        sslrootcert=database.authorities,
        connect_timeout=3,
        application_name=f"meridian-{login.user}",
        target_session_attrs="any" if read_only else "read-write",
        options=" ".join(f"-c {name}={value}" for name, value in server_options.items()),
        keepalives_idle=30,
        keepalives_interval=5,
        keepalives_count=3,
        tcp_user_timeout=15_000,
    )


def make_pool(
    database: DatabaseSettings, endpoint: Endpoint, login: Login, options: PoolOptions, *, read_only: bool
) -> Pool:
    """A closed pool; `psycopg_pool.AsyncConnectionPool.open` starts it."""
    return AsyncConnectionPool(
        connection_text(database, endpoint, login, options, read_only=read_only),
        # Transactions are begun explicitly, so a single read is not three statements.
        kwargs={"autocommit": True},
        min_size=options.min_size,
        max_size=options.max_size,
        max_waiting=options.max_waiting,
        timeout=options.wait_seconds,
        max_idle=60,
        max_lifetime=900,
        reconnect_timeout=60,
        open=False,
        # After a restart of the server every pooled connection is dead; the check replaces it before its use.
        check=AsyncConnectionPool.check_connection,
        name=f"{login.user}@{endpoint.host}:{endpoint.port}",
    )


class CellDatabase:
    """The pools of one cell: the writer, and one per replica."""

    def __init__(self, cell: str, writer: Pool, readers: tuple[Pool, ...]) -> None:
        self.cell = cell
        self.writer = writer
        self.readers = readers

    @classmethod
    def of(cls, cell: str, database: DatabaseSettings, login: Login, options: PoolOptions) -> CellDatabase:
        """Closed pools for ``database``."""
        return cls(
            cell,
            make_pool(database, database.writer, login, options, read_only=False),
            tuple(make_pool(database, endpoint, login, options, read_only=True) for endpoint in database.readers),
        )

    async def open(self) -> None:
        """Starts the pools. Does not wait for connections: a database that is down is found out by its use."""
        for pool in (self.writer, *self.readers):
            await pool.open(wait=False)

    async def close(self) -> None:
        """Closes all connections."""
        for pool in (self.writer, *self.readers):
            await pool.close(timeout=3)
