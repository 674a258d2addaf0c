"""The two laws of limiting as pure functions over plain state: GCRA and the sliding log. Time is passed in.

They are what the Valkey script (``limit_script``) must agree with, what a test with a virtual clock checks it
against, and the local fallback when Valkey is away.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from services.contracts.limits import Limit


class Verdict:
    """The answer of a limiter. Times in seconds, rounded up where they are shown.

    ``retry_after``: until the next request may pass, 0 if this one passed; ``reset_after``: until the quota is whole.
    """

    __slots__ = ("allowed", "remaining", "reset_after", "retry_after")

    def __init__(self, allowed: bool, remaining: int, retry_after: float, reset_after: float) -> None:
        self.allowed = allowed
        self.remaining = remaining
        self.retry_after = retry_after
        self.reset_after = reset_after


_ROUNDING: Final = 1e-6
"""Seconds by which sums of intervals may miss the window."""


def gcra(limit: Limit, tat: float, now: float) -> tuple[Verdict, float]:
    """One request against the theoretical arrival time ``tat``; returns the verdict and the new one.

    The burst is ``limit.count``, refilled at one per ``window / count`` seconds. A refused request changes nothing.
    """
    interval = limit.window / limit.count
    tolerance = interval * limit.count
    new = max(tat, now) + interval
    spare = tolerance - (new - now)
    if spare < -_ROUNDING:
        return Verdict(False, 0, -spare, max(0.0, tat - now)), tat
    return Verdict(True, int(max(0.0, spare) / interval + 1e-9), 0.0, new - now), new


class LocalGcra:
    """GCRA in this process. Bounded: two generations of at most ``cap`` keys, of which the older is dropped whole."""

    __slots__ = ("_cap", "_old", "_young")

    def __init__(self, cap: int = 100_000) -> None:
        self._cap = cap
        self._young: dict[str, float] = {}
        self._old: dict[str, float] = {}

    def hit(self, key: str, limit: Limit, now: float) -> Verdict:
        """One request of ``key``."""
        return self.verdict(key, limit, now, self.take(key, limit.window / limit.count, limit.window, now))

    def take(self, key: str, interval: float, window: float, now: float) -> bool:
        """The same for a limit of one per ``interval`` with a burst of ``window / interval``: only whether it passes."""
        tat = self._young.get(key, 0.0) or self._old.get(key, 0.0)
        new = (tat if tat > now else now) + interval
        if new - now > window + _ROUNDING:
            return False
        self._young[key] = new
        if len(self._young) > self._cap:
            self._old, self._young = self._young, {}
        return True

    def verdict(self, key: str, limit: Limit, now: float, allowed: bool) -> Verdict:
        """What to tell the caller after `take` said ``allowed``."""
        tat = self._young.get(key, 0.0) or self._old.get(key, 0.0)
        interval = limit.window / limit.count
        spare = limit.window - (tat - now)
        if allowed:
            return Verdict(True, int(max(0.0, spare) / interval + 1e-9), 0.0, tat - now)
        return Verdict(False, 0, max(0.0, interval - spare), max(0.0, tat - now))


class LocalLog:
    """A sliding log in this process: never more than ``count`` reservations in any window.

    When full it refuses keys that it does not know, rather than forget one that is close to its limit.
    """

    __slots__ = ("_cap", "_logs")

    def __init__(self, cap: int = 100_000) -> None:
        self._cap = cap
        self._logs: dict[str, deque[tuple[float, str]]] = {}

    def reserve(self, key: str, member: str, limit: Limit, now: float) -> Verdict:
        """Takes a place for ``member``; it stays taken (a failure) unless it is released."""
        log = self._logs.get(key)
        if log is None:
            if len(self._logs) >= self._cap:
                self._forget(limit, now)
            if len(self._logs) >= self._cap:
                return Verdict(False, 0, float(limit.window), float(limit.window))
            log = self._logs[key] = deque()
        while log and log[0][0] <= now - limit.window:
            log.popleft()
        if len(log) >= limit.count:
            return Verdict(False, 0, log[0][0] + limit.window - now, log[-1][0] + limit.window - now)
        log.append((now, member))
        return Verdict(True, limit.count - len(log), 0.0, float(limit.window))

    def release(self, key: str, member: str) -> None:
        """The attempt of ``member`` succeeded: it does not count."""
        log = self._logs.get(key)
        if log is not None:
            self._logs[key] = deque(entry for entry in log if entry[1] != member)

    def _forget(self, limit: Limit, now: float) -> None:
        stale = [key for key, log in self._logs.items() if not log or log[-1][0] <= now - limit.window]
        for key in stale:
            del self._logs[key]
