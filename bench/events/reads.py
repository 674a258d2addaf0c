"""Reads by the shard router with one primary and two replicas: how many a second, where they go, and whether anybody
reads less than what he has written himself."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bench.events import workload
from bench.events.servers import CELL, Servers
from services.common import ids
from services.common.consistency import SeenWrites
from services.common.shards import ShardRouter

READERS = 16
WRITERS = 2
WRITE_SECONDS = 0.05
"""Pause between the writes of one writer, each read back at once."""
VIDEOS = 2_000


@dataclass(frozen=True, slots=True)
class Reads:
    """One run."""

    replicas: int
    per_second: float
    replica_share: float
    """Of reads, those that a replica answered."""
    own_writes: int
    """Writes that were read back at once by who made them."""
    stale: int
    """Of these, how many were not seen."""
    waited: int
    """Reads that waited for a replica, at most 20 ms."""


async def measure(servers: Servers, replicas: int, seconds: float) -> Reads:
    """Point reads for ``seconds``, while rows are written and read back."""
    servers.empty()
    router = servers.router(replicas=replicas > 0)
    await router.open()
    videos = workload.videos(VIDEOS)
    with servers.admin() as admin, admin.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO counters.views (subject, region, views, watched_ms) VALUES (%s, %s, 0, 0)",
            [(video, CELL) for video in videos],
        )
    try:
        # The first reads wake the poll of the replicas' positions.
        await _reader(router, videos, time.monotonic() + 1.0, 0)
        counts = router.reads
        before = (counts.replica, counts.writer, counts.waited)
        started = time.monotonic()
        end = started + seconds
        done = await asyncio.gather(
            *(_reader(router, videos, end, number) for number in range(READERS)),
            *(_writer(router, videos[number], end) for number in range(WRITERS)),
        )
        elapsed = time.monotonic() - started
    finally:
        await router.close()
    replica, writer = counts.replica - before[0], counts.writer - before[1]
    return Reads(
        replicas,
        (replica + writer) / elapsed,
        replica / (replica + writer),
        sum(written for written, _ in done),
        sum(stale for _, stale in done),
        counts.waited - before[2],
    )


async def _reader(router: ShardRouter, videos: list[int], end: float, number: int) -> tuple[int, int]:
    while time.monotonic() < end:
        number += 7
        await _views(router, videos[number % len(videos)], None)
    return 0, 0


async def _views(router: ShardRouter, video: int, seen: SeenWrites | None) -> int:
    async with router.reader(ids.shard_key(video), seen) as connection:
        found = await connection.execute("SELECT views FROM counters.views WHERE subject = %s", (video,))
        row = await found.fetchone()
    return int(row[0]) if row else -1


async def _writer(router: ShardRouter, video: int, end: float) -> tuple[int, int]:
    written = stale = 0
    while time.monotonic() < end:
        seen = SeenWrites()
        async with router.writer(ids.shard_key(video), seen) as connection:
            await connection.execute("UPDATE counters.views SET views = views + 1 WHERE subject = %s", (video,))
        written += 1
        stale += await _views(router, video, seen) < written
        await asyncio.sleep(WRITE_SECONDS)
    return written, stale
