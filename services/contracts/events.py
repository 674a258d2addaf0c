"""Events as they stand in the log: their schemas, the stamp of a record, and the pack that a record carries.

Owns what is written to the five topics and the strict reading of it. Does not own topics (``topics``), when records
are packed (``services.engagement``) or what an event means for a count (``services.counters``).

A record's body is a MessagePack array of at most `PACK_EVENTS` events, each an array whose first element is the tag of
its kind. Compatibility: fields are only ever appended, with a default; a reader ignores fields that it does not know
and refuses kinds that it does not know, one by one. Anything else is a new `SCHEMA` and a new topic version.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Protocol
from uuid import UUID

import msgspec

from services.contracts import topics

SCHEMA = 1
"""Version of the body's layout, in every stamp."""
PACK_EVENTS = 100
"""Events in a record, at most."""
EVENT_BYTES = 512
"""Encoded size of one event, at most: every field is bounded, the widest kind needs less than half of it."""
PACK_BYTES = PACK_EVENTS * EVENT_BYTES + 8
STAMP_HEADER = "stamp"
"""Name of the record header that carries the stamp."""

_STAMP = struct.Struct(">BB16sQ")
_STAMP_LAYOUT = 1
_ORIGIN_BYTES = 32
_ORIGIN = re.compile(r"[a-z][a-z0-9-]*")

EventId = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
"""A UUIDv7, as bytes."""
Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
"""A 64-bit id that carries its bucket."""
Millis = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Milliseconds since 1970 at the source, or a duration in milliseconds."""
ViewerKey = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
"""Who watched, without naming the user or the address."""


class MalformedRecordError(ValueError):
    """A record that cannot be read at all; the message says which part and why."""


class Reaction(IntEnum):
    """What a user thinks of a video. A state, not a change."""

    NONE = 0
    LIKE = 1
    DISLIKE = 2


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False, kw_only=True):
    """What all events have: an id made at the source, and the source's time in milliseconds since 1970."""

    id: EventId
    at_ms: Millis


class Viewed(Event, frozen=True, array_like=True, gc=False, kw_only=True, tag=1):
    """A qualified view: counts one."""

    video: Id
    viewer: ViewerKey


class Watched(Event, frozen=True, array_like=True, gc=False, kw_only=True, tag=2):
    """A heartbeat of the player: ``watched_ms`` of the video were played since the last one."""

    video: Id
    viewer: ViewerKey
    watched_ms: Annotated[int, msgspec.Meta(ge=0, le=120_000)]


class Reacted(Event, frozen=True, array_like=True, gc=False, kw_only=True, tag=3):
    """The user's reaction to the video is now ``state``."""

    video: Id
    user: Id
    state: Reaction


class Commented(Event, frozen=True, array_like=True, gc=False, kw_only=True, tag=4):
    """The comment stands under the video from now on, or no longer. Its row was written before the event."""

    video: Id
    user: Id
    comment: Id
    active: bool


class Subscribed(Event, frozen=True, array_like=True, gc=False, kw_only=True, tag=5):
    """The user follows the channel from now on, or no longer."""

    channel: Id
    user: Id
    active: bool


class Notified(Event, frozen=True, array_like=True, gc=False, kw_only=True, tag=6):
    """Something that ``user`` wants to hear of: a new video or a comment, named by ``subject``."""

    user: Id
    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern="^[a-z_]+$")]
    subject: Id
    under: Id | None = None
    """What the subject belongs to: the video of a comment."""


ViewEvent = Viewed | Watched
AnyEvent = Viewed | Watched | Reacted | Commented | Subscribed | Notified


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """Which record this is, the same in its origin log and in every copy of it."""

    origin: str
    """Cell whose cluster took the record first; the region of ingestion."""
    incarnation: UUID
    """One life of one producer."""
    sequence: int
    """From 1, dense per (topic, partition, incarnation)."""
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Fault:
    """An event of a pack that cannot be read: its position, the reason, and its bytes."""

    index: int
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Pack:
    """A record's body, read: the good events with their positions, and what was wrong with the others."""

    events: Sequence[AnyEvent]
    indexes: Sequence[int]
    faults: Sequence[Fault] = ()


class _Many(Protocol):
    def decode(self, buf: bytes, /) -> Sequence[AnyEvent]: ...


class _One(Protocol):
    def decode(self, buf: msgspec.Raw, /) -> AnyEvent: ...


_DECODERS: MappingProxyType[str, tuple[_Many, _One]] = MappingProxyType(
    {
        topics.VIEWS.name: (msgspec.msgpack.Decoder(list[ViewEvent]), msgspec.msgpack.Decoder(ViewEvent)),
        topics.LIKES.name: (msgspec.msgpack.Decoder(list[Reacted]), msgspec.msgpack.Decoder(Reacted)),
        topics.COMMENTS.name: (msgspec.msgpack.Decoder(list[Commented]), msgspec.msgpack.Decoder(Commented)),
        topics.SUBSCRIPTIONS.name: (msgspec.msgpack.Decoder(list[Subscribed]), msgspec.msgpack.Decoder(Subscribed)),
        topics.NOTIFICATIONS.name: (msgspec.msgpack.Decoder(list[Notified]), msgspec.msgpack.Decoder(Notified)),
    }
)
_RAW = msgspec.msgpack.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.msgpack.Encoder()

