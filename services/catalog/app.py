"""The routes of the catalogue. Owns wire forms, their bounds, and who may see and change what."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, model_validator

from services.catalog import repository
from services.catalog.repository import Video
from services.common import ids
from services.common.access import Caller, Seen, User
from services.common.app import Service, state
from services.common.cards import ChannelName, media_url
from services.common.context import Context
from services.common.errors import ServiceError, conflict, forbidden, not_found, refusals
from services.common.inputs import CleanText, GivenId, Id, Input, Line, Output, PageSize
from services.common.playback import Playback
from services.common.resources import Resources
from services.common.secrets import SecretError
from services.common.shards import ShardRouter
from services.common.videos import VideoState, Visibility
from services.contracts.settings import HostSettings

_log = logging.getLogger(__name__)

Title = Annotated[Line, Field(min_length=1, max_length=120)]
Description = Annotated[CleanText, Field(max_length=5000)]
Tag = Annotated[Line, Field(min_length=1, max_length=40)]
Tags = Annotated[list[Tag], Field(max_length=20)]
Before = Annotated[str | None, Query(pattern=ids.TEXT_PATTERN)]


class NewChannel(Input):
    """Body of a new channel."""

    name: Annotated[Line, Field(min_length=1, max_length=80)]
    description: Annotated[CleanText, Field(max_length=1000)] = ""


class VideoChanges(Input):
    """Body of a change; at least one field."""

    title: Title | None = None
    description: Description | None = None
    tags: Tags | None = None
    visibility: Visibility | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> VideoChanges:
        if not self.model_dump(exclude_none=True):
            raise ValueError("name at least one field to change")
        return self


class ChannelOut(Output):
    """A channel."""

    id: Id
    name: str
    description: str
    created_at: datetime
    subscribers: int
    mine: bool


class Failure(Output):
    """Why a video failed; shown to its owner."""

    code: str
    message: str


class Counts(Output):
    """Counts as they stood when the answer was made."""

    views: int
    likes: int
    dislikes: int
    comments: int


class VideoOut(Output):
    """A video with all that its page shows."""

    id: Id
    channel: ChannelName
    title: str
    description: str
    tags: list[str]
    visibility: Visibility
    state: VideoState
    progress: int
    """Percent of transcoding."""
    rungs: list[str]
    """Rungs that can be played by now, ascending."""
    failure: Failure | None
    duration_ms: int | None
    width: int | None
    height: int | None
    hls_url: str | None
    dash_url: str | None
    poster_url: str | None
    created_at: datetime
    published_at: datetime | None
    counts: Counts
    mine: bool


class Author(Output):
    """Who wrote a comment, under the name of that time."""

    id: Id
    name: str


class CommentOut(Output):
    """A comment."""

    id: Id
    author: Author
    body: str
    created_at: datetime
    mine: bool


class Channels(Output):
    """Channels of one owner."""

    channels: list[ChannelOut]


class VideoPage(Output):
    """A page of videos; ``next`` goes into ``before``."""

    videos: list[VideoOut]
    next: Id | None


class CommentPage(Output):
    """A page of comments; ``next`` goes into ``before``."""

    comments: list[CommentOut]
    next: Id | None


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the routes need."""

    router: ShardRouter
    minter: ids.Minter
    hosts: HostSettings
    playback: Playback


def _catalog(request: Request) -> Catalog:
    return state(request, Catalog)


Catalogue = Annotated[Catalog, Depends(_catalog)]
router = APIRouter(prefix="/api")


