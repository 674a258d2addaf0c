"""What a user is told: the list, and that it was read. Owns the SQL of its reading and the wire form.

- ``GET /api/notifications?limit=``: ``{"notifications": [{"kind", "subject", "under", "at", "read"}], "unread": n}``, the
  newest first. Kind ``video``: ``subject`` is a new video of a channel that the user follows; kind ``comment``: a comment,
  ``under`` one of the user's videos.
- ``POST /api/notifications/read`` ``{"until": milliseconds}``: everything up to that time was read.
"""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import Field

from services.common import ids
from services.common.access import Seen, User
from services.common.database import Connection
from services.common.inputs import Input, Output, PageSize, Whole
from services.engagement.routes import TheDesk

router = APIRouter()


class Notification(Output):
    """Something that the user is told."""

    kind: str
    subject: str
    under: str | None
    at: int
    """Milliseconds since 1970."""
    read: bool


class Notifications(Output):
    """The newest of them."""

    notifications: list[Notification]
    unread: int
    """Of all, not only of those in the list; at most 100 are counted."""


class ReadInput(Input):
    """Up to when everything was read."""

    until: Whole = Field(ge=0, le=2**53)


class ReadAnswer(Output):
    """How many were unread until now."""

    marked: int


@router.get("/api/notifications")
async def notifications(user: User, desk: TheDesk, seen: Seen, limit: PageSize = 24) -> Notifications:
    """What the user is told, the newest first."""
    async with desk.router.reader(ids.shard_key(user.user_id), seen) as connection:
        return Notifications(
            notifications=await _newest(connection, user.user_id, limit), unread=await _unread(connection, user.user_id)
        )


@router.post("/api/notifications/read")
async def read(body: ReadInput, user: User, desk: TheDesk, seen: Seen) -> ReadAnswer:
    """Marks what was shown."""
    async with desk.router.writer(ids.shard_key(user.user_id), seen) as connection:
        done = await connection.execute(
            "UPDATE counters.notifications SET read_at = now() WHERE user_id = %s AND at_ms <= %s AND read_at IS NULL",
            (user.user_id, body.until),
        )
        return ReadAnswer(marked=done.rowcount)


async def _newest(connection: Connection, user: int, limit: int) -> list[Notification]:
    rows = await connection.execute(
        "SELECT kind, subject, under, at_ms, read_at FROM counters.notifications WHERE user_id = %s "
        "ORDER BY at_ms DESC, subject DESC LIMIT %s",
        (user, limit),
    )
    return [_notification(*row) for row in await rows.fetchall()]


def _notification(kind: str, subject: int, under: int | None, at_ms: int, read_at: datetime | None) -> Notification:
    return Notification(
        kind=kind,
        subject=ids.encode(subject),
        under=None if under is None else ids.encode(under),
        at=at_ms,
        read=read_at is not None,
    )


async def _unread(connection: Connection, user: int) -> int:
    row = await (
        await connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM counters.notifications WHERE user_id = %s AND read_at IS NULL LIMIT 100) "
            "AS unread",
            (user,),
        )
    ).fetchone()
    return int(row[0]) if row else 0
