"""What other services may do to the catalogue: typed calls of the functions that schema ``catalog`` grants.

Owns the Python side only; the functions and who may call them are in ``services/catalog/migrations``. Every
call takes a connection for the shard key of the video (or channel) and joins the transaction that is open on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from psycopg.rows import class_row

from services.common.database import Connection


class VideoState(StrEnum):
    """Life of a video."""

    UPLOADING = "uploading"
    PROCESSING = "processing"
    """Being transcoded; playable as soon as the first rung is there."""
    READY = "ready"
    FAILED = "failed"


class Visibility(StrEnum):
    """Who may see a video: all, those with the link, the owner."""

    PUBLIC = "public"
    UNLISTED = "unlisted"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Brief:
    """What other services need to know of a video."""

    id: int
    channel_id: int
    owner_id: int
    state: VideoState
    visibility: Visibility
    title: str
    duration_ms: int | None
    """None until it is ready."""
    created_at: datetime

    def __post_init__(self) -> None:
        # Rows give plain words.
        object.__setattr__(self, "state", VideoState(self.state))
        object.__setattr__(self, "visibility", Visibility(self.visibility))


@dataclass(frozen=True, slots=True)
class NewVideo:
    """A video that is about to be uploaded. ``id`` was minted with the shard key of the channel."""

    id: int
    channel_id: int
    owner_id: int
    title: str
    """1 to 120 characters."""
    description: str = ""
    """At most 5000 characters."""
    tags: Sequence[str] = ()
    """At most 20."""
    visibility: Visibility = Visibility.PUBLIC


@dataclass(frozen=True, slots=True)
class Media:
    """Where the playable parts lie: keys in the media bucket, without a leading slash."""

    hls_key: str
    dash_key: str
    poster_key: str | None = None


async def _flag(connection: Connection, query: bytes, *arguments: object) -> bool:
    row = await (await connection.execute(query, arguments)).fetchone()
    return bool(row and row[0])


async def brief(connection: Connection, video_id: int) -> Brief | None:
    """The video; None if it does not exist or was deleted."""
    async with connection.cursor(row_factory=class_row(Brief)) as cursor:
        await cursor.execute("SELECT * FROM catalog.video_brief(%s)", [video_id])
        return await cursor.fetchone()


async def channel_owner(connection: Connection, channel_id: int) -> int | None:
    """Who owns the channel; None if it does not exist."""
    row = await (await connection.execute("SELECT catalog.channel_owner(%s)", [channel_id])).fetchone()
    return None if row is None or row[0] is None else int(row[0])


async def create(connection: Connection, video: NewVideo) -> bool:
    """Registers a video as uploading. False: the channel does not exist or is not the owner's.

    Raises psycopg.errors.UniqueViolation if the id is taken (mint again) and CheckViolation beyond the bounds.
    """
    return await _flag(
        connection,
        b"SELECT catalog.create_video(%s, %s, %s, %s, %s, %s::text[], %s)",
        video.id,
        video.channel_id,
        video.owner_id,
        video.title,
        video.description,
        list(video.tags),
        video.visibility.value,
    )


async def mark_processing(connection: Connection, video_id: int) -> bool:
    """From uploading to processing; repeatable. False: it is in neither state, or deleted."""
    return await _flag(connection, b"SELECT catalog.mark_processing(%s)", video_id)


async def set_progress(
    connection: Connection, video_id: int, percent: int, rungs: Sequence[str] = (), media: Media | None = None
) -> bool:
    """How far transcoding is, 0 to 100, and what can be played by now. Never goes back. False: it is not processing."""
    return await _flag(
        connection,
        b"SELECT catalog.set_progress(%s, %s::smallint, %s::text[], %s, %s, %s)",
        video_id,
        percent,
        list(rungs),
        media.hls_key if media else None,
        media.dash_key if media else None,
        media.poster_key if media else None,
    )


@dataclass(frozen=True, slots=True)
class Ready:
    """What a finished video is like."""

    duration_ms: int
    width: int
    height: int
    rungs: Sequence[str]
    """Names of the ladder's rungs, ascending."""
    media: Media


async def mark_ready(connection: Connection, video_id: int, ready: Ready) -> bool:
    """To ready, and published if it was not; repeatable, and a later success mends a failure. False: deleted."""
    return await _flag(
        connection,
        b"SELECT catalog.mark_ready(%s, %s, %s, %s, %s::text[], %s, %s, %s)",
        video_id,
        ready.duration_ms,
        ready.width,
        ready.height,
        list(ready.rungs),
        ready.media.hls_key,
        ready.media.dash_key,
        ready.media.poster_key,
    )


async def mark_failed(connection: Connection, video_id: int, code: str, message: str) -> bool:
    """To failed with a reason: a stable word, and a sentence for the owner. False: it is ready or deleted."""
    return await _flag(connection, b"SELECT catalog.mark_failed(%s, %s, %s)", video_id, code, message)


@dataclass(frozen=True, slots=True)
class NewComment:
    """A comment. ``id`` was minted with the shard key of the video."""

    id: int
    video_id: int
    author_id: int
    author_name: str
    """1 to 80 characters."""
    body: str
    """1 to 2000 characters."""


async def add_comment(connection: Connection, comment: NewComment) -> bool:
    """Writes the comment. False: the video does not exist, is private to somebody else, or cannot be watched yet."""
    return await _flag(
        connection,
        b"SELECT catalog.add_comment(%s, %s, %s, %s, %s)",
        comment.id,
        comment.video_id,
        comment.author_id,
        comment.author_name,
        comment.body,
    )