def _video_out(video: Video, viewer_id: int | None, hosts: HostSettings) -> VideoOut:
    mine = video.owner_id == viewer_id
    failure = None
    if mine and video.failure_code is not None:
        failure = Failure(code=video.failure_code, message=video.failure_message or "")
    return VideoOut(
        id=video.id,
        channel=ChannelName(id=video.channel_id, name=video.channel_name),
        title=video.title,
        description=video.description,
        tags=video.tags,
        visibility=Visibility(video.visibility),
        state=VideoState(video.state),
        progress=video.progress,
        rungs=video.rungs,
        failure=failure,
        duration_ms=video.duration_ms,
        width=video.width,
        height=video.height,
        hls_url=media_url(hosts, video.hls_key),
        dash_url=media_url(hosts, video.dash_key),
        poster_url=media_url(hosts, video.poster_key),
        created_at=video.created_at,
        published_at=video.published_at,
        counts=Counts(views=video.views, likes=video.likes, dislikes=video.dislikes, comments=video.comments),
        mine=mine,
    )


def _may_see(video: Video, viewer_id: int | None) -> bool:
    if video.owner_id == viewer_id:
        return True
    begun = video.state in (VideoState.PROCESSING, VideoState.READY)
    return begun and video.visibility != Visibility.PRIVATE


def _channel_out(channel: repository.Channel, viewer_id: int | None) -> ChannelOut:
    return ChannelOut(
        id=channel.id,
        name=channel.name,
        description=channel.description,
        created_at=channel.created_at,
        subscribers=channel.subscribers,
        mine=channel.owner_id == viewer_id,
    )


def _before(text: str | None) -> int | None:
    try:
        return None if text is None else ids.parse(text)
    except ids.IdError as error:
        raise ServiceError(422, "invalid_request", "The page to go on from does not exist.") from error


async def _visible_video(catalog: Catalog, video_id: int, context: Context, seen: Seen) -> Video:
    async with catalog.router.reader(ids.shard_key(video_id), seen) as connection:
        video = await repository.video(connection, video_id)
    if video is None or not _may_see(video, context.user_id):
        raise not_found("video")
    return video


@router.post("/channels", status_code=201, responses=refusals(409))
async def create_channel(body: NewChannel, user: User, catalog: Catalogue, seen: Seen) -> ChannelOut:
    """Opens a channel in the caller's bucket. 409: the name is taken, or there are ten already."""
    key = ids.shard_key(user.user_id)
    channel_id = catalog.minter.mint(key)
    try:
        async with catalog.router.writer(key, seen) as connection:
            if not await repository.add_channel(connection, channel_id, user.user_id, body.name, body.description):
                raise conflict("too_many_channels", f"One person may own {repository.MAX_CHANNELS} channels.")
            (channel,) = await repository.channels(connection, channel_id=channel_id)
    except repository.NameTaken as error:
        raise conflict("name_taken", "You have a channel of this name already.") from error
    return _channel_out(channel, user.user_id)


@router.get("/channels/mine")
async def my_channels(user: User, catalog: Catalogue, seen: Seen) -> Channels:
    """The caller's channels."""
    async with catalog.router.reader(ids.shard_key(user.user_id), seen) as connection:
        channels = await repository.channels(connection, owner_id=user.user_id)
    return Channels(channels=[_channel_out(channel, user.user_id) for channel in channels])


@router.get("/channels/{channel_id}", responses=refusals(404))
async def get_channel(channel_id: GivenId, caller: Caller, catalog: Catalogue, seen: Seen) -> ChannelOut:
    """One channel."""
    async with catalog.router.reader(ids.shard_key(channel_id), seen) as connection:
        channels = await repository.channels(connection, channel_id=channel_id)
    if not channels:
        raise not_found("channel")
    return _channel_out(channels[0], caller.user_id)


@router.get("/channels/{channel_id}/videos", responses=refusals(404))
async def list_videos(
    channel_id: GivenId, caller: Caller, catalog: Catalogue, seen: Seen, limit: PageSize = 24, before: Before = None
) -> VideoPage:
    """A channel's videos, newest first. The owner sees those in every state."""
    async with catalog.router.reader(ids.shard_key(channel_id), seen) as connection:
        if not await repository.channels(connection, channel_id=channel_id):
            raise not_found("channel")
        videos = await repository.videos_of_channel(connection, channel_id, caller.user_id, _before(before), limit)
    return VideoPage(
        videos=[_video_out(video, caller.user_id, catalog.hosts) for video in videos],
        next=videos[-1].id if len(videos) == limit else None,
    )


