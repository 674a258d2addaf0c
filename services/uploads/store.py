"""Rows of uploads. Owns schema ``uploads``; every change of state is in one transaction with the catalogue's."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.rows import class_row

from services.common import videos
from services.common.database import Connection

ABORTED = "The upload was cancelled."


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload; it has the id of its video."""

    video_id: int
    owner_id: int
    multipart_id: str
    file_name: str
    size: int
    part_size: int
    state: str
    """``open``, ``complete`` or ``aborted``."""


async def insert(connection: Connection, upload: Upload) -> None:
    """Write a new upload."""
    await connection.execute(
        "INSERT INTO uploads.uploads (video_id, owner_id, multipart_id, file_name, size, part_size, state)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            upload.video_id,
            upload.owner_id,
            upload.multipart_id,
            upload.file_name,
            upload.size,
            upload.part_size,
            upload.state,
        ],
    )


async def find(connection: Connection, video_id: int) -> Upload | None:
    """The upload of a video."""
    async with connection.cursor(row_factory=class_row(Upload)) as cursor:
        await cursor.execute(
            "SELECT video_id, owner_id, multipart_id, file_name, size, part_size, state"
            " FROM uploads.uploads WHERE video_id = %s",
            [video_id],
        )
        return await cursor.fetchone()


async def count_open(connection: Connection, owner_id: int) -> int:
    """Open uploads of an owner in this database, without those that S3's lifecycle has removed by now."""
    cursor = await connection.execute(
        "SELECT count(*) FROM uploads.uploads"
        " WHERE owner_id = %s AND state = 'open' AND created_at > now() - interval '2 days'",
        [owner_id],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def completed(connection: Connection, video_id: int) -> None:
    """The object is whole: the video goes on to processing. Repeatable."""
    await _end(connection, video_id, "complete")
    await videos.mark_processing(connection, video_id)


async def aborted(connection: Connection, video_id: int) -> bool:
    """The upload was cancelled: the video has failed. False: it was completed meanwhile. Repeatable."""
    if not await _end(connection, video_id, "aborted"):
        return False
    await videos.mark_failed(connection, video_id, "upload_cancelled", ABORTED)
    return True


async def _end(connection: Connection, video_id: int, state: str) -> bool:
    """Whether the upload is in ``state`` afterwards."""
    cursor = await connection.execute(
        "UPDATE uploads.uploads SET state = %s, ended_at = coalesce(ended_at, now())"
        " WHERE video_id = %s AND state IN ('open', %s) RETURNING 1",
        [state, video_id, state],
    )
    return await cursor.fetchone() is not None
