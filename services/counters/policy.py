"""When a window is flushed, and which of its keys get a row. Pure; the clock is an argument.

The window adapts in two ways. Time: as long as a flush would write few rows, it is flushed after a second, so a quiet
platform feels live; under load it stays open for 30 seconds. Keys: when a full window has more keys than its row
budget, cold ones wait as pending until they have `HOT` events or are `MAX_WAIT_MS` old, which is what keeps rows at
one per hundred events in a long-tailed catalogue.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from services.counters.pending import Change, Pending
from services.counters.window import CountKey, Sums, Window

MIN_SECONDS = 1.0
MAX_SECONDS = 30.0
ROWS_PER_SECOND = 200
"""Rows that one window may write per second of its age without being held back; a quiet platform stays below."""
HOT = 100
"""Events at which a key is written in any flush."""
MAX_WAIT_MS = 15 * 60 * 1000
MAX_EVENTS = 500_000
"""A window with so many events is flushed at once: this bounds what is read again after a crash."""
MAX_KEYS = 100_000
"""A window with so many keys is flushed at once: this bounds memory, at about 300 bytes a key."""


@dataclass(frozen=True, slots=True)
class Split:
    """What the flush of one partition writes, and what it changes in what is pending."""

    rows: Mapping[CountKey, tuple[int, int]]
    change: Change | None
    """None: what is pending stays as it is."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much a flush would have to do."""

    events: int
    keys: int
    """Rows that it would write at most, what is pending included."""
    dirty: bool
    """Whether there is anything to write."""
    fresh: int = 0
    """Keys of the windows alone: what they hold in memory."""

    @classmethod
    def of(cls, windows: Iterable[Window], pendings: Iterable[Pending]) -> Load:
        """The load of windows that are flushed together."""
        opened = list(windows)
        waiting = sum(map(len, pendings))
        fresh = sum(
            len(window.counts) + len(window.states) + len(window.notices) + len(window.dead) for window in opened
        )
        return cls(
            events=sum(window.events for window in opened),
            keys=fresh + waiting,
            dirty=waiting > 0 or any(window.dirty for window in opened),
            fresh=fresh,
        )


def fits(load: Load, age: float) -> bool:
    """Whether a window of ``age`` seconds may write a row for every key."""
    return load.keys <= ROWS_PER_SECOND * age


def due(load: Load, age: float) -> bool:
    """Whether windows that were opened ``age`` seconds ago should be flushed now."""
    if not load.dirty:
        return False
    if age >= MAX_SECONDS or load.events >= MAX_EVENTS or load.fresh >= MAX_KEYS:
        return True
    return age >= MIN_SECONDS and fits(load, age)


def split(
    window: Window, pending: Pending, *, everything: bool, now_ms: int, held: Collection[int] = frozenset()
) -> Split:
    """Which keys of ``window`` and of what it left pending before are written now: all, or the hot and the old ones.

    Keys of the subjects ``held`` stay pending whatever their age.
    """
    now_ms = max(now_ms, pending.newest_ms)
    ripe_since = now_ms - MAX_WAIT_MS
    rows: dict[CountKey, tuple[int, int]] = {}
    added: dict[CountKey, Sums] = {}
    gone: list[CountKey] = []
    known = pending.keys
    for key, sums in window.counts.items():
        waiting = known.get(key)
        if key.subject in held:
            added[key] = sums
        elif waiting is None:
            if everything or sums.events >= HOT:
                rows[key] = (sums.first, sums.second)
            else:
                added[key] = sums
        elif everything or waiting.events + sums.events >= HOT or waiting.since_ms <= ripe_since:
            rows[key] = (waiting.first + sums.first, waiting.second + sums.second)
            gone.append(key)
        else:
            added[key] = sums
    for key, waiting in known.items():
        if not everything and waiting.since_ms > ripe_since:
            # Keys stand in the order in which they began to wait.
            break
        if key not in rows and key.subject not in held:
            rows[key] = (waiting.first, waiting.second)
            gone.append(key)
    return Split(rows, pending.change(added, gone, now_ms))
