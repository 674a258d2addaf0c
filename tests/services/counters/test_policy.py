"""The adaptive window, by a clock that the test sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.contracts import topics
from services.counters import policy
from services.counters.pending import Pending
from services.counters.policy import Load
from services.counters.window import CountKey, Partition, Sums, Window

NONE: frozenset[int] = frozenset()
VIEWS = Partition("mumbai", topics.VIEWS.name, 0)


def _window(counts: dict[int, int]) -> Window:
    window = Window(VIEWS, 0, {}, lambda _: True)
    window.counts = {CountKey(video, "mumbai"): Sums(views, 0, views) for video, views in counts.items()}
    window.events = sum(counts.values())
    window.next_offset = 1
    return window


def _load(events: int, keys: int) -> Load:
    return Load(events=events, keys=keys, dirty=True)


def test_a_quiet_platform_is_flushed_after_a_second() -> None:
    assert not policy.due(_load(3, 3), 0.9)
    assert policy.due(_load(3, 3), 1.0)


def test_nothing_is_flushed_when_there_is_nothing() -> None:
    assert not policy.due(Load(0, 0, dirty=False), 1_000.0)


def test_many_rows_keep_the_window_open_for_thirty_seconds() -> None:
    crowded = _load(100_000, 50_000)
    assert not policy.due(crowded, 29.9)
    assert policy.due(crowded, 30.0)


def test_memory_and_what_is_read_again_are_bounded_by_a_flush_at_once() -> None:
    assert policy.due(_load(policy.MAX_EVENTS, 1), 0.0)
    assert policy.due(Load(policy.MAX_KEYS, policy.MAX_KEYS, dirty=True, fresh=policy.MAX_KEYS), 0.0)
    assert not policy.due(Load(1, policy.MAX_KEYS, dirty=True, fresh=1), 0.0), "what waits is no reason"


def _flush(
    pending: Pending, counts: dict[int, int], *, everything: bool = False, now_ms: int = 0, held: frozenset[int] = NONE
) -> dict[CountKey, tuple[int, int]]:
    """The rows of one flush; ``pending`` is what waits afterwards."""
    part = policy.split(_window(counts), pending, everything=everything, now_ms=now_ms, held=held)
    if part.change is not None:
        pending.apply(part.change)
    return dict(part.rows)


def test_cold_keys_wait_and_hot_ones_are_written() -> None:
    pending = Pending()
    assert _flush(pending, {1: policy.HOT, 2: policy.HOT - 1}) == {CountKey(1, "mumbai"): (policy.HOT, 0)}
    assert list(pending.keys) == [CountKey(2, "mumbai")]


def test_a_cold_key_is_written_when_it_has_gathered_enough_or_waited_long_enough() -> None:
    pending = Pending()
    assert not _flush(pending, {1: 60, 2: 1})
    assert _flush(pending, {1: 40}, now_ms=1_000) == {CountKey(1, "mumbai"): (100, 0)}
    assert _flush(pending, {}, now_ms=policy.MAX_WAIT_MS) == {CountKey(2, "mumbai"): (1, 0)}
    assert not len(pending)


def test_a_clock_that_goes_back_keeps_nothing_waiting_for_longer_than_the_others() -> None:
    pending = Pending()
    _flush(pending, {1: 1}, now_ms=policy.MAX_WAIT_MS)
    _flush(pending, {2: 1}, now_ms=0)
    assert _flush(pending, {}, now_ms=2 * policy.MAX_WAIT_MS).keys() == {CountKey(1, "mumbai"), CountKey(2, "mumbai")}


def test_what_the_database_refuses_stays_pending_whatever_its_size_and_age() -> None:
    pending, held = Pending(), frozenset({1})
    written = _flush(pending, {1: policy.HOT, 2: policy.HOT}, everything=True, held=held)
    assert written == {CountKey(2, "mumbai"): (policy.HOT, 0)}
    assert not _flush(pending, {1: 1}, everything=True, now_ms=2 * policy.MAX_WAIT_MS, held=held)
    assert pending.keys[CountKey(1, "mumbai")].first == policy.HOT + 1


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.integers(1, 5), st.integers(1, 70), max_size=5), st.booleans(), st.integers(0, 10)
        ),
        max_size=20,
    )
)
def test_over_any_course_of_flushes_written_and_pending_add_up_to_what_came(
    course: list[tuple[dict[int, int], bool, int]],
) -> None:
    came: dict[int, int] = {}
    written: dict[int, int] = {}
    pending = Pending()
    now = 0
    for counts, everything, minutes in course:
        now += minutes * 60_000
        for video, views in counts.items():
            came[video] = came.get(video, 0) + views
        rows = _flush(pending, counts, everything=everything, now_ms=now)
        assert not set(rows) & set(pending.keys)
        for key, (views, _) in rows.items():
            written[key.subject] = written.get(key.subject, 0) + views
        assert all(now - waiting.since_ms < policy.MAX_WAIT_MS for waiting in pending.keys.values())
    for key, waiting in pending.keys.items():
        written[key.subject] = written.get(key.subject, 0) + waiting.first
    assert written == came
