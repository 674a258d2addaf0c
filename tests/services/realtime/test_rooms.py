"""Rooms and coalescing, by a clock that the test sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.realtime.presence import total
from services.realtime.rooms import MAX_ROOMS, Coalescer, FullError, Rooms, tick


def test_the_first_to_come_opens_a_room_and_the_last_to_go_closes_it() -> None:
    rooms = Rooms()
    assert rooms.join("a", "room")
    assert not rooms.join("b", "room")
    assert not rooms.leave("a", "room")
    assert rooms.leave("b", "room")
    assert not rooms.leave("b", "room")
    assert rooms.open == ()


def test_a_socket_that_goes_leaves_all_its_rooms() -> None:
    rooms = Rooms()
    rooms.join("a", "one")
    rooms.join("a", "two")
    rooms.join("b", "two")
    assert set(rooms.gone("a")) == {"one", "two"}
    assert rooms.open == ("two",)
    assert rooms.gone("a") == ()


def test_a_socket_is_in_a_few_rooms_at_most() -> None:
    rooms = Rooms()
    for number in range(MAX_ROOMS):
        rooms.join("a", str(number))
    rooms.join("a", "0")
    with pytest.raises(FullError):
        rooms.join("a", "one more")


@pytest.mark.parametrize(("viewers", "seconds"), [(0, 0.05), (10, 0.05), (1_000, 0.2), (1_000_000, 10.0)])
def test_a_tick_is_as_long_as_telling_everybody_takes_within_bounds(viewers: int, seconds: float) -> None:
    assert tick(viewers) == seconds


_STEPS = st.lists(
    st.tuples(st.sampled_from(["one", "two"]), st.binary(min_size=1, max_size=1), st.floats(0, 0.2)), max_size=60
)
_ROUNDING = 1e-9
"""Seconds by which a sum of floats may differ from the same sum taken apart."""


@given(_STEPS)
def test_the_newest_value_arrives_at_most_once_a_tick_and_never_twice_the_same(
    steps: list[tuple[str, bytes, float]],
) -> None:
    rooms, coalescer, now = Rooms(), Coalescer(), 0.0
    newest: dict[str, bytes] = {}
    shown: dict[str, bytes] = {}
    last: dict[str, float] = {}
    for room, value, wait in steps:
        now += wait
        coalescer.offer(room, "counts", value, now)
        newest[room] = value
        for told, _, message in coalescer.due(now, rooms):
            assert shown.get(told) != message
            assert now - last.get(told, -1.0) >= tick(0) - _ROUNDING
            shown[told], last[told] = message, now
    shown.update({told: message for told, _, message in coalescer.due(now + 1, rooms)})
    assert shown == newest


def test_a_room_that_was_left_is_told_nothing() -> None:
    coalescer = Coalescer()
    coalescer.offer("room", "counts", b"1", 0.0)
    coalescer.forget("room")
    assert coalescer.due(10.0, Rooms()) == []


def test_presence_is_the_sum_of_what_is_not_stale() -> None:
    entries = {b"a": b"3:100", b"b": b"4:80", b"dead": b"50:10", b"bad": b"x"}
    assert total(entries, now=100) == 7
    assert total(None, now=100) == 0
