"""The routes of recommendations, and the upkeep of the own cell's trends. Owns wire forms and bounds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import psycopg
from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator

from services.common import ids, videos
from services.common.access import Caller, Seen
from services.common.app import Service, state
from services.common.cards import Card, ChannelName, media_url
from services.common.database import Connection
from services.common.errors import ServiceError, not_found, refusals
from services.common.fanout import everywhere
from services.common.inputs import GivenId, Output, PageSize
from services.common.resources import Resources
from services.common.shards import ShardRouter
from services.common.tasks import end
from services.common.videos import Visibility
from services.contracts.settings import HostSettings
from services.recommendations import repository
from services.recommendations.blend import best_first, blend
from services.recommendations.repository import Candidate

UPKEEP_SECONDS = 10.0
MAX_SEEN = 100
SPARE = 100
"""Candidates per cell and kind beyond what is asked for, so that exclusions leave enough."""

_log = logging.getLogger(__name__)


def _seen_ids(text: str) -> str:
    parts = [part for part in text.split(",") if part]
    if len(parts) > MAX_SEEN:
        raise ValueError(f"at most {MAX_SEEN} ids")
    for part in parts:
        ids.parse(part)
    return text


SeenVideos = Annotated[str, Query(max_length=MAX_SEEN * (ids.TEXT_LENGTH + 1)), AfterValidator(_seen_ids)]
"""Ids of videos that the caller has seen, joined by commas."""


class Recommended(Output):
    """Videos, best first."""

    videos: list[Card]
    partial: bool
    """Whether a cell did not answer, so that its videos are missing."""


@dataclass(frozen=True, slots=True)
class Recommender:
    """What the routes need."""

    router: ShardRouter
    hosts: HostSettings

    def cards(self, candidates: list[Candidate]) -> list[Card]:
        """The wire form."""
        return [
            Card(
                id=candidate.id,
                title=candidate.title,
                channel=ChannelName(id=candidate.channel_id, name=candidate.channel_name),
                duration_ms=candidate.duration_ms,
                poster_url=media_url(self.hosts, candidate.poster_key),
                published_at=candidate.published_at,
                views=candidate.views,
            )
            for candidate in candidates
        ]


def _recommender(request: Request) -> Recommender:
    return state(request, Recommender)


Service_ = Annotated[Recommender, Depends(_recommender)]
router = APIRouter(prefix="/api")


@router.get("/recommendations")
async def recommend(_: Caller, service: Service_, limit: PageSize = 24, seen: SeenVideos = "") -> Recommended:
    """What rises and what is new over all cells, without what the caller has seen."""
    wanted = limit + SPARE
    excluded = {ids.parse(part) for part in seen.split(",") if part}

    async def both(connection: Connection) -> tuple[list[Candidate], list[Candidate]]:
        return (
            await repository.trending_videos(connection, wanted),
            await repository.fresh_videos(connection, wanted),
        )

    answers = await everywhere(service.router, both)
    rising = best_first(answer[0] for answer in answers.by_home.values())
    fresh = best_first(answer[1] for answer in answers.by_home.values())
    chosen = blend(rising, fresh, excluded, limit)
    return Recommended(videos=service.cards(chosen), partial=bool(answers.missing))


@router.get("/videos/{video_id}/related", responses=refusals(404))
async def related(video_id: GivenId, caller: Caller, service: Service_, own: Seen, limit: PageSize = 12) -> Recommended:
    """Videos like this one, filled up with what rises. 404: there is no such video."""
    async with service.router.reader(ids.shard_key(video_id), own) as connection:
        video = await videos.brief(connection, video_id)
        if video is None or (video.visibility is Visibility.PRIVATE and video.owner_id != caller.user_id):
            raise not_found("video")
        close = await repository.related_videos(connection, video_id, limit)
    if len(close) >= limit:
        return Recommended(videos=service.cards(close), partial=False)
    answers = await everywhere(service.router, lambda connection: repository.trending_videos(connection, 2 * limit))
    known = {video_id, *(candidate.id for candidate in close)}
    filling = blend(best_first(answers.by_home.values()), (), known, limit - len(close))
    return Recommended(videos=service.cards(close + filling), partial=bool(answers.missing))


async def upkeep(shards: ShardRouter, home: str) -> None:
    """Takes changed counts of ``home`` into its trends every ten seconds, until cancelled."""
    while True:
        try:
            taken: int | None = repository.BATCH
            while taken == repository.BATCH:
                async with shards.home_writer(home) as connection:
                    taken = await repository.take_in(connection)
        except (psycopg.Error, ServiceError) as error:
            _log.warning("trends of %s not brought up to date: %s", home, type(error).__name__)
        await asyncio.sleep(UPKEEP_SECONDS)


@asynccontextmanager
async def start(resources: Resources) -> AsyncIterator[Recommender]:
    """The service for the life of the process."""
    tasks = [asyncio.create_task(upkeep(resources.router, home)) for home in resources.settings.tended]
    try:
        yield Recommender(resources.router, resources.settings.own.hosts)
    finally:
        await end(*tasks)


SERVICE = Service("recommendations", (router,), start)
