"""Cutting a file into parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.ladder import MAX_SOURCE_BYTES
from services.uploads.parts import MAX_PARTS, PART_SIZE, StoredPart, count, missing, size_of

sizes = st.integers(1, MAX_SOURCE_BYTES)


@given(sizes)
def test_parts_add_up_to_the_file_and_only_the_last_is_smaller(size: int) -> None:
    last = count(size)
    assert last <= MAX_PARTS
    assert (last - 1) * PART_SIZE + size_of(last, size) == size
    assert 0 < size_of(last, size) <= PART_SIZE
    if last > 1:
        assert size_of(1, size) == size_of(last - 1, size) == PART_SIZE


@given(st.integers(1, 100), st.data())
def test_what_is_missing_is_what_is_absent_or_of_another_size(size: int, data: st.DataObject) -> None:
    numbers = range(1, count(size, 7) + 1)
    present = data.draw(st.sets(st.sampled_from(numbers)))
    wrong = data.draw(st.sets(st.sampled_from(numbers)))
    stored = [StoredPart(n, size_of(n, size, 7) + (n in wrong), "e", None) for n in sorted(present)]
    assert missing(stored, size, 7) == tuple(n for n in numbers if n not in present or n in wrong)


@pytest.mark.parametrize("size", [0, -1])
def test_an_empty_file_has_no_parts(size: int) -> None:
    with pytest.raises(ValueError, match="empty"):
        count(size)


@pytest.mark.parametrize("number", [0, 3, -1])
def test_a_number_outside_the_file_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="parts 1 to 2"):
        size_of(number, PART_SIZE + 1)


def test_a_part_beyond_the_end_is_not_taken_for_one_of_the_file() -> None:
    assert missing([StoredPart(9, 5, "e", None)], 5) == (1,)