TOPIC_OF: MappingProxyType[type[Event], topics.Topic] = MappingProxyType(
    {
        Viewed: topics.VIEWS,
        Watched: topics.VIEWS,
        Reacted: topics.LIKES,
        Commented: topics.COMMENTS,
        Subscribed: topics.SUBSCRIPTIONS,
        Notified: topics.NOTIFICATIONS,
    }
)


def subject_of(event: AnyEvent) -> int:
    """The id by which the event is partitioned: its video, channel or user."""
    if isinstance(event, Subscribed):
        return event.channel
    if isinstance(event, Notified):
        return event.user
    return event.video


def encode_stamp(stamp: Stamp) -> bytes:
    """The header's value. Raises ValueError for an origin that is no short ASCII name."""
    origin = stamp.origin.encode("ascii")
    if not 0 < len(origin) <= _ORIGIN_BYTES:
        raise ValueError(f"origin {stamp.origin!r} must have 1 to {_ORIGIN_BYTES} characters")
    return _STAMP.pack(_STAMP_LAYOUT, stamp.schema, stamp.incarnation.bytes, stamp.sequence) + origin


def decode_stamp(value: bytes) -> Stamp:
    """The stamp in a header's value. Raises `MalformedRecordError`."""
    if not _STAMP.size < len(value) <= _STAMP.size + _ORIGIN_BYTES:
        raise MalformedRecordError(f"the stamp has {len(value)} bytes, which no stamp has")
    layout, schema, incarnation, sequence = _STAMP.unpack_from(value)
    if layout != _STAMP_LAYOUT:
        raise MalformedRecordError(f"the stamp has layout {layout}; this reader knows {_STAMP_LAYOUT}")
    if not 0 < sequence < 2**63:
        raise MalformedRecordError(f"the stamp has sequence {sequence}, outside 1..2^63-1")
    try:
        origin = value[_STAMP.size :].decode("ascii")
    except UnicodeDecodeError as error:
        raise MalformedRecordError("the stamp's origin is not ASCII") from error
    if _ORIGIN.fullmatch(origin) is None:
        # It becomes a column: text with a zero byte, for one, no database takes.
        raise MalformedRecordError(f"the stamp's origin {origin!r} is no name of a cell")
    return Stamp(origin, _incarnation(incarnation), sequence, schema)


@lru_cache(maxsize=4096)
def _incarnation(value: bytes) -> UUID:
    # One producer writes many records.
    return UUID(bytes=value)


def stamp_of(headers: Sequence[tuple[str, bytes | None]]) -> Stamp:
    """The stamp among a record's headers. Raises `MalformedRecordError` if there is none or it is damaged."""
    for name, value in headers:
        if name == STAMP_HEADER:
            return decode_stamp(value or b"")
    raise MalformedRecordError(f"the record has no {STAMP_HEADER!r} header")


def encode_event(event: AnyEvent) -> bytes:
    """One event as it stands in a pack."""
    return _ENCODER.encode(event)


def join_pack(encoded: Sequence[bytes]) -> bytes:
    """A record's body from 1 to `PACK_EVENTS` events of `encode_event`. Raises ValueError for another number."""
    if not 0 < len(encoded) <= PACK_EVENTS:
        raise ValueError(f"a pack holds 1 to {PACK_EVENTS} events, not {len(encoded)}")
    return b"\xdc" + len(encoded).to_bytes(2, "big") + b"".join(encoded)  # MessagePack's array 16


def decode_pack(topic: str, schema: int, body: bytes | None) -> Pack:
    """The events of a record of ``topic``; each bad one becomes a fault of its own.

    Raises `MalformedRecordError` if the body as a whole cannot be taken apart, KeyError for an unknown topic.
    """
    many, one = _DECODERS[topic]
    if schema != SCHEMA:
        raise MalformedRecordError(f"the record has schema {schema}; this reader knows {SCHEMA}")
    if not body or len(body) > PACK_BYTES:
        raise MalformedRecordError(f"the body has {len(body or b'')} bytes; allowed are 1..{PACK_BYTES}")
    try:
        events = many.decode(body)
        pack = Pack(events, range(len(events)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pack = _one_by_one(one, body)
    if not 0 < len(pack.indexes) + len(pack.faults) <= PACK_EVENTS:
        raise MalformedRecordError(
            f"the pack has {len(pack.indexes) + len(pack.faults)} events; allowed are 1..{PACK_EVENTS}"
        )
    return pack


def _one_by_one(reader: _One, body: bytes) -> Pack:
    try:
        raws = _RAW.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedRecordError(f"the body is no array of events: {error}") from error
    events: list[AnyEvent] = []
    indexes: list[int] = []
    faults: list[Fault] = []
    for index, raw in enumerate(raws):
        try:
            events.append(reader.decode(raw))
            indexes.append(index)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            faults.append(Fault(index, str(error), bytes(raw)))
    return Pack(events, indexes, faults)
