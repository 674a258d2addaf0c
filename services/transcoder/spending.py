"""The day's bound on conversions: a flood of uploads waits in the queue instead of on the bill.

Owns how many minutes of renditions a cell begins in a day (UTC), written down in its own database and shared by all its
workers. Does not own the bound (``regions.capacity``, by the cell's settings) nor what becomes of a message (``worker``).
A job that begins is never broken off, and the first job of a day always begins, so that none is too long for every day.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import Gauge

from services.common.shards import ShardRouter
from services.transcoder.plan import Rendition

_TODAY = "(now() AT TIME ZONE 'utc')::date"


class DayFullError(Exception):
    """The job does not fit into what is left of the day."""


class Spending(Protocol):
    """The seam between the jobs and the day's bound."""

    async def closed(self) -> bool:
        """Whether no job may begin before the next day."""

    async def begin(self, minutes: int) -> None:
        """Count a job of so many minutes of renditions. Raises DayFullError, and closes the day."""


class SpendingMetrics:
    """What the worker of a process knows of the day. Registered by whoever serves it."""

    def __init__(self) -> None:
        self.minutes = Gauge(
            "meridian_transcoder_day_minutes", "Minutes of renditions begun today in this cell.", registry=None
        )
        self.closed = Gauge(
            "meridian_transcoder_day_closed",
            "1 while no conversion begins before the next day. Alarm above 0.",
            registry=None,
        )


@dataclass(frozen=True, slots=True)
class PostgresSpending:
    """The day of the cell ``home``, in its own database."""

    router: ShardRouter
    home: str
    most: int
    """Minutes of renditions a day."""
    metrics: SpendingMetrics

    async def closed(self) -> bool:
        """Whether no job may begin before the next day."""
        async with self.router.home_writer(self.home) as connection:
            cursor = await connection.execute(
                f"SELECT minutes, closed FROM transcoder.days WHERE day = {_TODAY}"  # noqa: S608  # a constant
            )
            minutes, closed = await cursor.fetchone() or (0, False)
        return self._told(int(minutes), bool(closed))

    async def begin(self, minutes: int) -> None:
        """Count a job of so many minutes of renditions. Raises DayFullError, and closes the day."""
        async with self.router.home_writer(self.home) as connection:
            cursor = await connection.execute(
                f"""
                INSERT INTO transcoder.days AS d (day, minutes) VALUES ({_TODAY}, %(minutes)s)
                ON CONFLICT (day) DO UPDATE SET
                    minutes = CASE WHEN d.closed OR d.minutes + excluded.minutes > %(most)s THEN d.minutes
                                   ELSE d.minutes + excluded.minutes END,
                    closed = d.closed OR d.minutes + excluded.minutes > %(most)s
                RETURNING minutes, closed
                """,  # noqa: S608  # a constant
                {"minutes": minutes, "most": self.most},
            )
            begun, closed = await cursor.fetchone() or (0, True)
        if self._told(int(begun), bool(closed)):
            raise DayFullError(
                f"{minutes} minutes of renditions do not fit: {begun} of {self.most} were begun in {self.home} today"
            )

    def _told(self, minutes: int, closed: bool) -> bool:
        self.metrics.minutes.set(minutes)
        self.metrics.closed.set(closed)
        return closed


def minutes_of(seconds: float, renditions: Sequence[Rendition]) -> int:
    """What a source of that length comes to: whole minutes of it, once for each rendition."""
    return math.ceil(seconds / 60) * len(renditions)