async def _admit(response: Response, catalog: Catalog, video: Video) -> None:
    """Cookies with which the answer's URLs can be fetched. Without a key the answer is given all the same."""
    if video.hls_key is None:
        return
    try:
        cookies = await catalog.playback.of(ids.encode(video.id), video.duration_ms)
    except SecretError as error:
        _log.error("playback is not signed: %s", error)
        return
    for cookie in cookies:
        response.set_cookie(
            cookie.name,
            cookie.value,
            max_age=cookie.seconds,
            path=cookie.path,
            domain=cookie.domain,
            secure=True,
            httponly=True,
            samesite="lax",
        )


@router.get("/videos/{video_id}", responses=refusals(404))
async def get_video(video_id: GivenId, caller: Caller, catalog: Catalogue, seen: Seen, response: Response) -> VideoOut:
    """One video. 404 also for one that the caller may not see."""
    video = await _visible_video(catalog, video_id, caller, seen)
    await _admit(response, catalog, video)
    return _video_out(video, caller.user_id, catalog.hosts)


@router.patch("/videos/{video_id}", responses=refusals(403, 404))
async def change_video(video_id: GivenId, body: VideoChanges, user: User, catalog: Catalogue, seen: Seen) -> VideoOut:
    """Changes what the owner may change. 403: it is somebody else's."""
    await _own_video(catalog, video_id, user, seen)
    changes: dict[str, str | list[str]] = body.model_dump(mode="json", exclude_none=True)
    async with catalog.router.writer(ids.shard_key(video_id), seen) as connection:
        if not await repository.change_video(connection, video_id, user.user_id, changes):
            raise not_found("video")
        video = await repository.video(connection, video_id)
    if video is None:
        raise not_found("video")
    return _video_out(video, user.user_id, catalog.hosts)


@router.delete("/videos/{video_id}", status_code=204, responses=refusals(403, 404))
async def delete_video(video_id: GivenId, user: User, catalog: Catalogue, seen: Seen) -> Response:
    """Deletes a video. 403: it is somebody else's."""
    await _own_video(catalog, video_id, user, seen)
    async with catalog.router.writer(ids.shard_key(video_id), seen) as connection:
        if not await repository.delete_video(connection, video_id, user.user_id):
            raise not_found("video")
    return Response(status_code=204)


async def _own_video(catalog: Catalog, video_id: int, user: User, seen: Seen) -> None:
    video = await _visible_video(catalog, video_id, user.context, seen)
    if video.owner_id != user.user_id:
        raise forbidden("Only its owner may change a video.")


@router.get("/videos/{video_id}/comments", responses=refusals(404))
async def list_comments(
    video_id: GivenId, caller: Caller, catalog: Catalogue, seen: Seen, limit: PageSize = 20, before: Before = None
) -> CommentPage:
    """The comments of a video, newest first."""
    await _visible_video(catalog, video_id, caller, seen)
    async with catalog.router.reader(ids.shard_key(video_id), seen) as connection:
        comments = await repository.comments(connection, video_id, _before(before), limit)
    return CommentPage(
        comments=[
            CommentOut(
                id=comment.id,
                author=Author(id=comment.author_id, name=comment.author_name),
                body=comment.body,
                created_at=comment.created_at,
                mine=comment.author_id == caller.user_id,
            )
            for comment in comments
        ],
        next=comments[-1].id if len(comments) == limit else None,
    )


@asynccontextmanager
async def start(resources: Resources) -> AsyncIterator[Catalog]:
    """The service for the life of the process."""
    own = resources.settings.own
    yield Catalog(resources.router, resources.minter, own.hosts, Playback(own, resources.secrets))


SERVICE = Service("catalog", (router,), start)
