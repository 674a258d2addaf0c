"""The simulation follows the product's policy: the same keys are written in the same flush, and its laws hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.events import simulation
from bench.events.simulation import Case, Place, Wal, interval, places, ripe, sample, simulate
from regions.loads import HEADLINE
from services.contracts.events import PACK_EVENTS
from services.contracts.topics import COMMENTS, LIKES, VIEWS
from services.counters import policy
from services.counters.pending import Pending
from services.counters.window import CountKey, Partition, Sums, Window

WAL = Wal(flush=600, count_row=150, state_row=220, mark=130, position=110, pending_byte=0.5, single=700)
ONE = (Place("here", 1.0, 4, 3, 4),)


def window(counts: dict[CountKey, Sums]) -> Window:
    opened = Window(Partition("mumbai", VIEWS.name, 0), 0, {}, lambda subject: True)
    opened.counts = counts
    return opened


@given(
    steps=st.lists(st.lists(st.integers(0, 150), min_size=6, max_size=6), min_size=1, max_size=40),
    pause=st.integers(1, 400),
)
def test_the_keys_that_get_a_row_are_those_that_the_policy_writes(steps: list[list[int]], pause: int) -> None:
    waiting, since = np.zeros(6), np.zeros(6)
    pending = Pending()
    for number, came in enumerate(steps, start=1):
        now_ms = number * pause * 1_000
        counts = {CountKey(key, "mumbai"): Sums(count, 0, count) for key, count in enumerate(came) if count}
        part = policy.split(window(counts), pending, everything=False, now_ms=now_ms)
        written = ripe(waiting, since, np.array(came), float(now_ms))
        assert {key.subject for key in part.rows} == set(np.flatnonzero(written).tolist())
        if part.change is not None:
            pending.apply(part.change)
        assert {key.subject: entry.events for key, entry in pending.keys.items()} == {
            int(key): int(waiting[key]) for key in np.flatnonzero(waiting)
        }


@given(catalogue=st.integers(1, 5_000_000), skew=st.floats(0.5, 1.5))
@settings(max_examples=40)
def test_a_sample_of_ranks_stands_for_the_whole_catalogue(catalogue: int, skew: float) -> None:
    chosen = sample(catalogue, skew)
    assert math.isclose(chosen.stands_for.sum(), catalogue)
    assert math.isclose(chosen.chance @ chosen.stands_for, 1.0)
    assert np.all(np.diff(chosen.chance) <= 1e-15)


def test_sampling_changes_little_against_every_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(VIEWS.name, 20_000, 1.0, True, 20_000.0)
    sampled = simulate(case, WAL, over=ONE)
    monkeypatch.setattr(simulation, "EXACT", 20_000)
    exact = simulate(case, WAL, over=ONE)
    assert math.isclose(sampled.rows, exact.rows, rel_tol=0.03)
    assert math.isclose(sampled.wal, exact.wal, rel_tol=0.03)


def test_a_fixed_window_writes_a_row_for_each_key_that_it_met() -> None:
    case = Case(VIEWS.name, 50, 0.0, False, 1_000.0)
    found = simulate(case, WAL, over=ONE)
    # All 50 keys are met in each 30 s of 30,000 events.
    assert math.isclose(found.count_rows, 50 / 30_000 * 1e6, rel_tol=1e-6)
    assert found.pending_bytes == 0
    assert math.isclose(found.transactions, ONE[0].units / 30_000 * 1e6, rel_tol=1e-6)


@given(catalogue=st.sampled_from([1_000, 30_000]), skew=st.sampled_from([0.8, 1.1]))
@settings(max_examples=8, deadline=None)
def test_waiting_never_writes_more_count_rows_than_a_key_may_cost(catalogue: int, skew: float) -> None:
    case = Case(VIEWS.name, catalogue, skew, True, 500_000.0)
    found = simulate(case, WAL, over=ONE)
    # A row has a hundred events behind it, or is the one of its key in a quarter of an hour.
    by_age = catalogue / (case.load * policy.MAX_WAIT_MS / 1_000) * 1e6
    assert found.count_rows <= 1e6 / policy.HOT + by_age * 1.05
    assert found.rows >= found.count_rows + found.transactions


def test_windows_of_few_events_close_after_a_second_and_full_ones_when_they_are_full() -> None:
    chosen = sample(1_000_000, 1.0)
    assert interval(100 * chosen.chance, chosen, 1, 100.0, 0.0) == policy.MIN_SECONDS
    # Events that fill it in ten seconds.
    assert interval(20_000 * chosen.chance, chosen, 1, policy.MAX_EVENTS / 10, 0.0) == 10.0
    assert interval(2_000 * chosen.chance, chosen, 1, 2_000.0, 0.0) == policy.MAX_SECONDS


@pytest.mark.parametrize("topic", [LIKES.name, COMMENTS.name])
def test_a_state_costs_its_own_row_and_shares_only_its_count(topic: str) -> None:
    found = simulate(Case(topic, 10_000, 1.0, True, 500.0), WAL, over=ONE)
    assert found.rows > 1e6
    assert found.rows - 1e6 > found.count_rows
    assert found.pending_bytes == 0


def test_the_fill_of_a_record_grows_with_the_load_up_to_a_full_pack() -> None:
    place = places()[0]
    fills = [place.fill(load) for load in (1.0, HEADLINE.events, HEADLINE.events * 100)]
    assert fills == sorted(fills)
    assert math.isclose(fills[0], HEADLINE.events / HEADLINE.beacon_rps, rel_tol=0.01)
    assert fills[-1] == PACK_EVENTS
    assert 10 < simulation.headline_fill() < PACK_EVENTS


def test_regions_share_all_visitors() -> None:
    assert math.isclose(sum(place.visitors for place in places()), 1.0)
