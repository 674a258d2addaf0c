"""What travels inside a cell between those who count and those who show: names in Valkey and the form of messages.

Written by ``services.counters``, read by ``services.realtime`` and ``services.engagement``.
"""

from __future__ import annotations

import msgspec

from services.contracts.topics import SUBSCRIPTIONS

COUNTS_SECONDS = 3600
CHANNELS_TOPIC = SUBSCRIPTIONS.name
"""The topic whose subjects are channels; all others' are videos."""
PREFIX = "live:"


class MalformedMessageError(ValueError):
    """A message that is not of this form."""


class Counts(msgspec.Struct, frozen=True):
    """The counts of a video at ``as_of`` (milliseconds since 1970 at its database)."""

    video: str
    """Public form of the id."""
    views: int
    likes: int
    dislikes: int
    comments: int
    as_of: int


_DECODER = msgspec.json.Decoder(Counts)
_ENCODER = msgspec.json.Encoder()


def channel(video: str) -> str:
    """The pub/sub channel of a video."""
    return f"{PREFIX}video:{{{video}}}"


def counts_key(video: str) -> str:
    """The key that keeps a video's newest counts for whoever comes later."""
    return f"{PREFIX}counts:{{{video}}}"


def presence_key(video: str) -> str:
    """The hash of viewers by realtime instance."""
    return f"{PREFIX}presence:{{{video}}}"


def encode(counts: Counts) -> bytes:
    """The message."""
    return _ENCODER.encode(counts)


def decode(message: bytes) -> Counts:
    """The counts in ``message``. Raises `MalformedMessageError`."""
    try:
        return _DECODER.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedMessageError(f"no counts: {error}") from error
