"""The beacon: what a page sends, judged event by event. Pure but for the facts about videos that it asks for.

Wire form of ``POST /api/events``: ``{"viewer": text, "events": [...]}`` with at most 100 events, each
``{"kind": "watch", "id": uuid7, "video": id, "watched_ms": n}`` (a heartbeat: n milliseconds were played since the last
one) or ``{"kind": "view", "id": uuid7, "video": id, "watched_ms": n}`` (n milliseconds of it were played in all: it
qualifies from 30 seconds or half of the video on). ``viewer`` is a random text that the page keeps, 16 to 64 characters;
it is ignored for who is signed in.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

import msgspec

from services.common import ids
from services.contracts.events import PACK_EVENTS, Viewed, ViewEvent, Watched
from services.engagement import claims, event_ids
from services.engagement.claims import Claim

QUALIFIED_MS = 30_000
MAX_HEARTBEAT_MS = 120_000


class _View(msgspec.Struct, tag_field="kind", tag="view", forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(max_length=36)]
    video: Annotated[str, msgspec.Meta(max_length=ids.TEXT_LENGTH)]
    watched_ms: Annotated[int, msgspec.Meta(ge=0, le=2**40)]


class _Watch(msgspec.Struct, tag_field="kind", tag="watch", forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(max_length=36)]
    video: Annotated[str, msgspec.Meta(max_length=ids.TEXT_LENGTH)]
    watched_ms: Annotated[int, msgspec.Meta(ge=0, le=MAX_HEARTBEAT_MS)]


class _Beacon(msgspec.Struct, forbid_unknown_fields=True):
    events: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=PACK_EVENTS)]
    viewer: Annotated[str, msgspec.Meta(min_length=16, max_length=64)] | None = None


_BEACON = msgspec.json.Decoder(_Beacon)
_EVENT = msgspec.json.Decoder(_View | _Watch)


def _request_body() -> dict[str, Any]:
    beacon, view, watch = (_inlined(kind) for kind in (_Beacon, _View, _Watch))
    beacon["properties"]["events"]["items"] = {"anyOf": [view, watch]}
    return {"required": True, "content": {"application/json": {"schema": beacon}}}


def _inlined(kind: type[msgspec.Struct]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components([kind])
    (schema,) = components.values()
    return {key: value for key, value in schema.items() if key != "title"}


REQUEST_BODY = _request_body()
"""The beacon as OpenAPI, from the types that read it. An event of another form is refused alone, with the others taken."""


class BeaconError(ValueError):
    """The request as a whole is not of this form."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that is not accepted."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event of good form."""

    index: int
    video: int
    watched_ms: int
    view: bool
    event: bytes

    def qualifies(self, duration_ms: int | None) -> bool:
        """Whether it counts in a video of ``duration_ms`` (None: not known yet)."""
        if not self.view:
            return True
        needed = QUALIFIED_MS if duration_ms is None else min(QUALIFIED_MS, duration_ms // 2)
        return self.watched_ms >= needed

    def encode(self, viewer: bytes) -> ViewEvent:
        """The event as it goes to the log."""
        at_ms = event_ids.time_ms(self.event)
        if self.view:
            return Viewed(id=self.event, at_ms=at_ms, video=self.video, viewer=viewer)
        return Watched(id=self.event, at_ms=at_ms, video=self.video, viewer=viewer, watched_ms=self.watched_ms)

    def claim(self, viewer: bytes) -> Claim:
        """What it must claim first."""
        return claims.view(ids.encode(self.video), viewer, self.event) if self.view else claims.once(self.event)


@dataclass(frozen=True, slots=True)
class Beacon:
    """A request, read."""

    viewer: str | None
    candidates: tuple[Candidate, ...]
    refusals: tuple[Refusal, ...]


def read(body: bytes, now_ms: int) -> Beacon:
    """The beacon in ``body``. Raises `BeaconError`; what is wrong with single events becomes refusals."""
    try:
        beacon = _BEACON.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BeaconError(f"the body is no list of 1 to {PACK_EVENTS} events: {error}") from error
    candidates: list[Candidate] = []
    refusals: list[Refusal] = []
    for index, raw in enumerate(beacon.events):
        try:
            event = _EVENT.decode(raw)
            candidates.append(
                Candidate(
                    index,
                    ids.parse(event.video),
                    event.watched_ms,
                    isinstance(event, _View),
                    event_ids.parse(event.id, now_ms),
                )
            )
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            refusals.append(Refusal(index, str(error)))
    return Beacon(beacon.viewer, tuple(candidates), tuple(refusals))


def viewer_key(secret: bytes, *, user: int | None, page: str | None) -> bytes | None:
    """16 bytes that stand for a viewer without telling who it is; None if nobody said."""
    if user is not None:
        name = b"user\0" + user.to_bytes(8, "big")
    elif page is not None:
        name = b"page\0" + page.encode("utf-8", "surrogatepass")
    else:
        return None
    return hmac.digest(secret, name, sha256)[:16]


def durations_apply(
    beacon: Beacon, durations: Mapping[int, int | None]
) -> tuple[tuple[Candidate, ...], tuple[Refusal, ...]]:
    """What is left of a beacon once its videos are known: ``durations`` lacks those that do not exist."""
    kept: list[Candidate] = []
    refusals = list(beacon.refusals)
    for candidate in beacon.candidates:
        if candidate.video not in durations:
            refusals.append(Refusal(candidate.index, "there is no such video"))
        elif not candidate.qualifies(durations[candidate.video]):
            refusals.append(Refusal(candidate.index, "not enough of the video was watched for a view"))
        else:
            kept.append(candidate)
    return tuple(kept), tuple(sorted(refusals, key=lambda refusal: refusal.index))
