"""``GET /api/videos/{video_id}/audience?days=``: different viewers by day, for the owner of the video. Owns its wire form.

The numbers are estimates from mergeable sketches; the answer states their relative standard error.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from services.common import ids, videos
from services.common.access import Seen, User
from services.common.errors import not_found, refusals
from services.common.inputs import GivenId, Output
from services.common.sketch import STANDARD_ERROR, Sketch, union
from services.engagement.routes import TheDesk

router = APIRouter()


class Day(Output):
    """One day, in UTC."""

    day: date
    viewers: int


class AudienceAnswer(Output):
    """Who watched, in numbers."""

    days: list[Day]
    """The newest first; days without a view are left out."""
    viewers: int
    """Different viewers over all of these days."""
    standard_error: float
    """Relative, of each number above 256; smaller ones are exact."""


@router.get("/api/videos/{video_id}/audience", responses=refusals(404))
async def audience(
    video_id: GivenId, user: User, desk: TheDesk, seen: Seen, days: Annotated[int, Query(ge=1, le=90)] = 28
) -> AudienceAnswer:
    """Different viewers of the user's own video. 404: it is not theirs."""
    async with desk.router.reader(ids.shard_key(video_id), seen) as connection:
        video = await videos.brief(connection, video_id)
        if video is None or video.owner_id != user.user_id:
            raise not_found("video")
        rows = await connection.execute(
            "SELECT day, sketch FROM counters.audience WHERE subject = %s AND day > (now() AT TIME ZONE 'UTC')::date - %s",
            (video_id, days),
        )
        by_day: dict[date, list[Sketch]] = defaultdict(list)
        for day, body in await rows.fetchall():
            by_day[day].append(Sketch.decode(body))
    merged = {day: union(by_day[day]) for day in sorted(by_day, reverse=True)}
    return AudienceAnswer(
        days=[Day(day=day, viewers=sketch.estimate()) for day, sketch in merged.items()],
        viewers=union(merged.values()).estimate(),
        standard_error=round(STANDARD_ERROR, 4),
    )
