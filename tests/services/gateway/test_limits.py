"""The two laws of limiting, over random histories with a virtual clock."""

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.limits import LIMITS, Limit
from services.contracts.routes import LimitClass
from services.gateway.limits import LocalGcra, LocalLog, gcra

GENERAL = LIMITS[LimitClass.GENERAL]
ATTEMPTS = LIMITS[LimitClass.AUTHENTICATION]
PAUSES = st.lists(st.floats(0, 400, allow_nan=False), min_size=1, max_size=300)


@given(PAUSES)
def test_gcra_never_admits_more_than_the_burst_and_what_was_refilled(pauses: list[float]) -> None:
    now, tat = 1000.0, 0.0
    admitted: list[float] = []
    for pause in pauses:
        now += pause
        verdict, tat = gcra(GENERAL, tat, now)
        if verdict.allowed:
            admitted.append(now)
    interval = GENERAL.window / GENERAL.count
    for start in range(len(admitted)):
        for end in range(start, len(admitted)):
            assert end - start + 1 <= GENERAL.count + (admitted[end] - admitted[start]) / interval + 1e-6


@given(PAUSES)
def test_waiting_as_long_as_told_is_always_enough(pauses: list[float]) -> None:
    now, tat = 1000.0, 0.0
    for pause in pauses:
        now += pause / 100
        verdict, tat = gcra(Limit(3, 60, "gcra"), tat, now)
        if not verdict.allowed:
            again, _ = gcra(Limit(3, 60, "gcra"), tat, now + verdict.retry_after + 1e-6)
            assert again.allowed


def test_a_fresh_caller_may_send_a_hundred_at_once_and_no_more() -> None:
    limiter = LocalGcra()
    verdicts = [limiter.hit("a", GENERAL, 0.0) for _ in range(101)]
    assert [v.allowed for v in verdicts] == [True] * 100 + [False]
    assert verdicts[0].remaining == 99
    assert 0 < verdicts[-1].retry_after <= 9


@given(st.lists(st.tuples(st.floats(0, 500, allow_nan=False), st.booleans()), max_size=200))
def test_the_log_never_holds_more_than_five_failures_in_any_quarter_of_an_hour(
    attempts: list[tuple[float, bool]],
) -> None:
    log = LocalLog()
    now = 0.0
    failures: list[float] = []
    for number, (pause, succeeds) in enumerate(attempts):
        now += pause
        if log.reserve("a", str(number), ATTEMPTS, now).allowed:
            if succeeds:
                log.release("a", str(number))
            else:
                failures.append(now)
    for i, first in enumerate(failures):
        assert sum(1 for at in failures[i:] if at < first + ATTEMPTS.window) <= ATTEMPTS.count


def test_a_full_log_refuses_unknown_keys_instead_of_forgetting() -> None:
    log = LocalLog(cap=2)
    for key in ("a", "b"):
        for number in range(5):
            assert log.reserve(key, str(number), ATTEMPTS, 0.0).allowed
    assert not log.reserve("c", "0", ATTEMPTS, 1.0).allowed
    assert not log.reserve("a", "9", ATTEMPTS, 1.0).allowed
    assert log.reserve("c", "0", ATTEMPTS, ATTEMPTS.window + 1.0).allowed
