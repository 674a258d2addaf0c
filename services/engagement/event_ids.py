"""Ids of events: UUIDs of version 7 (RFC 9562, section 5.7), which carry the source's time. Pure."""

from __future__ import annotations

import secrets
import time
from uuid import UUID

MAX_AHEAD_MS = 10_000
"""How far a source's clock may run ahead of ours."""
MAX_BEHIND_MS = 24 * 3_600_000
"""How old an event may be: a page that was offline sends what it kept."""


class EventIdError(ValueError):
    """The text is no usable event id; the message says why without repeating it."""


def make(now_ms: int | None = None) -> bytes:
    """A new id of now, or of ``now_ms`` (milliseconds since 1970)."""
    milliseconds = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    random = secrets.token_bytes(10)
    return (
        milliseconds.to_bytes(6, "big")
        + bytes((0x70 | (random[0] & 0x0F), random[1], 0x80 | (random[2] & 0x3F)))
        + random[3:]
    )


def time_ms(event: bytes) -> int:
    """The source's time in milliseconds since 1970."""
    return int.from_bytes(event[:6], "big")


def parse(text: str, now_ms: int) -> bytes:
    """The id in ``text``. Raises `EventIdError` for another form or version, or a clock that is far off."""
    try:
        value = UUID(text)
    except ValueError as error:
        raise EventIdError("an event id is a UUID") from error
    if value.version != 7:
        raise EventIdError("an event id is a UUID of version 7")
    ahead = time_ms(value.bytes) - now_ms
    if ahead > MAX_AHEAD_MS:
        raise EventIdError("the event is from the future; check the clock of the source")
    if ahead < -MAX_BEHIND_MS:
        raise EventIdError("the event is older than a day")
    return value.bytes
