"""The adaptive window, by a clock that the test sets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.contracts import topics
from services.counters import policy
from services.counters.policy import Load, Waiting
from services.counters.window import CountKey, Partition, Sums, Window

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


def test_memory_is_bounded_by_a_flush_at_once() -> None:
    assert policy.due(_load(policy.MAX_EVENTS, 1), 0.0)


def test_cold_keys_wait_and_hot_ones_are_written() -> None:
    part = policy.split(_window({1: policy.HOT, 2: policy.HOT - 1}), {}, everything=False, now_ms=0)
    assert part.rows == {CountKey(1, "mumbai"): (policy.HOT, 0)}
    assert list(part.pending) == [CountKey(2, "mumbai")]


def test_a_cold_key_is_written_when_it_has_gathered_enough_or_waited_long_enough() -> None:
    first = policy.split(_window({1: 60, 2: 1}), {}, everything=False, now_ms=0)
    second = policy.split(_window({1: 40}), first.pending, everything=False, now_ms=1_000)
    assert second.rows == {CountKey(1, "mumbai"): (100, 0)}
    third = policy.split(_window({}), second.pending, everything=False, now_ms=policy.MAX_WAIT_MS)
    assert third.rows == {CountKey(2, "mumbai"): (1, 0)}
    assert not third.pending


def test_what_the_database_refuses_stays_pending_whatever_its_size_and_age() -> None:
    first = policy.split(_window({1: policy.HOT, 2: policy.HOT}), {}, everything=True, now_ms=0, held={1})
    assert first.rows == {CountKey(2, "mumbai"): (policy.HOT, 0)}
    later = policy.split(_window({1: 1}), first.pending, everything=True, now_ms=2 * policy.MAX_WAIT_MS, held={1})
    assert not later.rows
    assert later.pending[CountKey(1, "mumbai")].first == policy.HOT + 1


_KEY = st.builds(CountKey, st.integers(1, 2**63 - 1), st.sampled_from(["mumbai", "oregon"]))
_WAITING = st.builds(Waiting, st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 99), st.integers(0, 2**50))


@given(st.dictionaries(_KEY, _WAITING, max_size=50))
def test_what_is_pending_is_read_as_it_was_stored(pending: policy.Pending) -> None:
    assert policy.decode_pending(policy.encode_pending(pending)) == pending


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
    pending: policy.Pending = {}
    now = 0
    for counts, everything, minutes in course:
        now += minutes * 60_000
        for video, views in counts.items():
            came[video] = came.get(video, 0) + views
        part = policy.split(_window(counts), pending, everything=everything, now_ms=now)
        assert not set(part.rows) & set(part.pending)
        for key, (views, _) in part.rows.items():
            written[key.subject] = written.get(key.subject, 0) + views
        pending = policy.decode_pending(policy.encode_pending(part.pending))
        assert all(now - waiting.since_ms < policy.MAX_WAIT_MS for waiting in pending.values())
    for key, waiting in pending.items():
        written[key.subject] = written.get(key.subject, 0) + waiting.first
    assert written == came
