"""The one transaction of a flush, and what is loaded when a partition is taken over. Owns the SQL of schema ``counters``.

Everything that a flush changes lies in one database: rows of counts, states, what is pending, dead letters, an outbox
row, and the positions and marks, which are compared before they are set. A process that lost its partition to another
finds them changed, and its whole transaction is rolled back. Needs PostgreSQL 18 (``RETURNING old``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

from psycopg import sql

from services.common.arrays import Bigints, Texts
from services.common.database import Connection
from services.contracts.events import Notified
from services.counters.code_version import CODE_VERSION
from services.counters.kinds import BY_TOPIC, Kind, joined
from services.counters.pending import LEGACY, Change
from services.counters.window import CountKey, DeadLetter, MarkKey, Partition, State, StateKey


class FencedError(Exception):
    """Another owner has moved a position or a mark: nothing was written, and what was read must be read again."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database knows of a partition. ``offset`` and ``token`` None: it was never read."""

    offset: int | None
    token: UUID | None
    """Of the flush that set the position."""
    marks: Mapping[MarkKey, int]
    pending: Sequence[tuple[int, bytes]]
    """Numbered parts of what is pending, in their order."""


@dataclass(frozen=True, slots=True)
class Move:
    """A partition goes from where the flush ``after`` left it (None: it has no row yet) to offset ``high``."""

    partition: Partition
    after: UUID | None
    high: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class MarkMove:
    """A mark goes from ``low`` (0: it has no row yet) to ``high``."""

    topic: str
    part: int
    key: MarkKey
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Flush:
    """One transaction, known by its ``token``."""

    token: UUID
    topic: str
    moves: Sequence[Move]
    marks: Sequence[MarkMove] = ()
    relied: Sequence[MarkMove] = ()
    """Marks that do not move and that must still be at ``high`` or beyond: records were skipped because of them. After a
    promotion the database may know less than what this process loaded before."""
    rows: Mapping[CountKey, tuple[int, int]] = field(default_factory=dict)
    states: Mapping[StateKey, State] = field(default_factory=dict)
    pending: Mapping[Partition, Change] = field(default_factory=dict)
    """For partitions where what is pending changes."""
    notices: Sequence[Notified] = ()
    dead: Sequence[DeadLetter] = ()


def _insert_counts(kind: Kind, source: sql.Composable) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO {table} AS t (subject, region, {columns}) SELECT subject, region, {columns} FROM ({source}) AS s "
        "ORDER BY subject, region "
        "ON CONFLICT (subject, region) DO UPDATE SET updated_at = now(), {sums}"
    ).format(
        table=sql.Identifier("counters", kind.counts),
        columns=joined("{c}", kind.columns),
        source=source,
        sums=joined("{c} = t.{c} + excluded.{c}", kind.columns),
    )


def _rows_statement(kind: Kind) -> sql.Composed:
    arrays = sql.SQL(", ").join(sql.SQL("%s::bigint[]") for _ in kind.columns)
    return _insert_counts(
        kind,
        sql.SQL("SELECT * FROM unnest(%s::bigint[], %s::text[], {arrays}) AS u (subject, region, {columns})").format(
            arrays=arrays, columns=joined("{c}", kind.columns)
        ),
    )


def _states_statement(kind: Kind, states: str) -> sql.Composed:
    gained, lost, sums = (
        sql.SQL(", ").join(
            sql.SQL(template).format(n=sql.Literal(number), c=sql.Identifier(column))
            for number, column in enumerate(kind.columns, start=1)
        )
        for template in (
            "(value = {n})::int AS {c}",
            "-(was = {n})::int AS {c}",
            "sum({c})::bigint AS {c}",
        )
    )
    change = sql.SQL(
        "SELECT subject, region, {sums} FROM ("
        "SELECT subject, region, {gained} FROM moved "
        "UNION ALL SELECT subject, was_in AS region, {lost} FROM moved WHERE was IS NOT NULL"
        ") AS changes GROUP BY subject, region"
    ).format(sums=sums, gained=gained, lost=lost)
    return sql.SQL(
        "WITH moved AS ("
        "INSERT INTO {states} AS s (subject, member, value, at_ms, event, region) "
        "SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::smallint[], %s::bigint[], %s::uuid[], %s::text[]) "
        "ORDER BY 1, 2 "
        "ON CONFLICT (subject, member) DO UPDATE SET "
        "value = excluded.value, at_ms = excluded.at_ms, event = excluded.event, region = excluded.region "
        "WHERE (excluded.at_ms, excluded.event) > (s.at_ms, s.event) "
        "RETURNING new.subject, new.value, new.region, old.value AS was, old.region AS was_in"
        ") {insert}"
    ).format(states=sql.Identifier("counters", states), insert=_insert_counts(kind, change))


