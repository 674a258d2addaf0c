"""The routes of engagement. Owns the wire forms of reactions, comments, subscriptions and counts.

- ``POST /api/events``: see ``intake``. Answer 202 ``{"accepted": n, "repeated": n, "refused": [{"index", "reason"}]}``,
  after the log has what was accepted.
- ``PUT /api/videos/{video_id}/reaction`` ``{"state": "none"|"like"|"dislike", "id"?: uuid7}``; GET gives the state.
- ``POST /api/videos/{video_id}/comments`` ``{"body": text, "id"?: uuid7}``: 201 with the comment's id.
- ``PUT /api/channels/{channel_id}/subscription`` ``{"active": bool, "id"?: uuid7}``; GET gives the state.
- ``GET /api/videos/{video_id}/counts?viewer=``: the counts, what the caller did included.

With an ``id`` that the page made, a request can be repeated until it is answered.
"""

from __future__ import annotations

import time
from typing import Annotated

import psycopg
from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field
from redis.exceptions import RedisError

from services.common import ids, videos
from services.common.access import Caller, Seen, User
from services.common.app import state
from services.common.errors import invalid, not_found, refusals
from services.common.inputs import CleanText, Flag, GivenId, Input, Output
from services.contracts.events import AnyEvent, Commented, Notified, Reacted, Reaction, Subscribed
from services.contracts.keyspaces import ENGAGEMENT_KEYS
from services.contracts.topics import LIKES
from services.engagement import event_ids, intake
from services.engagement.claims import Standing
from services.engagement.counts import counted, follows
from services.engagement.desk import Desk, placed
from services.engagement.own import Deed, overlay

router = APIRouter()

COMMENT_SECONDS = 24 * 3600
"""How long a repeated comment finds its id."""
MAX_BEACON = 64 * 1024


def _desk(request: Request) -> Desk:
    return state(request, Desk)


TheDesk = Annotated[Desk, Depends(_desk)]


class RefusedEvent(Output):
    """An event of a beacon that is not counted."""

    index: int
    reason: str


class BeaconAnswer(Output):
    """What became of a beacon."""

    accepted: int
    repeated: int
    refused: list[RefusedEvent]


class ReactionInput(Input):
    """The reaction that the user has from now on."""

    state: str = Field(pattern="^(none|like|dislike)$")
    id: str | None = None


class ReactionAnswer(Output):
    """The reaction that the user has."""

    state: str


class CommentInput(Input):
    """A comment."""

    body: CleanText = Field(min_length=1, max_length=2000)
    id: str | None = None


class CommentAnswer(Output):
    """A comment that was written."""

    id: str
    video_id: str
    author_name: str
    body: str


class SubscriptionInput(Input):
    """Whether the user follows the channel from now on."""

    active: Flag
    id: str | None = None


class SubscriptionAnswer(Output):
    """Whether the user follows the channel."""

    active: bool


class CountsAnswer(Output):
    """The counts of a video for one caller."""

    video: str
    views: int
    likes: int
    dislikes: int
    comments: int
    reaction: str
    as_of: int
    """Milliseconds since 1970 at the database; what the caller did since is included."""
    pending: int
    """How many events of the caller are included that are not counted yet."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _event_id(given: str | None) -> bytes:
    if given is None:
        return event_ids.make()
    try:
        return event_ids.parse(given, _now_ms())
    except event_ids.EventIdError as error:
        raise invalid(f"{str(error).capitalize()}.") from error


@router.post("/api/events", status_code=202, openapi_extra={"requestBody": intake.REQUEST_BODY})
async def events(request: Request, caller: Caller, desk: TheDesk, seen: Seen) -> BeaconAnswer:
    """Takes a page's events."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BEACON:
            raise invalid("The beacon is too large.")
    try:
        beacon = intake.read(body, _now_ms())
    except intake.BeaconError as error:
        raise invalid(f"{str(error).capitalize()}.") from error
    viewer = intake.viewer_key(desk.viewer_secret, user=caller.user_id, page=beacon.viewer)
    if viewer is None:
        raise invalid("Name the viewer, or sign in.")
    durations = await desk.facts.durations([candidate.video for candidate in beacon.candidates], seen)
    kept, refusals = intake.durations_apply(beacon, durations)
    made = [candidate.claim(viewer) for candidate in kept]
    standings = await desk.claims.make(made) if made else []
    granted = [
        (candidate, claim)
        for candidate, claim, standing in zip(kept, made, standings, strict=True)
        if standing is Standing.GRANTED
    ]
    if granted:
        sent = [candidate.encode(viewer) for candidate, _ in granted]
        receipts = await desk.send(sent)
        await desk.claims.settle([claim for _, claim in granted])
        for (candidate, _), event in zip(granted, sent, strict=True):
            if candidate.view:
                deed = Deed.of(receipts[placed(desk.router.shards, event)], views=1)
                await desk.own.note(ids.encode(candidate.video), viewer, deed)
    return BeaconAnswer(
        accepted=len(granted),
        repeated=len(kept) - len(granted),
        refused=[RefusedEvent(index=refusal.index, reason=refusal.reason) for refusal in refusals],
    )


async def _send_one(desk: Desk, event: AnyEvent, subject: int, viewer: bytes, deed: dict[str, int]) -> None:
    (receipt,) = (await desk.send([event])).values()
    await desk.own.note(ids.encode(subject), viewer, Deed.of(receipt, **deed))


def _user_key(desk: Desk, user: int) -> bytes:
    key = intake.viewer_key(desk.viewer_secret, user=user, page=None)
    if key is None:
        raise TypeError("a user always has a key")
    return key


