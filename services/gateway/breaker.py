"""Circuit breaker: stops calling a service that fails, and finds out with a few probes when it is well again.

Pure: time is passed in, randomness is a parameter. One breaker per service and cell, local to the process (a shared
breaker would couple failures). CLOSED counts outcomes over a sliding window; OPEN refuses; HALF_OPEN hands out a few
permits with leases. A permit belongs to a generation: what an older generation reports is ignored, and a probe that
never reports counts as failed when its lease runs out, so no probe is ever leaked.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """The three states; the values are what the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Outcome(Enum):
    """How a call ended. Only faults of the service count against it."""

    SUCCESS = "success"
    FAILURE = "failure"
    """5xx, time-out, garbage."""
    CONNECT_FAILURE = "connect-failure"
    NEUTRAL = "neutral"
    """4xx, cancelled by the caller: gives the permit back, says nothing about the service."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """Numbers of a breaker. Ratio, minimum and window are Hystrix's defaults; five connect failures are Envoy's."""

    window_seconds: int = 10
    minimum_calls: int = 20
    failure_ratio: float = 0.5
    slow_seconds: float = 5.0
    slow_ratio: float = 0.8
    connect_failures: int = 5
    probes: int = 3
    lease_seconds: float = 10.0
    open_seconds: float = 5.0
    open_limit: float = 60.0
    jitter: float = 0.2


class Permit:
    """The right to make one call, given back exactly once through `Breaker.settle`. Only probes have a number."""

    __slots__ = ("generation", "number", "probe")

    def __init__(self, generation: int, number: int, probe: bool) -> None:
        self.generation = generation
        self.number = number
        self.probe = probe


class _Second:
    __slots__ = ("at", "calls", "failures", "slow")

    def __init__(self) -> None:
        self.at = -1
        self.calls = 0
        self.failures = 0
        self.slow = 0


class Breaker:
    """See the module. All times are seconds of one monotonic clock."""

    def __init__(self, policy: BreakerPolicy, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._policy = policy
        self._uniform = uniform
        self._seconds = [_Second() for _ in range(policy.window_seconds)]
        self._connect_failures = 0
        self._openings = 0
        self._reopen_at = 0.0
        self._leases: dict[int, float] = {}
        self._probe_successes = 0
        self._issued = 0
        self.state = State.CLOSED
        self.generation = 0
        # Calls in CLOSED are not told apart, so all of a generation share one permit.
        self._ordinary = Permit(0, 0, probe=False)
        self.transitions = 0

    def acquire(self, now: float) -> Permit | None:
        """A permit, or None if the call must not be made."""
        if self.state is State.OPEN:
            if now < self._reopen_at:
                return None
            self._enter(State.HALF_OPEN)
        if self.state is State.HALF_OPEN:
            if any(expiry <= now for expiry in self._leases.values()):
                self._open(now)
                return None
            if len(self._leases) + self._probe_successes >= self._policy.probes:
                return None
            self._issued += 1
            self._leases[self._issued] = now + self._policy.lease_seconds
            return Permit(self.generation, self._issued, probe=True)
        return self._ordinary

    def settle(self, permit: Permit, outcome: Outcome, seconds: float, now: float) -> None:
        """Reports how the call of ``permit`` ended after ``seconds``. A second report of a probe is ignored."""
        if permit.generation != self.generation:
            return
        if self.state is State.HALF_OPEN:
            if self._leases.pop(permit.number, None) is not None:
                self._settle_probe(outcome, now)
        elif self.state is State.CLOSED:
            self._count(outcome, seconds, now)

    def retry_after(self, now: float) -> float:
        """Seconds until a call may be tried again; 0 unless OPEN."""
        return max(0.0, self._reopen_at - now) if self.state is State.OPEN else 0.0

    def _settle_probe(self, outcome: Outcome, now: float) -> None:
        if outcome in (Outcome.FAILURE, Outcome.CONNECT_FAILURE):
            self._open(now)
        elif outcome is Outcome.SUCCESS:
            self._probe_successes += 1
            if self._probe_successes >= self._policy.probes:
                self._openings = 0
                self._enter(State.CLOSED)

    def _count(self, outcome: Outcome, seconds: float, now: float) -> None:
        if outcome is Outcome.NEUTRAL:
            return
        failed = outcome is not Outcome.SUCCESS
        self._connect_failures = self._connect_failures + 1 if outcome is Outcome.CONNECT_FAILURE else 0
        second = int(now)
        slot = self._seconds[second % len(self._seconds)]
        if slot.at != second:
            slot.at, slot.calls, slot.failures, slot.slow = second, 0, 0, 0
        slot.calls += 1
        slow = seconds >= self._policy.slow_seconds
        slot.failures += failed
        slot.slow += slow
        if (failed or slow) and self._should_open(second):
            self._open(now)

    def _should_open(self, second: int) -> bool:
        if self._connect_failures >= self._policy.connect_failures:
            return True
        oldest = second - len(self._seconds)
        recent = [slot for slot in self._seconds if slot.at > oldest]
        calls = sum(slot.calls for slot in recent)
        if calls < self._policy.minimum_calls:
            return False
        failures = sum(slot.failures for slot in recent)
        slow = sum(slot.slow for slot in recent)
        return failures >= calls * self._policy.failure_ratio or slow >= calls * self._policy.slow_ratio

    def _open(self, now: float) -> None:
        length = min(self._policy.open_seconds * 2**self._openings, self._policy.open_limit)
        spread = self._policy.jitter
        self._reopen_at = now + length * self._uniform(1 - spread, 1 + spread)
        self._openings = min(self._openings + 1, 16)
        self._enter(State.OPEN)

    def _enter(self, state: State) -> None:
        self.state = state
        self.generation += 1
        self._ordinary = Permit(self.generation, 0, probe=False)
        self.transitions += 1
        self._leases.clear()
        self._probe_successes = 0
        self._connect_failures = 0
        if state is State.CLOSED:
            for slot in self._seconds:
                slot.at = -1
