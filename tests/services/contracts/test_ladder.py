"""The ladder: laws that every rung keeps."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.ladder import GOP_SECONDS, LADDER, SEGMENT_SECONDS, rungs_for


def test_seven_rungs_ascend_in_every_respect() -> None:
    assert [rung.name for rung in LADDER] == ["144p", "240p", "360p", "480p", "720p", "1080p", "2160p"]
    for lower, higher in itertools.pairwise(LADDER):
        assert lower.width < higher.width
        assert lower.height < higher.height
        assert 1.3 < higher.kbps / lower.kbps < 3.5
        assert float(lower.level) <= float(higher.level)


def test_pictures_have_even_sides_and_segments_whole_gops() -> None:
    assert all(rung.width % 2 == 0 and rung.height % 2 == 0 for rung in LADDER)
    assert SEGMENT_SECONDS % GOP_SECONDS == 0


@given(st.integers(1, 8192), st.integers(1, 8192))
def test_a_source_is_never_upscaled_and_gets_at_least_one_rung(width: int, height: int) -> None:
    rungs = rungs_for(width, height)
    assert rungs
    assert rungs == rungs_for(height, width)
    if min(width, height) >= LADDER[0].height:
        assert all(rung.height <= min(width, height) for rung in rungs)
    else:
        assert rungs == LADDER[:1]


def test_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="no size"):
        rungs_for(0, 720)
