"""Counts and states as the database of the video's home has them, together with how far it has read. Owns the SQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from services.common.database import Connection
from services.contracts.events import Reaction
from services.engagement.own import Deed, Totals


@dataclass(frozen=True, slots=True)
class Counted:
    """One snapshot."""

    totals: Totals
    as_of: datetime
    """Time of the snapshot at the database."""
    reaction: Reaction
    """The user's reaction, as far as it is counted."""
    unapplied: Sequence[Deed]
    """Of the deeds that were asked about, those that are not in the snapshot."""


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncIterator[None]:
    """All statements inside see the same state."""
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


async def counted(connection: Connection, video: int, user: int | None, deeds: Sequence[Deed]) -> Counted:
    """The counts of ``video``, the reaction of ``user``, and which of ``deeds`` are still missing from them."""
    async with snapshot(connection):
        row = await (
            await connection.execute(
                "SELECT views, likes, dislikes, comments, now() FROM (SELECT 1) AS one "
                "LEFT JOIN counters.video_totals ON video_id = %s",
                (video,),
            )
        ).fetchone()
        if row is None:
            raise RuntimeError("a query that always has a row had none")
        totals = Totals(*(int(value or 0) for value in row[:4]))
        reaction = Reaction.NONE if user is None else await _reaction(connection, video, user)
        return Counted(totals, row[4], reaction, await unapplied(connection, deeds))


async def follows(connection: Connection, channel: int, user: int, deeds: Sequence[Deed]) -> bool:
    """Whether ``user`` follows ``channel``, with those of their ``deeds`` (oldest first) that are not counted yet."""
    async with snapshot(connection):
        stored = await _state(
            connection,
            "SELECT value FROM counters.subscription_states WHERE subject = %s AND member = %s",
            channel,
            user,
        )
        states = [deed.state for deed in await unapplied(connection, deeds) if deed.state is not None]
    return bool(states[-1] if states else stored)


async def unapplied(connection: Connection, deeds: Sequence[Deed]) -> Sequence[Deed]:
    """Those of ``deeds`` whose mark has not been reached."""
    if not deeds:
        return ()
    rows = await connection.execute(
        "SELECT origin, topic, part, incarnation, sequence FROM counters.marks WHERE (origin, topic, part, incarnation) "
        "IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::int[], %s::uuid[]))",
        (
            [deed.origin for deed in deeds],
            [deed.topic for deed in deeds],
            [deed.partition for deed in deeds],
            [deed.incarnation for deed in deeds],
        ),
    )
    marks = {tuple(row[:4]): int(row[4]) for row in await rows.fetchall()}
    return [
        deed
        for deed in deeds
        if marks.get((deed.origin, deed.topic, deed.partition, deed.incarnation), 0) < deed.sequence
    ]


async def _reaction(connection: Connection, video: int, user: int) -> Reaction:
    query: LiteralString = "SELECT value FROM counters.reaction_states WHERE subject = %s AND member = %s"
    return Reaction(await _state(connection, query, video, user))


async def _state(connection: Connection, query: LiteralString, subject: int, member: int) -> int:
    """What a member's state is, as far as it is counted; 0, which is "none" of all kinds, where there is no row."""
    row = await (await connection.execute(query, (subject, member))).fetchone()
    return int(row[0]) if row else 0
