"""What is pending, as its stored parts give it again after any course of flushes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.counters import pending as module
from services.counters.pending import LEGACY, Change, Pending
from services.counters.window import CountKey, Sums

HERE = "mumbai"
_KEY = st.builds(CountKey, st.integers(1, 8), st.sampled_from([HERE, "oregon"]))
_FLUSH = st.tuples(
    st.dictionaries(
        _KEY, st.builds(Sums, st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 99)), max_size=4
    ),
    st.sets(st.integers(0, 7), max_size=4),
    st.integers(0, 5),
)


class Parts:
    """The rows of one partition, changed as a flush changes them."""

    def __init__(self) -> None:
        self.rows: dict[int, bytes] = {}

    def store(self, change: Change) -> None:
        self.rows = {number: body for number, body in self.rows.items() if number >= change.keep_from}
        if change.body is not None:
            assert change.number not in self.rows
            self.rows[change.number] = change.body

    def read(self) -> Pending:
        return Pending.read(sorted(self.rows.items()))


@given(st.lists(_FLUSH, max_size=30), st.integers(1, 6))
def test_stored_parts_give_what_waits_after_any_course_of_flushes(
    course: list[tuple[dict[CountKey, Sums], set[int], int]], most: int
) -> None:
    waits, parts, now = Pending(), Parts(), 1_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_PARTS", most)
        for added, places, later in course:
            now += later
            gone = [key for place, key in enumerate(waits.keys) if place in places and key not in added]
            expected = {key: (one.first, one.second, one.events) for key, one in waits.keys.items() if key not in gone}
            for key, sums in added.items():
                before = expected.get(key, (0, 0, 0))
                expected[key] = (before[0] + sums.first, before[1] + sums.second, before[2] + sums.events)

            change = waits.change(added, gone, now)
            if change is None:
                continue
            parts.store(change)
            waits.apply(change)

            found = parts.read()
            assert {key: (one.first, one.second, one.events) for key, one in waits.keys.items()} == expected
            assert found.keys == waits.keys, "also since when"
            assert bool(parts.rows) == bool(waits.keys)
            assert len(parts.rows) <= most + 1
            if parts.rows:
                assert (found.number, found.oldest) == (waits.number, waits.oldest)
            for keys in (waits.keys, found.keys):
                ages = [(one.since_ms, one.number) for one in keys.values()]
                assert ages == sorted(ages), "who waits longest stands first"


def test_a_part_holds_what_came_and_not_all_that_waits() -> None:
    waits = Pending()
    first = waits.change({CountKey(2**60 + number, HERE): Sums(0, 10_000, 1) for number in range(10_000)}, (), 1)
    assert first is not None
    assert first.body is not None
    waits.apply(first)
    second = waits.change({CountKey(2**60, HERE): Sums(1, 0, 1)}, [CountKey(2**60 + 1, HERE)], 2)
    assert second is not None
    assert second.body is not None
    assert (len(first.body) > 100_000, len(second.body) < 60) == (True, True)


def test_parts_are_deleted_once_no_key_waits_that_came_in_them() -> None:
    waits, parts = Pending(), Parts()
    for number in range(5):
        change = waits.change({CountKey(number + 1, HERE): Sums(1, 0, 1)}, (), number)
        assert change is not None
        parts.store(change)
        waits.apply(change)
    change = waits.change({CountKey(5, HERE): Sums(1, 0, 1)}, [CountKey(1, HERE), CountKey(2, HERE)], 9)
    assert change is not None
    parts.store(change)
    assert sorted(parts.rows) == [2, 3, 4, 5]


def test_what_an_earlier_version_stored_whole_is_read_and_replaced_by_the_next_part() -> None:
    whole = msgspec.msgpack.encode([(7, HERE, 3, 20_000, 5, 1_000), (8, HERE, 1, 0, 1, 2_000)])
    waits = Pending.read([(LEGACY, whole)])
    assert (waits.keys[CountKey(7, HERE)].first, waits.keys[CountKey(8, HERE)].since_ms) == (3, 2_000)

    change = waits.change({CountKey(7, HERE): Sums(1, 0, 1)}, [CountKey(8, HERE)], 3_000)

    assert change is not None
    assert change.body is not None
    assert (change.number, change.keep_from) == (0, 0), "nothing from before is left"
    waits.apply(change)
    assert Pending.read([(0, change.body)]).keys == waits.keys
    assert waits.keys[CountKey(7, HERE)].first == 4


@pytest.mark.parametrize("body", [b"", b"no keys", msgspec.msgpack.encode((9, [], [])), msgspec.msgpack.encode([[1]])])
def test_what_is_no_part_is_refused(body: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, ValueError)):
        Pending.read([(0, body)])
