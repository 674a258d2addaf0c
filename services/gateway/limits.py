"""The two laws of limiting as pure functions over plain state: GCRA and the sliding log. Time is passed in.

They are what the Valkey script (``limit_script``) must agree with, what a test with a virtual clock checks it
against, and the local fallback when Valkey is away.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from services.contracts.limits import Limit


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a limiter. Times in seconds, rounded up where they are shown."""

    allowed: bool
    remaining: int
    retry_after: float
    """Until the next request may pass; 0 if this one passed."""
    reset_after: float
    """Until the quota is whole again."""


def gcra(limit: Limit, tat: float, now: float) -> tuple[Verdict, float]:
    """One request against the theoretical arrival time ``tat``; returns the verdict and the new one.

    The burst is ``limit.count``, refilled at one per ``window / count`` seconds. A refused request changes nothing.
    """
    interval = limit.window / limit.count
    tolerance = interval * limit.count
    new = max(tat, now) + interval
    spare = tolerance - (new - now)
    if spare < 0:
        return Verdict(False, 0, -spare, max(0.0, tat - now)), tat
    return Verdict(True, int(spare / interval + 1e-9), 0.0, new - now), new


class LocalGcra:
    """GCRA in this process. Bounded; the state that expires first goes first."""

    __slots__ = ("_cap", "_tats")

    def __init__(self, cap: int = 100_000) -> None:
        self._cap = cap
        self._tats: OrderedDict[str, float] = OrderedDict()

    def hit(self, key: str, limit: Limit, now: float) -> Verdict:
        """One request of ``key``."""
        verdict, tat = gcra(limit, self._tats.get(key, 0.0), now)
        self._tats[key] = tat
        self._tats.move_to_end(key)
        if len(self._tats) > self._cap:
            self._tats.popitem(last=False)
        return verdict


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