_ROWS = MappingProxyType({topic: _rows_statement(kind) for topic, kind in BY_TOPIC.items()})
_STATES = MappingProxyType(
    {topic: _states_statement(kind, kind.states) for topic, kind in BY_TOPIC.items() if kind.states is not None}
)


async def load(connection: Connection, partitions: Sequence[Partition]) -> dict[Partition, Stored]:
    """What the database knows of ``partitions``, all of one topic; of a flush that comes between, at most its position is
    missing."""
    clusters, names, numbers = _columns(partitions)
    positions = await connection.execute(
        "SELECT w.cluster, w.topic, w.part, p.next_offset, p.flush "
        "FROM unnest(%s::text[], %s::text[], %s::int[]) AS w (cluster, topic, part) "
        "LEFT JOIN counters.positions AS p USING (cluster, topic, part)",
        (clusters, names, numbers),
    )
    found = {Partition(row[0], row[1], row[2]): (row[3], row[4]) for row in await positions.fetchall()}
    # Read after the positions: what a flush changes in between is known by its token, and the next flush is fenced.
    parts: dict[Partition, list[tuple[int, bytes]]] = {}
    rows = await connection.execute(
        "WITH w AS (SELECT * FROM unnest(%s::text[], %s::text[], %s::int[]) AS w (cluster, topic, part)) "
        "SELECT cluster, topic, part, %s::bigint AS number, body FROM counters.pending JOIN w USING (cluster, topic, part) "
        "UNION ALL SELECT cluster, topic, part, number, body FROM counters.pending_parts "
        "JOIN w USING (cluster, topic, part) ORDER BY number",
        (clusters, names, numbers, LEGACY),
    )
    for cluster, topic, part, number, body in await rows.fetchall():
        parts.setdefault(Partition(cluster, topic, part), []).append((number, body))
    marks = await connection.execute(
        "SELECT topic, part, origin, incarnation, sequence FROM counters.marks "
        "WHERE topic = ANY(%s) AND part = ANY(%s)",
        (sorted(set(names)), sorted(set(numbers))),
    )
    by_part: dict[tuple[str, int], dict[MarkKey, int]] = {}
    for topic, part, origin, incarnation, sequence in await marks.fetchall():
        by_part.setdefault((topic, part), {})[MarkKey(origin, incarnation)] = sequence
    return {
        partition: Stored(offset, token, by_part.get((partition.topic, partition.number), {}), parts.get(partition, ()))
        for partition, (offset, token) in found.items()
    }


async def apply(connection: Connection, flush: Flush, *, fence: bool = True) -> None:
    """Writes ``flush`` inside the transaction of ``connection``. Raises `FencedError`, then nothing may be committed.

    ``fence=False`` is for the fault harness, which shows what the comparison is needed for.
    """
    await _positions(connection, flush, fence=fence)
    await _marks(connection, flush.marks, fence=fence)
    if fence:
        await _relied(connection, flush.relied)
    await count(connection, flush.topic, flush.rows, flush.states)
    await tell(connection, flush.topic, flush.notices)
    await _pending(connection, flush.pending)
    await bury(connection, flush.dead)


async def count(
    connection: Connection, topic: str, rows: Mapping[CountKey, tuple[int, int]], states: Mapping[StateKey, State]
) -> None:
    """Adds ``rows`` to the counts, moves ``states`` and the counts that follow from them, and says so in the outbox."""
    await add(connection, topic, rows, states)
    subjects = sorted({key.subject for key in rows} | {key.subject for key in states})
    if subjects:
        await connection.execute(
            "INSERT INTO counters.outbox (topic, subjects) VALUES (%s, %s)", (topic, Bigints(subjects))
        )


