"""Overload: how many calls a service may have in flight, and who is turned away first. Pure; time is passed in.

The limit adapts to latency (gradient of the best seen to the present round trip, as Netflix's concurrency-limits
describe it, with its floor of 20); priorities get a share of it, so that playback is shed last. Retries have a budget of one in ten.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Final

from services.contracts.routes import Priority

SHARE = MappingProxyType({Priority.PLAYBACK: 1.0, Priority.READ: 0.9, Priority.WRITE: 0.8, Priority.REST: 0.7})
"""Part of the limit that a priority may fill."""


_TOLERANCE: Final = 1.5
"""How much longer than the best a round trip may be before the limit shrinks."""


class ConcurrencyLimit:
    """Adapts between ``low`` and ``high``. A window closes after ``window`` samples.

    The best round trip is measured anew every ``probe_every`` windows, with no more than ``low`` calls in flight. Letting
    it age instead would take a lasting overload for the new normal, and follow it up to ``high``.
    """

    __slots__ = (
        "_best",
        "_count",
        "_high",
        "_low",
        "_peak",
        "_probe_every",
        "_probing",
        "_sum",
        "_until_probe",
        "_window",
        "in_flight",
        "limit",
    )

    def __init__(
        self, initial: int = 64, low: int = 20, high: int = 1024, window: int = 64, probe_every: int = 100
    ) -> None:
        self._low, self._high, self._window = float(low), high, window
        self._probe_every = self._until_probe = probe_every
        # A process that starts into an overload must not take it for normal.
        self._probing = True
        self._best = math.inf
        self._sum = 0.0
        self._count = 0
        self._peak = 0
        self.limit = float(initial)
        self.in_flight = 0

    def try_enter(self, share: float) -> bool:
        """Takes a place if a priority with this ``share`` of the limit may still have one."""
        if self.in_flight >= (self._low if self._probing else self.limit) * share:
            return False
        self.in_flight += 1
        if self.in_flight > self._peak:
            self._peak = self.in_flight
        return True

    def leave(self, seconds: float | None) -> None:
        """Gives the place back. ``seconds``: the round trip, or None if the call says nothing about latency."""
        crowded = self.in_flight > self._low
        self.in_flight -= 1
        if seconds is None or (self._probing and crowded):
            return
        self._sum += seconds
        self._count += 1
        if self._count >= self._window:
            self._close_window()

    def dropped(self) -> None:
        """The service timed out or refused for overload: back off at once."""
        self.limit = max(self._low, self.limit * 0.9)

    def _close_window(self) -> None:
        mean = self._sum / self._count
        if self._probing:
            self._best = mean
            self._probing = False
            self._until_probe = self._probe_every
        else:
            self._best = min(mean, self._best)
            self._adapt(mean)
            self._until_probe -= 1
            self._probing = self._until_probe <= 0
        self._sum, self._count, self._peak = 0.0, 0, self.in_flight

    def _adapt(self, mean: float) -> None:
        gradient = max(0.5, min(1.0, _TOLERANCE * self._best / mean)) if mean > 0 else 1.0
        target = self.limit * gradient + math.sqrt(self.limit)
        if self._peak * 2 < self.limit:
            target = min(target, self.limit)
        self.limit = min(self._high, max(self._low, 0.8 * self.limit + 0.2 * target))


class RetryBudget:
    """One retry for ten requests, saved up to ``cap``. The gateway is the only one that retries."""

    __slots__ = ("_cap", "_ratio", "_tokens")

    def __init__(self, ratio: float = 0.1, cap: float = 20.0) -> None:
        self._ratio, self._cap, self._tokens = ratio, cap, 1.0

    def request(self) -> None:
        """Counts a first try."""
        self._tokens = min(self._cap, self._tokens + self._ratio)

    def try_retry(self) -> bool:
        """Whether a retry may be made; spends it."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
