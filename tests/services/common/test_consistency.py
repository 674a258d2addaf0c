from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.consistency import LIFE_SECONDS, Position, SeenWrites, decode, encode
from services.common.context import ContextKeys

KEYS = ContextKeys(b"k" * 32)
NOW = 1_800_000_000.0
positions = st.builds(
    Position,
    st.sampled_from(["mumbai", "oregon", "frankfurt", "singapore"]),
    st.integers(1, 1000),
    st.integers(0, 2**64 - 1),
)


@given(st.lists(positions, max_size=10))
def test_of_each_cell_the_latest_term_and_position_is_kept(written: list[Position]) -> None:
    seen = SeenWrites()
    for position in written:
        seen.add(position)

    for cell in {position.cell for position in written}:
        assert seen.of(cell) == max(
            (position for position in written if position.cell == cell), key=lambda p: (p.term, p.lsn)
        )


@given(st.lists(positions, min_size=1, max_size=10))
def test_a_token_comes_back_as_it_was(written: list[Position]) -> None:
    seen = SeenWrites()
    for position in written:
        seen.add(position)

    assert decode(encode(seen, KEYS, lambda: NOW), KEYS, lambda: NOW).positions == seen.positions


@given(st.lists(positions, min_size=1, max_size=4), st.data())
def test_a_changed_token_states_nothing(written: list[Position], data: st.DataObject) -> None:
    token = encode(SeenWrites(written), KEYS, lambda: NOW)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[at]))

    assert decode(token[:at] + other + token[at + 1 :], KEYS, lambda: NOW).positions == ()


@pytest.mark.parametrize("token", [None, "", "v1..1.x", "v1." + "a" * 5000, "v1.mumbai:1:ff.99999999999." + "A" * 43])
def test_what_is_no_token_states_nothing(token: str | None) -> None:
    assert decode(token, KEYS, lambda: NOW).positions == ()


def test_a_token_ends_after_ten_minutes() -> None:
    token = encode(SeenWrites([Position("mumbai", 1, 5)]), KEYS, lambda: NOW)

    assert decode(token, KEYS, lambda: NOW + LIFE_SECONDS - 1).positions
    assert not decode(token, KEYS, lambda: NOW + LIFE_SECONDS).positions


def test_a_token_of_another_cell_states_nothing_here() -> None:
    token = encode(SeenWrites([Position("mumbai", 1, 5)]), KEYS, lambda: NOW)

    assert decode(token, ContextKeys(b"o" * 32), lambda: NOW).positions == ()


def test_reading_changes_nothing_and_writing_does() -> None:
    seen = SeenWrites([Position("mumbai", 1, 5)])
    assert not seen.changed
    seen.add(Position("mumbai", 1, 4))
    assert not seen.changed
    seen.add(Position("mumbai", 1, 6))
    assert seen.changed
