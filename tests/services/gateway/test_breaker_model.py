"""Every history of the breaker up to a depth, explored on the code itself with small numbers.

States that behave alike are visited once (times are taken relative to now). In each: at most the allowed number of
live probes is out, a permit of an older generation changes nothing, and the breaker is never stuck: whatever is held
and never given back, a call is let through again after finitely many seconds.
"""

from collections import deque
from dataclasses import dataclass

from services.gateway.breaker import Breaker, BreakerPolicy, Outcome, Permit, State

POLICY = BreakerPolicy(
    window_seconds=2,
    minimum_calls=2,
    failure_ratio=0.5,
    connect_failures=2,
    probes=2,
    lease_seconds=2.0,
    open_seconds=1.0,
    open_limit=2.0,
)
MAX_HELD = 2
MAX_CALLS = 3
MAX_STATES = 60_000


@dataclass
class World:
    breaker: Breaker
    now: float
    held: list[Permit]

    def key(self) -> tuple[object, ...]:
        inner = self.breaker
        now = self.now
        return (
            inner.state,
            max(0.0, inner._reopen_at - now),
            # From the second opening on the time is the limit: more openings behave alike.
            min(inner._openings, 2),
            inner._connect_failures,
            inner._probe_successes,
            tuple(sorted(max(0.0, expiry - now) for expiry in inner._leases.values())),
            tuple(
                (int(now) - slot.at, slot.calls, slot.failures)
                for slot in inner._seconds
                if int(now) - slot.at < POLICY.window_seconds
            ),
            tuple(sorted(_held(inner, permit) for permit in self.held)),
        )


def _copy(world: World) -> World:
    """A world of its own. By hand: `copy` knows nothing of compiled classes."""
    inner, twin = world.breaker, Breaker(POLICY, uniform=_middle)
    twin.state = inner.state
    twin.generation = inner.generation
    twin.transitions = inner.transitions
    twin._connect_failures = inner._connect_failures
    twin._openings = inner._openings
    twin._reopen_at = inner._reopen_at
    twin._leases = dict(inner._leases)
    twin._probe_successes = inner._probe_successes
    twin._issued = inner._issued
    twin._ordinary = inner._ordinary
    for ours, theirs in zip(twin._seconds, inner._seconds, strict=True):
        ours.at, ours.calls, ours.failures, ours.slow = theirs.at, theirs.calls, theirs.failures, theirs.slow
    return World(twin, world.now, list(world.held))


def _middle(low: float, high: float) -> float:
    return (low + high) / 2


def _held(inner: Breaker, permit: Permit) -> str:
    if permit.generation != inner.generation:
        return "of an older generation"
    return "leased" if permit.number in inner._leases else "free"


def _steps(world: World) -> list[World]:
    result = []
    later = _copy(world)
    later.now += 1.0
    result.append(later)
    calls = sum(s.calls for s in world.breaker._seconds if int(world.now) - s.at < POLICY.window_seconds)
    if len(world.held) + calls < MAX_HELD + MAX_CALLS and len(world.held) < MAX_HELD:
        asked = _copy(world)
        permit = asked.breaker.acquire(asked.now)
        if permit is not None:
            asked.held.append(permit)
        result.append(asked)
    for index in range(len(world.held)):
        for outcome in Outcome:
            settled = _copy(world)
            given = settled.held.pop(index)
            before = settled.key()[:-1]
            stale = given.generation != settled.breaker.generation
            settled.breaker.settle(given, outcome, 0.0, settled.now)
            assert not stale or settled.key()[:-1] == before, "a permit of an older generation changed the state"
            result.append(settled)
    return result


def _check(world: World) -> None:
    live = [p for p in world.held if p.probe and p.generation == world.breaker.generation]
    if world.breaker.state is State.HALF_OPEN:
        assert len(live) <= POLICY.probes
        assert len(world.breaker._leases) + world.breaker._probe_successes <= POLICY.probes
    patient = _copy(world)
    for _ in range(12):
        if patient.breaker.acquire(patient.now) is not None:
            return
        patient.now += 1.0
    raise AssertionError(f"stuck in {world.breaker.state} with {world.held}")


def test_no_history_leaks_a_probe_or_leaves_the_breaker_stuck() -> None:
    start = World(Breaker(POLICY, uniform=_middle), 100.0, [])
    seen = {start.key()}
    queue = deque([start])
    states = {State.CLOSED: 0, State.HALF_OPEN: 0, State.OPEN: 0}
    while queue and len(seen) < MAX_STATES:
        world = queue.popleft()
        _check(world)
        states[world.breaker.state] += 1
        for following in _steps(world):
            key = following.key()
            if key not in seen:
                seen.add(key)
                queue.append(following)
    assert not queue, f"the state space is larger than {MAX_STATES}: lower MAX_HELD or the policy's numbers"
    assert all(states.values())


def test_a_copied_world_is_equal_and_apart() -> None:
    world = World(Breaker(POLICY, uniform=_middle), 100.0, [])
    for _ in range(2):
        permit = world.breaker.acquire(world.now)
        assert permit is not None
        world.breaker.settle(permit, Outcome.CONNECT_FAILURE, 0.0, world.now)
    twin = _copy(world)
    assert twin.key() == world.key()
    names = [name for name in dir(Breaker) if not name.startswith("__") and not callable(getattr(Breaker, name))]
    names += [name for name in getattr(world.breaker, "__dict__", {}) if name != "_seconds"]
    for name in names:
        if name != "_seconds":
            assert getattr(twin.breaker, name) == getattr(world.breaker, name), name
    twin.now = 102.0
    assert twin.breaker.acquire(twin.now) is not None
    assert world.breaker.state is State.OPEN
