"""The breaker's laws, over random histories with a virtual clock."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.breaker import Breaker, BreakerPolicy, Outcome, Permit, State

POLICY = BreakerPolicy()


def breaker() -> Breaker:
    return Breaker(POLICY, uniform=lambda low, high: (low + high) / 2)


def trip(under_test: Breaker, now: float) -> None:
    for _ in range(POLICY.connect_failures):
        permit = under_test.acquire(now)
        assert permit is not None
        under_test.settle(permit, Outcome.CONNECT_FAILURE, 0.0, now)
    assert under_test.state is State.OPEN


def test_half_of_twenty_calls_failing_opens_it() -> None:
    under_test = breaker()
    for number in range(20):
        permit = under_test.acquire(1.0)
        assert permit is not None
        under_test.settle(permit, Outcome.FAILURE if number % 2 else Outcome.SUCCESS, 0.01, 1.0)
    assert under_test.state is State.OPEN


def test_slow_calls_open_it_although_they_succeed() -> None:
    under_test = breaker()
    for _ in range(20):
        permit = under_test.acquire(1.0)
        assert permit is not None
        under_test.settle(permit, Outcome.SUCCESS, POLICY.slow_seconds, 1.0)
    assert under_test.state is State.OPEN


@given(st.lists(st.sampled_from([Outcome.SUCCESS, Outcome.NEUTRAL]), max_size=200))
def test_neither_success_nor_the_callers_own_faults_ever_open_it(outcomes: list[Outcome]) -> None:
    under_test = breaker()
    for number, outcome in enumerate(outcomes):
        permit = under_test.acquire(number * 0.1)
        assert permit is not None
        under_test.settle(permit, outcome, 0.01, number * 0.1)
    assert under_test.state is State.CLOSED


def test_a_lost_probe_counts_as_failed_when_its_lease_ends() -> None:
    under_test = breaker()
    trip(under_test, 0.0)
    assert under_test.acquire(6.0) is not None
    assert under_test.acquire(6.0 + POLICY.lease_seconds) is None
    assert under_test.state is State.OPEN
    assert under_test.acquire(100.0) is not None


def test_three_good_probes_close_it_and_it_opens_for_longer_each_time() -> None:
    under_test = breaker()
    trip(under_test, 0.0)
    assert under_test.retry_after(0.0) == POLICY.open_seconds
    probe = under_test.acquire(5.0)
    assert probe is not None
    under_test.settle(probe, Outcome.FAILURE, 0.1, 5.0)
    assert under_test.retry_after(5.0) == 2 * POLICY.open_seconds
    probes = [under_test.acquire(15.0) for _ in range(POLICY.probes)]
    assert under_test.acquire(15.0) is None
    for permit in probes:
        assert permit is not None
        under_test.settle(permit, Outcome.SUCCESS, 0.1, 15.0)
    assert under_test.state is State.CLOSED


def test_a_neutral_probe_gives_its_permit_back() -> None:
    under_test = breaker()
    trip(under_test, 0.0)
    for _ in range(10 * POLICY.probes):
        permit = under_test.acquire(6.0)
        assert permit is not None
        under_test.settle(permit, Outcome.NEUTRAL, 0.1, 6.0)
    assert under_test.state is State.HALF_OPEN


@dataclass
class _Step:
    acquire: bool
    which: int
    outcome: Outcome
    pause: float


STEPS = st.lists(
    st.builds(
        _Step,
        acquire=st.booleans(),
        which=st.integers(0, 30),
        outcome=st.sampled_from(Outcome),
        pause=st.sampled_from([0.0, 0.1, 1.0, 6.0, 15.0]),
    ),
    max_size=120,
)


@given(STEPS)
def test_probes_never_exceed_their_number_and_it_always_recovers(steps: list[_Step]) -> None:
    under_test = breaker()
    now = 0.0
    held: list[Permit] = []
    for step in steps:
        now += step.pause
        if step.acquire or not held:
            permit = under_test.acquire(now)
            if permit is not None:
                held.append(permit)
            live = [p for p in held if p.probe and p.generation == under_test.generation]
            assert len(live) <= POLICY.probes or under_test.state is not State.HALF_OPEN
        else:
            permit = held.pop(step.which % len(held))
            before = under_test.generation
            under_test.settle(permit, step.outcome, 0.01, now)
            if permit.generation != before:
                assert under_test.generation == before
    for _ in range(4 * POLICY.probes):
        now += POLICY.open_limit * 2
        permit = under_test.acquire(now)
        if permit is not None:
            under_test.settle(permit, Outcome.SUCCESS, 0.01, now)
    assert under_test.state is State.CLOSED
