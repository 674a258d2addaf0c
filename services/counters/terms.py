"""The term of a home's writer, in the database that it writes: compared by every flush, raised by a promotion.

The term that is right stands outside all databases, in the shard map; here is the copy that a transaction can check
(counting rule 9). Owns the table ``counters.writer_term``; does not own who promotes.
"""

from __future__ import annotations

from regions.buckets import ShardMap
from services.common.database import Connection

_LOCK = 0x7465726D
"""Advisory lock: shared by flushes, exclusive while the term is raised, so none of the old term commits after it."""


class StaleTermError(Exception):
    """The database is not written under the term of this process's settings. The message says what to do."""


def term_of(shards: ShardMap, home: str) -> int:
    """The term under which the buckets of ``home`` are written; 0 if it has none."""
    return max((part.term for part in shards.ranges if part.home == home), default=0)


async def check(connection: Connection, home: str, term: int) -> None:
    """Raises `StaleTermError` unless the transaction's database is written under ``term``, until its end.

    A database that was never written takes ``term`` on.
    """
    await connection.execute("SELECT pg_advisory_xact_lock_shared(%s)", (_LOCK,))
    stored = await _stored(connection)
    if stored is None:
        await _begin(connection, term)
        stored = await _stored(connection) or 0
    if stored > term:
        raise StaleTermError(
            f"the database of {home} is written under term {stored} and this process was started with term {term}: "
            "start it again with the settings of today"
        )
    if stored < term:
        raise StaleTermError(
            f"the database of {home} says term {stored} and the settings say {term}: it is the fork that a promotion "
            "left behind, or the promotion is not recorded in it; lead the settings to the promoted database, "
            "or record the term there"
        )


async def record(connection: Connection, term: int) -> None:
    """The database is written under ``term`` from this transaction on. Raises ValueError unless it grows or stays."""
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    stored = await _stored(connection)
    if stored is None:
        await _begin(connection, term)
    elif term < stored:
        raise ValueError(f"the term is {stored} and never falls; asked for {term}")
    await connection.execute("UPDATE counters.writer_term SET term = %s", (term,))


async def _stored(connection: Connection) -> int | None:
    row = await (await connection.execute("SELECT term FROM counters.writer_term")).fetchone()
    return int(row[0]) if row else None


async def _begin(connection: Connection, term: int) -> None:
    """A database that was never written belongs to whoever writes it first."""
    await connection.execute("INSERT INTO counters.writer_term (term) VALUES (%s) ON CONFLICT DO NOTHING", (term,))
