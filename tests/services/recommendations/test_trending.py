from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from services.recommendations import trending
from services.recommendations.trending import HALF_LIFE_SECONDS, NOTHING, Totals

NOW = 1_800_000_000.0
times = st.floats(min_value=NOW, max_value=NOW + 10 * 365 * 86_400)
amounts = st.floats(min_value=0.5, max_value=1e9)
counts = st.integers(min_value=0, max_value=2**40)


@given(amounts, times)
def test_what_was_just_added_is_the_rate(amount: float, at: float) -> None:
    assert math.isclose(trending.rate(trending.add(NOTHING, amount, at), at), amount, rel_tol=1e-6)


@given(amounts, times)
def test_the_rate_halves_in_six_hours(amount: float, at: float) -> None:
    weight = trending.add(NOTHING, amount, at)

    assert math.isclose(trending.rate(weight, at + HALF_LIFE_SECONDS), amount / 2, rel_tol=1e-6)


@given(st.lists(st.tuples(amounts, times), min_size=2, max_size=8))
def test_the_order_in_which_events_are_taken_in_does_not_matter(events: list[tuple[float, float]]) -> None:
    def total(order: list[tuple[float, float]]) -> float:
        weight = NOTHING
        for amount, at in order:
            weight = trending.add(weight, amount, at)
        return weight

    assert math.isclose(total(events), total(events[::-1]), rel_tol=1e-9)
    assert math.isclose(total(events), total(sorted(events)), rel_tol=1e-9)


@given(amounts, amounts, times, times, times)
def test_the_order_of_two_videos_by_weight_is_that_by_rate_at_any_time(
    a: float, b: float, at_a: float, at_b: float, now: float
) -> None:
    first, second = trending.add(NOTHING, a, at_a), trending.add(NOTHING, b, at_b)

    if trending.rate(first, now) > trending.rate(second, now):
        assert first > second


@given(counts, counts, counts, counts)
def test_a_count_that_goes_down_adds_nothing(a: int, b: int, c: int, d: int) -> None:
    gained = trending.gain(Totals(a, c, 0), Totals(b, d, 0))

    assert gained == max(b - a, 0) + trending.LIKE_WEIGHT * max(d - c, 0)
    assert trending.add(5.0, 0.0, NOW) == 5.0
