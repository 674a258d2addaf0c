"""What is written down of a job: claim, lease, finished tracks, outcome. Owns schema ``transcoder``.

Every write of a worker first locks its job row and checks the attempt number, in the same transaction as the
catalogue's change: a worker that lost its lease cannot overwrite its successor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from pydantic import TypeAdapter

from services.common import ids, videos
from services.common.database import Connection
from services.common.shards import ShardRouter
from services.transcoder.tracks import Track

LEASE_SECONDS = 60
_TRACKS = TypeAdapter(tuple[Track, ...])


class LostLeaseError(Exception):
    """Another worker has taken the job over."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a video, as long as the lease is renewed."""

    video_id: int
    attempt: int
    tracks: tuple[Track, ...]
    """What earlier attempts finished."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Another worker holds the job, on the strength of ``message_id``."""

    message_id: str


class Finished:
    """There is nothing to do: done, refused, deleted, or never registered."""


class Ledger(Protocol):
    """The seam between a job and the database."""

    async def claim(self, video_id: int, worker: str, message_id: str) -> Claim | Busy | Finished:
        """Take the job, if it is free."""

    async def renew(self, claim: Claim) -> None:
        """Prolong the lease. Raises LostLeaseError."""

    async def release(self, claim: Claim) -> None:
        """Give the job back for another attempt."""

    async def progress(self, claim: Claim, percent: int) -> None:
        """State how far the encodes are. Raises LostLeaseError."""

    async def published(self, claim: Claim, tracks: Sequence[Track], percent: int, media: videos.Media | None) -> None:
        """State which tracks are there, and under which manifests. Raises LostLeaseError."""

    async def done(self, claim: Claim, ready: videos.Ready) -> None:
        """The video is complete. Raises LostLeaseError."""

    async def refused(self, claim: Claim, code: str, message: str) -> None:
        """The file cannot become a video; nobody will try again. Raises LostLeaseError."""

    async def gave_up(self, claim: Claim, message: str) -> None:
        """All attempts failed; an operator may still send the message again. Raises LostLeaseError."""


class PostgresLedger:
    """The ledger in the database of each video's cell."""

    def __init__(self, router: ShardRouter) -> None:
        self._router = router

    async def claim(self, video_id: int, worker: str, message_id: str) -> Claim | Busy | Finished:
        """Take the job, if it is free."""
        async with self._router.writer(ids.shard_key(video_id)) as connection:
            if await videos.brief(connection, video_id) is None:
                return Finished()
            # False for a video that failed after all attempts and was sent again: mark_ready will mend it.
            await videos.mark_processing(connection, video_id)
            cursor = await connection.execute(
                """
                INSERT INTO transcoder.jobs AS j (video_id, attempt, worker, message_id, lease_until)
                VALUES (%(video)s, 1, %(worker)s, %(message)s, now() + make_interval(secs => %(lease)s))
                ON CONFLICT (video_id) DO UPDATE SET
                    attempt = j.attempt + 1, worker = excluded.worker, message_id = excluded.message_id,
                    lease_until = excluded.lease_until, updated_at = now()
                    WHERE j.state = 'running' AND j.lease_until < now()
                RETURNING attempt, tracks
                """,
                {"video": video_id, "worker": worker, "message": message_id, "lease": LEASE_SECONDS},
            )
            row = await cursor.fetchone()
            if row is not None:
                return Claim(video_id, int(row[0]), _TRACKS.validate_python(row[1]))
            cursor = await connection.execute(
                "SELECT state, message_id FROM transcoder.jobs WHERE video_id = %s", [video_id]
            )
            state, holder = await cursor.fetchone() or ("done", "")
            return Busy(str(holder)) if state == "running" else Finished()

    async def renew(self, claim: Claim) -> None:
        """Prolong the lease. Raises LostLeaseError."""
        async with self._held(claim) as connection:
            await connection.execute(
                "UPDATE transcoder.jobs SET lease_until = now() + make_interval(secs => %s) WHERE video_id = %s",
                [LEASE_SECONDS, claim.video_id],
            )

    async def release(self, claim: Claim) -> None:
        """Give the job back for another attempt."""
        async with self._held(claim) as connection:
            await connection.execute(
                "UPDATE transcoder.jobs SET lease_until = now() - interval '1 second' WHERE video_id = %s",
                [claim.video_id],
            )

    async def progress(self, claim: Claim, percent: int) -> None:
        """State how far the encodes are. Raises LostLeaseError."""
        async with self._held(claim) as connection:
            await videos.set_progress(connection, claim.video_id, percent)

    async def published(self, claim: Claim, tracks: Sequence[Track], percent: int, media: videos.Media | None) -> None:
        """State which tracks are there, and under which manifests. Raises LostLeaseError."""
        async with self._held(claim) as connection:
            await connection.execute(
                "UPDATE transcoder.jobs SET tracks = %s::jsonb, updated_at = now() WHERE video_id = %s",
                [_TRACKS.dump_json(tuple(tracks)).decode("ascii"), claim.video_id],
            )
            rungs = [track.name for track in tracks if track.kind == "video"]
            await videos.set_progress(connection, claim.video_id, percent, rungs, media)

    async def done(self, claim: Claim, ready: videos.Ready) -> None:
        """The video is complete. Raises LostLeaseError."""
        async with self._held(claim) as connection:
            await _end(connection, claim, "done")
            await videos.mark_ready(connection, claim.video_id, ready)

    async def refused(self, claim: Claim, code: str, message: str) -> None:
        """The file cannot become a video; nobody will try again. Raises LostLeaseError."""
        async with self._held(claim) as connection:
            await _end(connection, claim, "refused")
            await videos.mark_failed(connection, claim.video_id, code, message)

    async def gave_up(self, claim: Claim, message: str) -> None:
        """All attempts failed; an operator may still send the message again. Raises LostLeaseError."""
        async with self._held(claim) as connection:
            await videos.mark_failed(connection, claim.video_id, "transcoding_failed", message)

    @asynccontextmanager
    async def _held(self, claim: Claim) -> AsyncIterator[Connection]:
        async with self._router.writer(ids.shard_key(claim.video_id)) as connection:
            cursor = await connection.execute(
                "SELECT 1 FROM transcoder.jobs WHERE video_id = %s AND attempt = %s AND state = 'running' FOR UPDATE",
                [claim.video_id, claim.attempt],
            )
            if await cursor.fetchone() is None:
                raise LostLeaseError(f"attempt {claim.attempt} of {ids.encode(claim.video_id)} no longer holds the job")
            yield connection


async def _end(connection: Connection, claim: Claim, state: str) -> None:
    await connection.execute(
        "UPDATE transcoder.jobs SET state = %s, updated_at = now() WHERE video_id = %s", [state, claim.video_id]
    )
