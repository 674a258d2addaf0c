from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.replicas import MAX_AWAY_SECONDS, MAX_LAG_SECONDS, LagMeter, format_lsn, parse_lsn


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(0, 2**64 - 1))
def test_a_log_position_comes_back_as_it_was(position: int) -> None:
    assert parse_lsn(format_lsn(position)) == position


@pytest.mark.parametrize("text", ["", "/", "1/", "/1", "x/1", "1/123456789"])
def test_what_is_no_log_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_lsn(text)


@given(st.lists(st.tuples(st.floats(0.01, 1), st.integers(0, 100)), min_size=1, max_size=30), st.floats(0.01, 60))
def test_a_replica_that_stands_still_lags_by_the_age_of_the_first_write_it_lacks_when_the_writer_last_answered(
    steps: list[tuple[float, int]], wait: float
) -> None:
    clock = Clock()
    meter = LagMeter(1, clock)
    meter.writer_at(1000)
    meter.replica_at(0, 1000)
    position, first_missed = 1000, None
    for seconds, written in steps:
        clock.now += seconds
        position += written
        meter.writer_at(position)
        if written and first_missed is None:
            first_missed = clock.now
    expected = 0.0 if first_missed is None else clock.now - first_missed
    assert meter.lag(0) == pytest.approx(expected)
    meter.writer_silent()
    clock.now += wait
    assert meter.lag(0) == pytest.approx(expected), "a dead writer makes no lag"


def test_an_idle_writer_makes_no_lag() -> None:
    clock = Clock()
    meter = LagMeter(1, clock)
    for _ in range(100):
        clock.now += 1
        meter.writer_at(7)
        meter.replica_at(0, 7)

    assert meter.lag(0) == 0
    assert meter.usable(0)


def test_a_replica_whose_stream_is_cut_is_left_out_and_comes_back_when_it_has_caught_up() -> None:
    clock = Clock()
    meter = LagMeter(2, clock)
    for second in range(int(MAX_LAG_SECONDS) + 3):
        clock.now = float(second)
        meter.writer_at(100 + second)
        meter.replica_at(0, 100)
        meter.replica_at(1, 100 + second)

    assert (meter.usable(0), meter.usable(1)) == (False, True)
    meter.replica_at(0, 100 + second)
    assert meter.usable(0)


def test_a_replica_that_does_not_answer_or_was_not_asked_lately_is_left_out() -> None:
    clock = Clock()
    meter = LagMeter(2, clock)
    meter.writer_at(5)
    meter.replica_at(0, None)
    meter.replica_at(1, 5)

    assert (meter.usable(0), meter.usable(1)) == (False, True)
    clock.now += 3
    assert not meter.usable(1)


def test_a_writer_that_went_back_in_its_log_makes_all_measurements_void() -> None:
    meter = LagMeter(1, Clock())
    meter.writer_at(100)
    meter.replica_at(0, 100)
    meter.writer_at(50)

    assert meter.lag(0) is None


def test_while_the_writer_is_silent_replicas_are_as_good_as_they_were_for_a_bounded_time() -> None:
    clock = Clock()
    meter = LagMeter(2, clock)
    for second in range(int(MAX_LAG_SECONDS) + 3):
        clock.now = float(second)
        meter.writer_at(100 + second)
        meter.replica_at(0, 100)
    while meter.silence <= MAX_AWAY_SECONDS:
        meter.writer_silent()
        # The second replica lacks the last write.
        meter.replica_at(0, 100)
        meter.replica_at(1, 99 + second)
        assert (meter.usable(0), meter.usable(1)) == (False, True)
        clock.now += 50

    meter.replica_at(1, 99 + second)
    assert not meter.usable(1)
    meter.writer_at(100 + second)
    assert (meter.silence, meter.usable(1)) == (0, False), "by then it lacks that write for long"
    meter.replica_at(1, 100 + second)
    assert meter.usable(1)


def test_of_a_writer_that_was_never_heard_any_replica_that_answers_will_do() -> None:
    meter = LagMeter(2, Clock())
    meter.replica_at(0, 5)
    meter.replica_at(1, None)
    assert not meter.usable(0), "the writer may answer yet"

    meter.writer_silent()
    assert (meter.usable(0), meter.usable(1)) == (True, False)