@router.put("/api/videos/{video_id}/reaction", responses=refusals(404))
async def react(video_id: GivenId, body: ReactionInput, user: User, desk: TheDesk, seen: Seen) -> ReactionAnswer:
    """Sets the user's reaction."""
    event_id = _event_id(body.id)
    if video_id not in await desk.facts.durations([video_id], seen):
        raise not_found("video")
    new = Reaction[body.state.upper()]
    event = Reacted(id=event_id, at_ms=event_ids.time_ms(event_id), video=video_id, user=user.user_id, state=new)
    await _send_one(desk, event, video_id, _user_key(desk, user.user_id), {"state": int(new)})
    return ReactionAnswer(state=body.state)


@router.get("/api/videos/{video_id}/reaction")
async def reaction(video_id: GivenId, user: User, desk: TheDesk) -> ReactionAnswer:
    """The user's reaction, also before it is counted."""
    deeds = [d for d in await desk.own.of(ids.encode(video_id), _user_key(desk, user.user_id)) if d.topic == LIKES.name]
    async with desk.router.reader(ids.shard_key(video_id)) as connection:
        snapshot = await counted(connection, video_id, user.user_id, deeds)
    _, shown = overlay(snapshot.totals, snapshot.reaction, snapshot.unapplied)
    return ReactionAnswer(state=shown.name.lower())


@router.post("/api/videos/{video_id}/comments", status_code=201, responses=refusals(404))
async def comment(video_id: GivenId, body: CommentInput, user: User, desk: TheDesk, seen: Seen) -> CommentAnswer:
    """Writes a comment and tells the log of it."""
    event_id = _event_id(body.id)
    comment_id = await _comment_id(desk, video_id, user.user_id, event_id)
    new = videos.NewComment(comment_id, video_id, user.user_id, user.name or "?", body.body)
    try:
        async with desk.router.writer(ids.shard_key(video_id), seen) as connection:
            written = await videos.add_comment(connection, new)
            video = await videos.brief(connection, video_id)
    except psycopg.errors.UniqueViolation:
        # The request is repeated: the row is there, perhaps without its event.
        written = True
        async with desk.router.reader(ids.shard_key(video_id), seen) as connection:
            video = await videos.brief(connection, video_id)
    if not written or video is None:
        raise not_found("video")
    event = Commented(
        id=event_id,
        at_ms=event_ids.time_ms(event_id),
        video=video_id,
        user=user.user_id,
        comment=comment_id,
        active=True,
    )
    await _send_one(desk, event, video_id, _user_key(desk, user.user_id), {"comments": 1})
    if video.owner_id != user.user_id:
        told = Notified(
            id=event_ids.make(event.at_ms),
            at_ms=event.at_ms,
            user=video.owner_id,
            kind="comment",
            subject=comment_id,
            under=video_id,
        )
        await desk.send([told])
    return CommentAnswer(
        id=ids.encode(comment_id), video_id=ids.encode(video_id), author_name=new.author_name, body=new.body
    )


async def _comment_id(desk: Desk, video: int, user: int, event_id: bytes) -> int:
    """The id of the comment that ``event_id`` stands for, the same when the request is repeated."""
    minted = desk.minter.mint(ids.shard_key(video))
    key = f"{ENGAGEMENT_KEYS}comment:{ids.encode(video)}:{ids.encode(user)}:{event_id.hex()}"
    try:
        known = await desk.cache.set(key, str(minted), nx=True, get=True, ex=COMMENT_SECONDS)
    except RedisError:
        return minted
    return int(known) if known else minted


@router.put("/api/channels/{channel_id}/subscription", responses=refusals(404))
async def subscribe(
    channel_id: GivenId, body: SubscriptionInput, user: User, desk: TheDesk, seen: Seen
) -> SubscriptionAnswer:
    """Follows a channel, or no longer."""
    event_id = _event_id(body.id)
    async with desk.router.reader(ids.shard_key(channel_id), seen) as connection:
        if await videos.channel_owner(connection, channel_id) is None:
            raise not_found("channel")
    event = Subscribed(
        id=event_id, at_ms=event_ids.time_ms(event_id), channel=channel_id, user=user.user_id, active=body.active
    )
    await _send_one(desk, event, channel_id, _user_key(desk, user.user_id), {"state": int(body.active)})
    return SubscriptionAnswer(active=body.active)


@router.get("/api/channels/{channel_id}/subscription")
async def subscription(channel_id: GivenId, user: User, desk: TheDesk) -> SubscriptionAnswer:
    """Whether the user follows the channel, also before it is counted."""
    deeds = await desk.own.of(ids.encode(channel_id), _user_key(desk, user.user_id))
    async with desk.router.reader(ids.shard_key(channel_id)) as connection:
        return SubscriptionAnswer(active=await follows(connection, channel_id, user.user_id, deeds))


@router.get("/api/videos/{video_id}/counts")
async def counts(
    video_id: GivenId,
    caller: Caller,
    desk: TheDesk,
    viewer: Annotated[str | None, Query(min_length=16, max_length=64)] = None,
) -> CountsAnswer:
    """The counts, with what the caller did."""
    key = intake.viewer_key(desk.viewer_secret, user=caller.user_id, page=viewer)
    deeds = await desk.own.of(ids.encode(video_id), key) if key is not None else []
    async with desk.router.reader(ids.shard_key(video_id)) as connection:
        snapshot = await counted(connection, video_id, caller.user_id, deeds)
    totals, shown = overlay(snapshot.totals, snapshot.reaction, snapshot.unapplied)
    return CountsAnswer(
        video=ids.encode(video_id),
        views=totals.views,
        likes=totals.likes,
        dislikes=totals.dislikes,
        comments=totals.comments,
        reaction=shown.name.lower(),
        as_of=int(snapshot.as_of.timestamp() * 1000),
        pending=len(snapshot.unapplied),
    )
