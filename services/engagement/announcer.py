"""Tells subscribers of new videos: from the announcements in the catalogue's schema to the topic of notifications.

One announcement at a time is taken by one process, page by page, and its place is kept after each page that the log has, so
a process that dies is followed by another from there. A page may be sent twice; who is told of a video is told once,
because a notification's row is keyed by user and video. What fails is tried again on a ladder, and holds up no other.
Owns the SQL over ``catalog.announcements``; does not own who writes them (a trigger of the catalogue).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from services.common.errors import ServiceError
from services.contracts.events import Notified
from services.engagement import event_ids
from services.engagement.desk import Desk

POLL_SECONDS = 1.0
PAGE = 1_000
"""Subscribers who are told at once."""
LEASE_SECONDS = 60
"""How long one page may take before another process takes the announcement over."""
LADDER_SECONDS = (1, 5, 30, 120, 600)
NEW_VIDEO = "video"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A video of which subscribers above ``told_upto`` have not been told."""

    video: int
    channel: int
    told_upto: int
    attempts: int
    at_ms: int


class Announcer:
    """The loop of one process over the announcements of one home; many may run it."""

    def __init__(self, desk: Desk, home: str) -> None:
        self._desk = desk
        self._home = home

    async def run(self) -> None:
        """Announces until cancelled."""
        while True:
            try:
                found = await self.step()
            except (psycopg.Error, ServiceError) as error:
                _log.warning("announcements of %s cannot be read: %s", self._home, type(error).__name__)
                found = False
            if not found:
                await asyncio.sleep(POLL_SECONDS)

    async def step(self) -> bool:
        """One page of one announcement. False: nothing is due. Raises psycopg.Error or `ServiceError`."""
        due = await self._take()
        if due is None:
            return False
        users = await self._page(due)
        try:
            if users:
                await self._desk.send([_notice(due, user) for user in users])
        except ServiceError as error:
            wait = LADDER_SECONDS[min(due.attempts, len(LADDER_SECONDS) - 1)]
            _log.warning("subscribers of %d are not told yet: %s; again in %d s", due.video, error.message, wait)
            await self._put_off(due, wait)
            return True
        await self._told(due, users)
        return True

    async def _take(self) -> Announcement | None:
        async with self._desk.router.home_writer(self._home) as connection:
            rows = await connection.execute(
                "UPDATE catalog.announcements SET attempts = attempts + 1, next_at = now() + make_interval(secs => %s) "
                "WHERE video_id = (SELECT video_id FROM catalog.announcements WHERE done_at IS NULL AND next_at <= now() "
                "ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED) "
                "RETURNING video_id, channel_id, told_upto, attempts - 1, "
                "(extract(epoch FROM created_at) * 1000)::bigint",
                (LEASE_SECONDS,),
            )
            row = await rows.fetchone()
        return None if row is None else Announcement(*row)

    async def _page(self, due: Announcement) -> list[int]:
        async with self._desk.router.home_writer(self._home) as connection:
            rows = await connection.execute(
                "SELECT member FROM counters.subscription_states WHERE subject = %s AND member > %s AND value = 1 "
                "ORDER BY member LIMIT %s",
                (due.channel, due.told_upto, PAGE),
            )
            return [int(row[0]) for row in await rows.fetchall()]

    async def _told(self, due: Announcement, users: Sequence[int]) -> None:
        done = len(users) < PAGE
        async with self._desk.router.home_writer(self._home) as connection:
            await connection.execute(
                "UPDATE catalog.announcements SET told_upto = greatest(told_upto, %s), attempts = 0, next_at = now(), "
                "done_at = CASE WHEN %s THEN now() END WHERE video_id = %s",
                (max(users, default=due.told_upto), done, due.video),
            )

    async def _put_off(self, due: Announcement, seconds: int) -> None:
        async with self._desk.router.home_writer(self._home) as connection:
            await connection.execute(
                "UPDATE catalog.announcements SET next_at = now() + make_interval(secs => %s) WHERE video_id = %s",
                (seconds, due.video),
            )


def _notice(due: Announcement, user: int) -> Notified:
    return Notified(id=event_ids.make(), at_ms=due.at_ms, user=user, kind=NEW_VIDEO, subject=due.video)
