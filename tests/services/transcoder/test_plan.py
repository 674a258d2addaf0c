"""Which renditions a source gets."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.ladder import LADDER
from services.transcoder.plan import plan
from services.transcoder.probe import Source

sides = st.integers(min_value=1, max_value=8192)
rates = st.one_of(
    st.integers(1, 60).map(Fraction), st.sampled_from([Fraction(n * 1000, 1001) for n in (24, 30, 48, 60)])
)


def source(width: int, height: int, fps: Fraction = Fraction(25)) -> Source:
    return Source(width, height, fps, seconds=1, video_stream=0, audio_stream=None, interlaced=False)


@given(sides, sides, rates)
def test_nothing_is_enlarged_and_every_side_is_even(width: int, height: int, fps: Fraction) -> None:
    for rendition in plan(source(width, height, fps)):
        assert rendition.width <= max(2, width)
        assert rendition.height <= max(2, height)
        assert rendition.width % 2 == rendition.height % 2 == 0


@given(sides, sides, rates)
def test_all_renditions_share_one_gop_clock(width: int, height: int, fps: Fraction) -> None:
    assert len({r.gop_frames / r.fps for r in plan(source(width, height, fps))}) == 1


@given(sides, sides, rates)
def test_rungs_ascend_and_stop_at_the_short_side(width: int, height: int, fps: Fraction) -> None:
    names = [r.name for r in plan(source(width, height, fps))]
    expected = [rung.name for rung in LADDER if rung.height <= min(width, height)]
    assert names == (expected or ["144p"])


@given(st.integers(144, 4096), st.integers(144, 4096), rates)
def test_portrait_is_landscape_turned(width: int, height: int, fps: Fraction) -> None:
    upright = [(r.width, r.height, r.level) for r in plan(source(width, height, fps))]
    turned = [(r.height, r.width, r.level) for r in plan(source(height, width, fps))]
    assert upright == turned


def test_sixteen_by_nine_gives_the_sizes_and_levels_of_the_ladder() -> None:
    renditions = plan(source(3840, 2160, Fraction(30)))
    assert [(r.width, r.height, r.level, r.kbps) for r in renditions] == [
        (rung.width, rung.height, rung.level, rung.kbps) for rung in LADDER
    ]


def test_above_30_frames_a_second_high_rungs_get_more_bits_and_a_higher_level() -> None:
    renditions = {r.name: r for r in plan(source(1920, 1080, Fraction(60)))}
    assert (renditions["480p"].fps, renditions["480p"].kbps, renditions["480p"].level) == (Fraction(30), 1000, "3.1")
    assert (renditions["720p"].fps, renditions["720p"].kbps, renditions["720p"].level) == (Fraction(60), 3500, "3.2")
    assert (renditions["1080p"].fps, renditions["1080p"].kbps, renditions["1080p"].level) == (Fraction(60), 7000, "4.2")
    assert renditions["720p"].maxrate_kbps == 5250


def test_an_odd_rate_is_not_halved_because_its_gop_would_no_longer_agree() -> None:
    assert {r.fps for r in plan(source(1280, 720, Fraction(45)))} == {45}


def test_a_very_wide_picture_gets_a_level_that_carries_it() -> None:
    (wide,) = [r for r in plan(source(7680, 480)) if r.name == "480p"]
    assert (wide.width, wide.level) == (7680, "5.0")
