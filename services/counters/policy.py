"""When a window is flushed, and which of its keys get a row. Pure; the clock is an argument.

The window adapts in two ways. Time: as long as a flush would write few rows, it is flushed after a second, so a quiet
platform feels live; under load it stays open for 30 seconds. Keys: when a full window has more keys than its row
budget, cold ones wait as pending until they have `HOT` events or are `MAX_WAIT_MS` old, which is what keeps rows at
one per hundred events in a long-tailed catalogue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from services.counters.window import CountKey, Window

MIN_SECONDS = 1.0
MAX_SECONDS = 30.0
ROWS_PER_SECOND = 200
"""Rows that one window may write per second of its age without being held back; a quiet platform stays below."""
HOT = 100
"""Events at which a key is written in any flush."""
MAX_WAIT_MS = 15 * 60 * 1000
MAX_EVENTS = 200_000
"""A window with so many events or keys is flushed at once: this bounds memory."""


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """A key that was read and not yet written: its sums and since when it waits (milliseconds since 1970)."""

    first: int
    second: int
    events: int
    since_ms: int


Pending = dict[CountKey, Waiting]

_PENDING_ENCODER = msgspec.msgpack.Encoder()
_PENDING_DECODER = msgspec.msgpack.Decoder(list[tuple[int, str, int, int, int, int]])


@dataclass(frozen=True, slots=True)
class Split:
    """What the flush of one partition writes, and what it leaves pending."""

    rows: Mapping[CountKey, tuple[int, int]]
    pending: Pending


def encode_pending(pending: Pending) -> bytes:
    """The pending keys of a partition as they are stored."""
    return _PENDING_ENCODER.encode(
        [(key.subject, key.region, w.first, w.second, w.events, w.since_ms) for key, w in pending.items()]
    )


def decode_pending(body: bytes) -> Pending:
    """The inverse of `encode_pending`. Raises `msgspec.DecodeError` for anything else."""
    return {
        CountKey(subject, region): Waiting(first, second, events, since)
        for subject, region, first, second, events, since in _PENDING_DECODER.decode(body)
    }


@dataclass(frozen=True, slots=True)
class Load:
    """How much a flush would have to do."""

    events: int
    keys: int
    """Rows that it would write at most, what is pending included."""
    dirty: bool
    """Whether there is anything to write."""

    @classmethod
    def of(cls, windows: Iterable[Window], pendings: Iterable[Pending]) -> Load:
        """The load of windows that are flushed together."""
        opened = list(windows)
        waiting = list(pendings)
        return cls(
            events=sum(window.events for window in opened),
            keys=sum(
                len(window.counts) + len(window.states) + len(window.notices) + len(window.dead) for window in opened
            )
            + sum(len(pending) for pending in waiting),
            dirty=any(window.dirty for window in opened) or any(waiting),
        )


def fits(load: Load, age: float) -> bool:
    """Whether a window of ``age`` seconds may write a row for every key."""
    return load.keys <= ROWS_PER_SECOND * age


def due(load: Load, age: float) -> bool:
    """Whether windows that were opened ``age`` seconds ago should be flushed now."""
    if not load.dirty:
        return False
    if age >= MAX_SECONDS or load.events >= MAX_EVENTS:
        return True
    return age >= MIN_SECONDS and fits(load, age)


def split(
    window: Window, pending: Pending, *, everything: bool, now_ms: int, held: Collection[int] = frozenset()
) -> Split:
    """Which keys of ``window`` and of what it left pending before are written now: all, or the hot and the old ones.

    Keys of the subjects ``held`` stay pending whatever their age.
    """
    merged = pending.copy()
    for key, sums in window.counts.items():
        waiting = pending.get(key)
        if waiting is None:
            merged[key] = Waiting(sums.first, sums.second, sums.events, now_ms)
        else:
            merged[key] = Waiting(
                waiting.first + sums.first,
                waiting.second + sums.second,
                waiting.events + sums.events,
                waiting.since_ms,
            )
    rows: dict[CountKey, tuple[int, int]] = {}
    kept: Pending = {}
    for key, waiting in merged.items():
        ripe = everything or waiting.events >= HOT or now_ms - waiting.since_ms >= MAX_WAIT_MS
        if ripe and key.subject not in held:
            rows[key] = (waiting.first, waiting.second)
        else:
            kept[key] = waiting
    return Split(rows, kept)