async def add(
    connection: Connection, topic: str, rows: Mapping[CountKey, tuple[int, int]], states: Mapping[StateKey, State]
) -> None:
    """`count` without the outbox."""
    if rows:
        columns = len(BY_TOPIC[topic].columns)
        await connection.execute(
            _ROWS[topic],
            (
                Bigints([key.subject for key in rows]),
                Texts([key.region for key in rows]),
                *(Bigints([sums[number] for sums in rows.values()]) for number in range(columns)),
            ),
        )
    if states:
        listed = list(states.items())
        await connection.execute(
            _STATES[topic],
            (
                Bigints([key.subject for key, _ in listed]),
                Bigints([key.member for key, _ in listed]),
                [state.value for _, state in listed],
                Bigints([state.at_ms for _, state in listed]),
                [UUID(bytes=state.event) for _, state in listed],
                Texts([state.region for _, state in listed]),
            ),
        )


async def tell(connection: Connection, topic: str, notices: Sequence[Notified]) -> None:
    """Adds what users are told, each thing once, and says so in the outbox."""
    if not notices:
        return
    told = await connection.execute(
        "INSERT INTO counters.notifications (user_id, kind, subject, under, at_ms) "
        "SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]) ORDER BY 1, 2, 3 "
        "ON CONFLICT DO NOTHING RETURNING user_id",
        (
            [notice.user for notice in notices],
            [notice.kind for notice in notices],
            [notice.subject for notice in notices],
            [notice.under for notice in notices],
            [notice.at_ms for notice in notices],
        ),
    )
    users = sorted({int(row[0]) for row in await told.fetchall()})
    if users:
        await connection.execute("INSERT INTO counters.outbox (topic, subjects) VALUES (%s, %s)", (topic, users))


def _columns(partitions: Iterable[Partition]) -> tuple[list[str], list[str], list[int]]:
    listed = list(partitions)
    return [p.cluster for p in listed], [p.topic for p in listed], [p.number for p in listed]


async def _positions(connection: Connection, flush: Flush, *, fence: bool) -> None:
    ordered = sorted(flush.moves, key=lambda move: move.partition)
    first = [move for move in ordered if move.after is None]
    if first:
        inserted = await connection.execute(
            "INSERT INTO counters.positions (cluster, topic, part, next_offset, last_time_ms, flush) "
            "SELECT u.*, %s::uuid FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::bigint[]) AS u "
            "ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING",
            (flush.token, *_columns(m.partition for m in first), [m.high for m in first], [m.time_ms for m in first]),
        )
        if fence and inserted.rowcount != len(first):
            raise FencedError("a partition that had no position has one now")
    later = [move for move in ordered if move.after is not None]
    if not later:
        return
    # Locked in order first: an UPDATE over a join takes its rows in any order, which can deadlock with a zombie.
    locked = await connection.execute(
        "SELECT p.cluster, p.topic, p.part, p.flush FROM counters.positions AS p "
        "JOIN unnest(%s::text[], %s::text[], %s::int[]) AS w (cluster, topic, part) USING (cluster, topic, part) "
        "ORDER BY 1, 2, 3 FOR UPDATE OF p",
        _columns(move.partition for move in later),
    )
    stored = {Partition(row[0], row[1], row[2]): row[3] for row in await locked.fetchall()}
    for move in later:
        if fence and stored.get(move.partition) != move.after:
            raise FencedError(f"{move.partition} was moved by another owner")
    await connection.execute(
        "UPDATE counters.positions AS p SET next_offset = w.high, "
        "last_time_ms = greatest(p.last_time_ms, w.time_ms), flush = %s "
        "FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::bigint[]) "
        "AS w (cluster, topic, part, high, time_ms) "
        "WHERE (p.cluster, p.topic, p.part) = (w.cluster, w.topic, w.part)",
        (flush.token, *_columns(m.partition for m in later), [m.high for m in later], [m.time_ms for m in later]),
    )


