"""The route of search. Owns its wire form and bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator

from services.common.access import Caller
from services.common.app import Service, state
from services.common.cards import Card, ChannelName, media_url
from services.common.fanout import everywhere
from services.common.inputs import Output, PageSize, clean_line
from services.common.resources import Resources
from services.common.shards import ShardRouter
from services.contracts.settings import HostSettings
from services.search import repository
from services.search.merge import merged
from services.search.repository import Hit

MAX_OFFSET = 200
"""Nobody reads further, and each cell must answer with offset + limit hits."""

Text = Annotated[str, Query(min_length=1, max_length=200), AfterValidator(clean_line)]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET)]


class Results(Output):
    """A page of hits, best first."""

    videos: list[Card]
    next: int | None
    """Goes into ``offset``; None: there are no more, or nobody should ask for them."""
    partial: bool
    """Whether a cell did not answer, so that its videos are missing."""


@dataclass(frozen=True, slots=True)
class Search:
    """What the route needs."""

    router: ShardRouter
    hosts: HostSettings


def _search(request: Request) -> Search:
    return state(request, Search)


router = APIRouter(prefix="/api")


def _card(hit: Hit, hosts: HostSettings) -> Card:
    return Card(
        id=hit.id,
        title=hit.title,
        channel=ChannelName(id=hit.channel_id, name=hit.channel_name),
        duration_ms=hit.duration_ms,
        poster_url=media_url(hosts, hit.poster_key),
        published_at=hit.published_at,
        views=hit.views,
    )


@router.get("/search")
async def search(
    q: Text, _: Caller, service: Annotated[Search, Depends(_search)], limit: PageSize = 24, offset: Offset = 0
) -> Results:
    """Published videos of all cells for the words ``q``; quotes, OR and - as in web searches."""
    wanted = offset + limit
    answers = await everywhere(service.router, lambda connection: repository.search(connection, q, wanted + 1))
    page = merged(answers.by_home.values(), offset, limit + 1)
    more = len(page) > limit and wanted <= MAX_OFFSET
    return Results(
        videos=[_card(hit, service.hosts) for hit in page[:limit]],
        next=wanted if more else None,
        partial=bool(answers.missing),
    )


@asynccontextmanager
async def start(resources: Resources) -> AsyncIterator[Search]:
    """The service for the life of the process."""
    yield Search(resources.router, resources.settings.own.hosts)


SERVICE = Service("search", (router,), start)
