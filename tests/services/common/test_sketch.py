"""Sketches: exact while small, within their stated error when large, and the same however they are put together."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.sketch import EXACT, REGISTERS, STANDARD_ERROR, Sketch, union

_HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=600)


def _of(values: list[int]) -> Sketch:
    made = Sketch()
    for value in values:
        made.add(value)
    return made


@given(st.lists(st.integers(0, 2**64 - 1), max_size=EXACT))
def test_a_small_set_is_counted_exactly(values: list[int]) -> None:
    assert _of(values).estimate() == len(set(values))


@settings(max_examples=50, deadline=None)
@given(_HASHES, _HASHES, _HASHES)
def test_merging_is_the_sketch_of_the_union_in_any_order_and_however_often(
    a: list[int], b: list[int], c: list[int]
) -> None:
    whole = _of([*a, *b, *c]).encode()
    assert union([_of(a), _of(b), _of(c)]).encode() == whole
    assert union([_of(c), _of(a), _of(b), _of(a), _of(c)]).encode() == whole


@settings(max_examples=50, deadline=None)
@given(_HASHES)
def test_a_sketch_is_read_as_it_was_stored(values: list[int]) -> None:
    body = _of(values).encode()
    assert Sketch.decode(body).encode() == body
    assert len(body) <= REGISTERS + 1


@pytest.mark.parametrize("body", [b"", b"\x00abc", b"\x01" + bytes(100), b"\x07", b"\x01" + b"\xff" * REGISTERS])
def test_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="no sketch"):
        Sketch.decode(body)


@pytest.mark.parametrize("size", [300, 3_000, 30_000])
def test_the_measured_error_is_the_stated_one(size: int) -> None:
    chance = random.Random(size)
    runs = 24
    errors = [_of([chance.getrandbits(64) for _ in range(size)]).estimate() / size - 1 for _ in range(runs)]
    measured = math.sqrt(sum(error * error for error in errors) / runs)
    bias = sum(errors) / runs
    print(f"{size}: measured {measured:.4f}, stated {STANDARD_ERROR:.4f}, bias {bias:+.4f}")
    assert measured <= 1.4 * STANDARD_ERROR
    assert abs(bias) <= STANDARD_ERROR
