"""From the outbox to Valkey: tells the realtime instances of the own cell whose counts changed, with the new values, and
who has a new notification.

Each cell follows the outbox of every cell's database, so a viewer sees a count move wherever the video is at home. Values
are absolute and published in the order of commits, so a message that is lost or repeated does no harm. Owns the names of
channels and keys in ``services.contracts.live``; does not own who listens.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError

from services.common import ids
from services.common.database import Connection
from services.common.shards import ShardRouter
from services.contracts import live
from services.counters.unit import UNREACHABLE

POLL_SECONDS = 0.3
KEEP_MINUTES = 10
"""A row is read within a second; older ones are only for a relay that was down, and values are absolute anyway."""
CLEAN_SECONDS = 60
_BATCH = 500

_log = logging.getLogger(__name__)


class Relay:
    """Follows the outbox of one cell's database."""

    def __init__(self, home: str, router: ShardRouter, cache: Redis | RedisCluster, *, clean: bool) -> None:
        self._home = home
        self._router = router
        self._cache = cache
        self._clean = clean
        """Whether to delete old rows: done by the relays of the cell that looks after the database."""
        self._place = 0
        """Rows of transactions before this id were relayed. At the start that is none: what changed while nobody relayed
        is made up for, as far as rows are kept."""
        self._next_clean = 0.0

    async def run(self) -> None:
        """Relays until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                changed = await self._step()
                if changed:
                    await self._publish(changed)
                if self._clean and loop.time() >= self._next_clean:
                    self._next_clean = loop.time() + CLEAN_SECONDS
                    await self._delete_old()
            except (*UNREACHABLE, RedisError) as error:
                _log.warning("relay of %s: %s; trying again", self._home, type(error).__name__)
                await asyncio.sleep(1)
            await asyncio.sleep(POLL_SECONDS)

    async def _step(self) -> list[live.Counts | live.Notice]:
        async with self._router.home_writer(self._home) as connection:
            row = await (
                await connection.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            ).fetchone()
            horizon = int(row[0]) if row else 0
            rows = await connection.execute(
                "SELECT DISTINCT topic = %s, unnest(subjects) FROM counters.outbox "
                "WHERE topic <> %s AND tx >= %s::text::xid8 AND tx < %s::text::xid8",
                (live.NOTICES_TOPIC, live.CHANNELS_TOPIC, self._place, horizon),
            )
            found = await rows.fetchall()
            now_ms = time.time_ns() // 1_000_000
            notices = [live.Notice(ids.encode(subject), now_ms) for told, subject in found if told]
            changed = await _totals(connection, [subject for told, subject in found if not told])
        self._place = horizon
        return [*changed, *notices]

    async def _publish(self, changed: Sequence[live.Counts | live.Notice]) -> None:
        for start in range(0, len(changed), _BATCH):
            pipeline = self._cache.pipeline(transaction=False)
            for news in changed[start : start + _BATCH]:
                message = live.encode(news)
                if isinstance(news, live.Counts):
                    pipeline.set(live.counts_key(news.video), message, ex=live.COUNTS_SECONDS)
                    room = news.video
                else:
                    room = live.user_room(news.user)
                pipeline.execute_command("SPUBLISH", live.channel(room), message)
            await pipeline.execute()

    async def _delete_old(self) -> None:
        async with self._router.home_writer(self._home) as connection:
            await connection.execute(
                "DELETE FROM counters.outbox WHERE created_at < now() - make_interval(mins => %s)", (KEEP_MINUTES,)
            )


async def _totals(connection: Connection, subjects: Sequence[int]) -> list[live.Counts]:
    if not subjects:
        return []
    rows = await connection.execute(
        "SELECT video_id, views, likes, dislikes, comments, (extract(epoch FROM updated_at) * 1000)::bigint "
        "FROM counters.video_totals WHERE video_id = ANY(%s)",
        (subjects,),
    )
    return [live.Counts(ids.encode(row[0]), row[1], row[2], row[3], row[4], row[5]) for row in await rows.fetchall()]
