"""What is deleted from a cell's database because nobody can need it any more. Owns the ages and the SQL of it.

Marks are what keeps a copy of a log from being counted twice, so a mark goes only when no log can hold a record of its
incarnation (counting rule 7): the incarnation ended at the latest a day after it began, its records lie in their own
log for the topic's retention, and in a copy as long again if the copy was made at the last moment. A stored position that is
not past that time keeps all marks of its partition: whoever reads there may be behind.
"""

from __future__ import annotations

import asyncio
import logging

from services.common.database import Connection
from services.common.shards import ShardRouter
from services.contracts.topics import HOUR_MS, INCARNATION_HOURS, TOPICS
from services.counters.unit import UNREACHABLE

RUN_SECONDS = 3600.0
MARGIN_HOURS = 24
NOTIFICATION_DAYS = 90
BATCH = 10_000

_log = logging.getLogger(__name__)


def mark_hours(retention_ms: int) -> int:
    """Age in hours from which no log can hold an incarnation, for a topic that keeps ``retention_ms``."""
    return INCARNATION_HOURS + 2 * retention_ms // HOUR_MS + MARGIN_HOURS


class Upkeep:
    """The loop of one process over one home's database; many may run it."""

    def __init__(self, router: ShardRouter, home: str) -> None:
        self._router = router
        self._home = home

    async def run(self) -> None:
        """Cleans until cancelled."""
        while True:
            try:
                async with self._router.home_writer(self._home) as connection:
                    marks, told = await delete_marks(connection), await delete_notifications(connection)
                _log.info("deleted %d marks and %d notifications", marks, told)
            except UNREACHABLE as error:
                _log.warning("nothing is deleted now: %s", type(error).__name__)
            await asyncio.sleep(RUN_SECONDS)


async def delete_marks(connection: Connection) -> int:
    """Deletes some marks that no log can need; how many."""
    deleted = 0
    for topic in TOPICS:
        done = await connection.execute(
            "DELETE FROM counters.marks WHERE ctid = ANY(ARRAY("
            "SELECT m.ctid FROM counters.marks AS m WHERE m.topic = %(topic)s "
            "AND m.updated_at < now() - make_interval(hours => %(hours)s) "
            "AND NOT EXISTS (SELECT FROM counters.positions AS p WHERE (p.topic, p.part) = (m.topic, m.part) "
            "AND to_timestamp(p.last_time_ms / 1000.0) <= m.updated_at) "
            "LIMIT %(batch)s FOR UPDATE SKIP LOCKED))",
            {"topic": topic.name, "hours": mark_hours(topic.retention_ms), "batch": BATCH},
        )
        deleted += done.rowcount
    return deleted


async def delete_notifications(connection: Connection) -> int:
    """Deletes some notifications that are older than `NOTIFICATION_DAYS`; how many."""
    done = await connection.execute(
        "DELETE FROM counters.notifications WHERE ctid = ANY(ARRAY("
        "SELECT ctid FROM counters.notifications WHERE created_at < now() - make_interval(days => %s) LIMIT %s))",
        (NOTIFICATION_DAYS, BATCH),
    )
    return done.rowcount
