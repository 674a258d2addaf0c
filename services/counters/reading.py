"""Counts and states as they are stored, for a comparison. Owns only reading; what a flush writes is ``store``'s."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from services.common.database import Connection
from services.counters.kinds import BY_TOPIC, Kind, joined
from services.counters.window import CountKey, State, StateKey


async def counts_of(connection: Connection, topic: str, subjects: Sequence[int]) -> dict[CountKey, tuple[int, int]]:
    """Counts of ``subjects`` by region, without what is pending. A topic with one column has 0 as the second."""
    kind = BY_TOPIC[topic]
    return await _sums(
        connection,
        sql.SQL("SELECT subject, region, {columns} FROM {table} WHERE subject = ANY(%s)").format(
            columns=_padded(kind), table=sql.Identifier("counters", kind.counts)
        ),
        (subjects,),
    )


async def subjects_of(connection: Connection, topic: str, region: str) -> set[int]:
    """Every subject that has a count other than 0 in ``region``."""
    kind = BY_TOPIC[topic]
    rows = await connection.execute(
        sql.SQL("SELECT subject FROM {table} WHERE region = %s AND ({some})").format(
            table=sql.Identifier("counters", kind.counts),
            some=sql.SQL(" OR ").join(sql.SQL("{} <> 0").format(sql.Identifier(column)) for column in kind.columns),
        ),
        (region,),
    )
    return {int(row[0]) for row in await rows.fetchall()}


async def states_of(connection: Connection, topic: str, keys: Sequence[StateKey]) -> dict[StateKey, State]:
    """Those of ``keys`` that have a state."""
    rows = await connection.execute(
        sql.SQL(
            "SELECT subject, member, value, at_ms, event, region FROM {states} "
            "JOIN unnest(%s::bigint[], %s::bigint[]) AS w (subject, member) USING (subject, member)"
        ).format(states=_states_table(topic)),
        ([key.subject for key in keys], [key.member for key in keys]),
    )
    return {StateKey(row[0], row[1]): State(row[2], row[3], row[4].bytes, row[5]) for row in await rows.fetchall()}


async def adding_up(connection: Connection, topic: str, subjects: Sequence[int]) -> dict[CountKey, tuple[int, int]]:
    """What the states of ``subjects`` add up to, by region."""
    return await _sums(
        connection,
        sql.SQL(
            "SELECT subject, region, count(*) FILTER (WHERE value = 1), {second} FROM {states} "
            "WHERE subject = ANY(%s) GROUP BY subject, region"
        ).format(
            states=_states_table(topic),
            second=sql.SQL("count(*) FILTER (WHERE value = 2)" if len(BY_TOPIC[topic].columns) > 1 else "0"),
        ),
        (subjects,),
    )


def _states_table(topic: str) -> sql.Identifier:
    states = BY_TOPIC[topic].states
    if states is None:
        raise ValueError(f"{topic} has no states")
    return sql.Identifier("counters", states)


def _padded(kind: Kind) -> sql.Composable:
    columns = joined("{c}", kind.columns)
    return columns if len(kind.columns) > 1 else sql.SQL("{}, 0").format(columns)


async def _sums(
    connection: Connection, statement: sql.Composed, arguments: Sequence[object]
) -> dict[CountKey, tuple[int, int]]:
    rows = await connection.execute(statement, arguments)
    return {CountKey(row[0], row[1]): (row[2], row[3]) for row in await rows.fetchall()}
