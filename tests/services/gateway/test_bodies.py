"""Framing does not depend on how the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from services.gateway.attempts import dechunk
from services.gateway.bodies import Chunked, Fixed

PARTS = st.lists(st.binary(min_size=1, max_size=40), max_size=8)
CUTS = st.lists(st.integers(1, 12), min_size=1, max_size=60)


def _chunked(parts: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@given(PARTS, CUTS, st.binary(max_size=20))
def test_a_chunked_body_ends_where_it_ends_however_it_is_cut(parts: list[bytes], cuts: list[int], after: bytes) -> None:
    body = _chunked(parts)
    data = body + after
    framing = Chunked()
    at = 0
    index = 0
    while at < len(data) and not framing.done:
        piece = data[at : at + cuts[index % len(cuts)]]
        index += 1
        used = framing.feed(piece)
        at += used
        assert used == len(piece) or framing.done
    assert framing.done
    assert at == len(body)
    assert framing.payload == sum(map(len, parts))
    assert dechunk(body) == b"".join(parts)


@given(st.integers(0, 100), CUTS)
def test_a_fixed_body_takes_exactly_its_length(length: int, cuts: list[int]) -> None:
    framing = Fixed(length)
    taken = sum(framing.feed(b"x" * cut) for cut in cuts)
    assert taken == min(length, sum(cuts))
    assert framing.done == (taken == length)