async def _marks(connection: Connection, moves: Sequence[MarkMove], *, fence: bool) -> None:
    ordered = sorted(moves, key=lambda move: (move.key, move.topic, move.part))
    for fresh in (True, False):
        chosen = [move for move in ordered if (move.low == 0) is fresh]
        if not chosen:
            continue
        columns = (
            [move.key.origin for move in chosen],
            [move.topic for move in chosen],
            [move.part for move in chosen],
            [move.key.incarnation for move in chosen],
            [move.high for move in chosen],
        )
        if fresh:
            done = await connection.execute(
                "INSERT INTO counters.marks (origin, topic, part, incarnation, sequence) "
                "SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::uuid[], %s::bigint[]) ORDER BY 1, 2, 3, 4 "
                "ON CONFLICT DO NOTHING",
                columns,
            )
        else:
            done = await connection.execute(
                "UPDATE counters.marks AS m SET sequence = w.high, updated_at = now() "
                "FROM unnest(%s::text[], %s::text[], %s::int[], %s::uuid[], %s::bigint[], %s::bigint[]) "
                "AS w (origin, topic, part, incarnation, high, low) "
                "WHERE (m.origin, m.topic, m.part, m.incarnation) = (w.origin, w.topic, w.part, w.incarnation) "
                "AND m.sequence = w.low",
                (*columns, [move.low for move in chosen]),
            )
        if fence and done.rowcount != len(chosen):
            raise FencedError("a mark was moved by a reader of another copy of the log")


async def _relied(connection: Connection, relied: Sequence[MarkMove]) -> None:
    if not relied:
        return
    found = await connection.execute(
        "SELECT count(*) FROM counters.marks AS m "
        "JOIN unnest(%s::text[], %s::text[], %s::int[], %s::uuid[], %s::bigint[]) "
        "AS w (origin, topic, part, incarnation, high) USING (origin, topic, part, incarnation) "
        "WHERE m.sequence >= w.high",
        (
            [mark.key.origin for mark in relied],
            [mark.topic for mark in relied],
            [mark.part for mark in relied],
            [mark.key.incarnation for mark in relied],
            [mark.high for mark in relied],
        ),
    )
    row = await found.fetchone()
    if row is None or row[0] != len(relied):
        raise FencedError("the database knows less than when this process loaded it: it was promoted meanwhile")


async def _pending(connection: Connection, pending: Mapping[Partition, Change]) -> None:
    if not pending:
        return
    changes = list(pending.values())
    await connection.execute(
        "DELETE FROM counters.pending_parts AS p "
        "USING unnest(%s::text[], %s::text[], %s::int[], %s::bigint[]) AS w (cluster, topic, part, keep_from) "
        "WHERE (p.cluster, p.topic, p.part) = (w.cluster, w.topic, w.part) AND p.number < w.keep_from",
        (*_columns(pending), [change.keep_from for change in changes]),
    )
    kept = {partition: change for partition, change in pending.items() if change.body is not None}
    if kept:
        await connection.execute(
            "INSERT INTO counters.pending_parts (cluster, topic, part, number, body) "
            "SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::bytea[])",
            (*_columns(kept), [change.number for change in kept.values()], [change.body for change in kept.values()]),
        )
    whole = [partition for partition, change in pending.items() if change.keep_from == change.number]
    if whole:
        # Nothing from before is left; what an earlier version stored whole went the same way.
        await connection.execute(
            "DELETE FROM counters.pending AS p "
            "USING unnest(%s::text[], %s::text[], %s::int[]) AS w (cluster, topic, part) "
            "WHERE (p.cluster, p.topic, p.part) = (w.cluster, w.topic, w.part)",
            _columns(whole),
        )


async def bury(connection: Connection, dead: Sequence[DeadLetter]) -> None:
    """Keeps what cannot be counted, each once."""
    if not dead:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO counters.dead_letters (origin, topic, part, incarnation, sequence, index, cluster, log_offset, "
            "reason, stamp, body, version) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            [
                (
                    letter.key.origin,
                    letter.partition.topic,
                    letter.partition.number,
                    letter.key.incarnation,
                    letter.sequence,
                    letter.index,
                    letter.partition.cluster,
                    letter.offset,
                    letter.reason,
                    letter.stamp,
                    letter.body,
                    CODE_VERSION,
                )
                for letter in dead
            ],
        )
