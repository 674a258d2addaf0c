"""What travels inside a cell between those who count and those who show: names in Valkey and the form of messages.

Counts are published by ``services.counters``, presence by ``services.realtime``, which shows both.
"""

from __future__ import annotations

import msgspec

from services.contracts.topics import NOTIFICATIONS, SUBSCRIPTIONS

COUNTS_SECONDS = 3600
CHANNELS_TOPIC = SUBSCRIPTIONS.name
"""The topic whose subjects are channels."""
NOTICES_TOPIC = NOTIFICATIONS.name
"""The topic whose subjects are users."""
PREFIX = "live:"
_CHANNEL = f"{PREFIX}room:{{"
_USER = "user:"


class MalformedMessageError(ValueError):
    """A message that is not of this form."""


class Counts(msgspec.Struct, frozen=True, tag_field="type", tag="counts"):
    """The counts of a video at ``as_of`` (milliseconds since 1970 at its database)."""

    video: str
    """Public form of the id."""
    views: int
    likes: int
    dislikes: int
    comments: int
    as_of: int


class Presence(msgspec.Struct, frozen=True, tag_field="type", tag="presence"):
    """How many sockets of the cell watch a video."""

    video: str
    viewers: int


class Notice(msgspec.Struct, frozen=True, tag_field="type", tag="notice"):
    """A user has something new to read, since ``as_of`` (milliseconds since 1970)."""

    user: str
    """Public form of the id."""
    as_of: int


Message = Counts | Presence | Notice

_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_ENCODER = msgspec.json.Encoder()


def channel(room: str) -> str:
    """The channel of a room, in sharded pub/sub (SPUBLISH, SSUBSCRIBE), so that a cluster carries it on one shard."""
    return f"{_CHANNEL}{room}}}"


def room(channel: str) -> str | None:
    """The room of a `channel`; None for a channel of another kind."""
    return channel.removeprefix(_CHANNEL)[:-1] if channel.startswith(_CHANNEL) else None


def user_room(user: str) -> str:
    """The room of everything that one user has open. The room of a video is its id."""
    return f"{_USER}{user}"


def is_user_room(room: str) -> bool:
    """Whether ``room`` is one of `user_room`."""
    return room.startswith(_USER)


def counts_key(video: str) -> str:
    """The key that keeps a video's newest counts for whoever comes later."""
    return f"{PREFIX}counts:{{{video}}}"


def presence_key(video: str) -> str:
    """The hash of viewers by realtime instance."""
    return f"{PREFIX}presence:{{{video}}}"


def encode(message: Message) -> bytes:
    """The message as it is published."""
    return _ENCODER.encode(message)


def decode(message: bytes) -> Message:
    """The inverse of `encode`. Raises `MalformedMessageError`."""
    try:
        return _DECODER.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedMessageError(f"no message of ours: {error}") from error
