"""The adaptive limit and the shedding, simulated against a service with a queue on a virtual clock."""

import heapq
import random
import statistics
from dataclasses import dataclass

from services.contracts.routes import Priority
from services.gateway.overload import SHARE, ConcurrencyLimit

PLACES = 20
SECONDS_EACH = 0.010


@dataclass
class Outcome:
    admitted: int
    shed: int
    round_trips: list[float]
    largest: float

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.round_trips, n=100)[98]


def _simulate(rate: float, seconds: float, limit: ConcurrencyLimit, share: float = 1.0) -> Outcome:
    """Poisson arrivals at ``rate`` for a service of 20 places of 10 ms with a queue behind them."""
    random_ = random.Random(7)
    free = [0.0] * PLACES
    done: list[tuple[float, float]] = []
    outcome = Outcome(0, 0, [], 0.0)
    now = 0.0
    while now < seconds:
        now += random_.expovariate(rate)
        while done and done[0][0] <= now:
            end, start = heapq.heappop(done)
            limit.leave(end - start)
            if end > seconds / 4:
                outcome.round_trips.append(end - start)
        outcome.largest = max(outcome.largest, limit.limit)
        if not limit.try_enter(share):
            outcome.shed += now > seconds / 4
            continue
        begins = max(now, heapq.heappop(free))
        heapq.heappush(free, begins + SECONDS_EACH)
        heapq.heappush(done, (begins + SECONDS_EACH, now))
        outcome.admitted += now > seconds / 4
    return outcome


def test_at_ten_times_the_capacity_the_service_stays_busy_and_the_admitted_stay_fast() -> None:
    half = _simulate(1000, 8, ConcurrencyLimit())
    over = _simulate(20_000, 8, ConcurrencyLimit())
    capacity = PLACES / SECONDS_EACH
    assert over.admitted / 6 >= 0.9 * capacity
    assert over.p99 <= 3 * half.p99
    assert over.largest < 200


def test_below_the_capacity_nobody_is_shed() -> None:
    assert _simulate(1000, 8, ConcurrencyLimit()).shed == 0


def test_a_service_that_becomes_slower_for_good_is_used_again_in_the_end() -> None:
    limit = ConcurrencyLimit()
    for _ in range(64 * 200):
        if limit.try_enter(1.0):
            limit.leave(0.001)
    for _ in range(64 * 400):
        entered = sum(limit.try_enter(1.0) for _ in range(32))
        for _ in range(entered):
            limit.leave(0.05)
    assert limit.limit >= 30


def test_playback_is_shed_last() -> None:
    limit = ConcurrencyLimit(initial=100)
    # The first window measures the best round trip, with few calls.
    for _ in range(64):
        assert limit.try_enter(1.0)
        limit.leave(0.01)
    refused: list[Priority] = []
    for _ in range(200):
        for priority in sorted(Priority, key=lambda one: SHARE[one]):
            if priority not in refused and not limit.try_enter(SHARE[priority]):
                refused.append(priority)
    assert refused == [Priority.REST, Priority.WRITE, Priority.READ, Priority.PLAYBACK]


def test_calls_that_took_no_time_at_all_do_not_break_the_limit() -> None:
    limit = ConcurrencyLimit()
    for _ in range(1000):
        assert limit.try_enter(1.0)
        limit.leave(0.0)
