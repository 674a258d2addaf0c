"""Rows of schema ``catalog``. Owns its SQL; the functions that other services call are in ``services.common.videos``.

Every function takes a connection that was obtained for the shard key of the channel or video. Lists go backwards in
time by id: ``before`` is the last id of the page before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from services.common.database import Connection
from services.common.ids import MAX_ID

MAX_CHANNELS = 10
"""Channels that one person may own."""

_VIDEO = sql.SQL(
    "SELECT v.id, v.channel_id, c.name AS channel_name, v.owner_id, v.title, v.description, v.tags, v.visibility, "
    "v.state, v.progress, v.rungs, v.failure_code, v.failure_message, v.duration_ms, v.width, v.height, v.hls_key, "
    "v.dash_key, v.poster_key, v.created_at, v.published_at, coalesce(t.views, 0) AS views, "
    "coalesce(t.likes, 0) AS likes, coalesce(t.dislikes, 0) AS dislikes, coalesce(t.comments, 0) AS comments "
    "FROM catalog.videos v JOIN catalog.channels c ON c.id = v.channel_id "
    "LEFT JOIN LATERAL (SELECT views, likes, dislikes, comments FROM counters.video_totals x WHERE x.video_id = v.id) t "
    "ON true WHERE v.deleted_at IS NULL AND "
)


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel with its number of subscribers."""

    id: int
    owner_id: int
    name: str
    description: str
    created_at: datetime
    subscribers: int


@dataclass(frozen=True, slots=True)
class Video:
    """A video with its counts."""

    id: int
    channel_id: int
    channel_name: str
    owner_id: int
    title: str
    description: str
    tags: list[str]
    visibility: str
    state: str
    progress: int
    rungs: list[str]
    failure_code: str | None
    failure_message: str | None
    duration_ms: int | None
    width: int | None
    height: int | None
    hls_key: str | None
    dash_key: str | None
    poster_key: str | None
    created_at: datetime
    published_at: datetime | None
    views: int
    likes: int
    dislikes: int
    comments: int


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment under a video."""

    id: int
    author_id: int
    author_name: str
    body: str
    created_at: datetime


async def add_channel(connection: Connection, channel_id: int, owner_id: int, name: str, description: str) -> bool:
    """Writes a channel. False: the owner has as many as one may have.

    Raises psycopg.errors.UniqueViolation if the owner has one of that name (in any case of letters).
    """
    # Two requests of one owner must not both see nine.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('channels', %s))", [owner_id])
    cursor = await connection.execute(
        "INSERT INTO catalog.channels (id, owner_id, name, description) SELECT %s, %s, %s, %s "
        "WHERE (SELECT count(*) FROM catalog.channels WHERE owner_id = %s) < %s",
        [channel_id, owner_id, name, description, owner_id, MAX_CHANNELS],
    )
    return cursor.rowcount == 1


async def channels(
    connection: Connection, *, owner_id: int | None = None, channel_id: int | None = None
) -> list[Channel]:
    """The channels of an owner, or the one with an id; oldest first."""
    async with connection.cursor(row_factory=class_row(Channel)) as cursor:
        await cursor.execute(
            "SELECT c.id, c.owner_id, c.name, c.description, c.created_at, coalesce(t.subscribers, 0) AS subscribers "
            "FROM catalog.channels c LEFT JOIN LATERAL "
            "(SELECT subscribers FROM counters.channel_totals x WHERE x.channel_id = c.id) t ON true "
            "WHERE c.owner_id = %(owner)s OR c.id = %(channel)s ORDER BY c.id LIMIT %(limit)s",
            {"owner": owner_id, "channel": channel_id, "limit": MAX_CHANNELS},
        )
        return await cursor.fetchall()


async def video(connection: Connection, video_id: int) -> Video | None:
    """The video called ``video_id``, unless it was deleted."""
    async with connection.cursor(row_factory=class_row(Video)) as cursor:
        await cursor.execute(_VIDEO + sql.SQL("v.id = %s"), [video_id])
        return await cursor.fetchone()


async def videos_of_channel(
    connection: Connection, channel_id: int, viewer_id: int | None, before: int | None, limit: int
) -> list[Video]:
    """A channel's videos, newest first: all of them for their owner, else those that are ready and public."""
    async with connection.cursor(row_factory=class_row(Video)) as cursor:
        await cursor.execute(
            _VIDEO
            + sql.SQL(
                "v.channel_id = %s AND v.id < %s AND (v.owner_id = %s OR (v.state = 'ready' AND v.visibility = 'public')) "
                "ORDER BY v.id DESC LIMIT %s"
            ),
            [channel_id, MAX_ID if before is None else before, viewer_id, limit],
        )
        return await cursor.fetchall()


async def change_video(
    connection: Connection, video_id: int, owner_id: int, changes: Mapping[str, str | Sequence[str]]
) -> bool:
    """Sets title, description, tags or visibility. False: the video is not there or not the owner's."""
    allowed = ("title", "description", "tags", "visibility")
    names = [name for name in allowed if name in changes]
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names
    )
    values = {name: value if isinstance(value, str) else list(value) for name, value in changes.items()}
    cursor = await connection.execute(
        sql.SQL(
            "UPDATE catalog.videos SET {}, updated_at = now() WHERE id = %(id)s AND owner_id = %(owner)s "
            "AND deleted_at IS NULL"
        ).format(assignments),
        values | {"id": video_id, "owner": owner_id},
    )
    return cursor.rowcount == 1


async def delete_video(connection: Connection, video_id: int, owner_id: int) -> bool:
    """Marks a video as deleted; nothing shows it from now on. False: it is not there or not the owner's."""
    cursor = await connection.execute(
        "UPDATE catalog.videos SET deleted_at = now(), updated_at = now() "
        "WHERE id = %s AND owner_id = %s AND deleted_at IS NULL",
        [video_id, owner_id],
    )
    return cursor.rowcount == 1


async def comments(connection: Connection, video_id: int, before: int | None, limit: int) -> list[Comment]:
    """The comments of a video, newest first."""
    async with connection.cursor(row_factory=class_row(Comment)) as cursor:
        await cursor.execute(
            "SELECT id, author_id, author_name, body, created_at FROM catalog.comments "
            "WHERE video_id = %s AND id < %s ORDER BY id DESC LIMIT %s",
            [video_id, MAX_ID if before is None else before, limit],
        )
        return await cursor.fetchall()


NameTaken = psycopg.errors.UniqueViolation
"""What `add_channel` raises for a name that the owner has given to another channel."""
