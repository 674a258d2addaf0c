"""From a source to the renditions: which rungs, at which size, rate, level and bit rate. Pure.

Owns the choice for one source. The ladder itself is in `services.contracts.ladder`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from services.contracts.ladder import GOP_SECONDS, HIGH_RATE_FACTOR, Rung, rungs_for
from services.transcoder.probe import Source

NORMAL_FPS = 30
HIGH_RATE_FROM = 720
"""Rungs below this short side are encoded at half the rate when the source has more than 30 frames a second."""


@dataclass(frozen=True, slots=True)
class _Level:
    """A row of ITU-T H.264 table A-1."""

    name: str
    macroblocks_per_second: int
    macroblocks: int
    kbps: int
    """Maximum bit rate of Main profile; High has 5/4 of it."""


_LEVELS = (
    _Level("1.2", 6_000, 396, 384),
    _Level("1.3", 11_880, 396, 768),
    _Level("2.0", 11_880, 396, 2_000),
    _Level("2.1", 19_800, 792, 4_000),
    _Level("2.2", 20_250, 1_620, 4_000),
    _Level("3.0", 40_500, 1_620, 10_000),
    _Level("3.1", 108_000, 3_600, 14_000),
    _Level("3.2", 216_000, 5_120, 20_000),
    _Level("4.0", 245_760, 8_192, 20_000),
    _Level("4.2", 522_240, 8_704, 50_000),
    _Level("5.0", 589_824, 22_080, 135_000),
    _Level("5.1", 983_040, 36_864, 240_000),
    _Level("5.2", 2_073_600, 36_864, 240_000),
    _Level("6.0", 4_177_920, 139_264, 240_000),
    _Level("6.2", 16_711_680, 139_264, 800_000),
)


@dataclass(frozen=True, slots=True)
class Rendition:
    """One video encode."""

    rung: Rung
    width: int
    height: int
    fps: Fraction
    kbps: int
    level: str

    @property
    def name(self) -> str:
        """Name of the rung, and of the rendition's directory."""
        return self.rung.name

    @property
    def maxrate_kbps(self) -> int:
        """Peak bit rate in 1,000 bits per second; the same ratio to the average as the rung's."""
        return self.kbps * self.rung.maxrate_kbps // self.rung.kbps

    @property
    def gop_frames(self) -> int:
        """Frames from one IDR to the next."""
        return round(self.fps) * GOP_SECONDS


def plan(source: Source) -> tuple[Rendition, ...]:
    """The renditions of `source`, ascending: none larger than it, at least one, all with the same GOP clock."""
    return tuple(_rendition(source, rung) for rung in rungs_for(source.width, source.height))


def _rendition(source: Source, rung: Rung) -> Rendition:
    width, height = _fit(source.width, source.height, min(rung.height, source.width, source.height))
    fps, kbps = source.fps, rung.kbps
    if fps > NORMAL_FPS:
        if rung.height < HIGH_RATE_FROM:
            fps = _half(fps)
        else:
            kbps = math.ceil(kbps * HIGH_RATE_FACTOR)
    return Rendition(rung, width, height, fps, kbps, _level(rung, width, height, fps))


def _half(fps: Fraction) -> Fraction:
    """Half of `fps` if the GOP stays whole frames at both rates, else `fps` itself: rungs must share one GOP clock."""
    half = fps / 2
    return half if round(half) * 2 == round(fps) else fps


def _fit(width: int, height: int, short: int) -> tuple[int, int]:
    """The size whose short side is `short` with the aspect of the source; both even, as 4:2:0 needs."""
    scale = Fraction(short, min(width, height))
    return _even(width * scale, width), _even(height * scale, height)


def _even(value: Fraction, most: int) -> int:
    """The even number nearest to `value`, not above `most`."""
    return max(2, min(2 * math.floor(value / 2 + Fraction(1, 2)), 2 * (most // 2)))


def _level(rung: Rung, width: int, height: int, fps: Fraction) -> str:
    """The rung's level, or the lowest one above it that carries the picture."""
    macroblocks = math.ceil(width / 16) * math.ceil(height / 16)
    rate = macroblocks * fps
    names = [level.name for level in _LEVELS]
    for level in _LEVELS[names.index(rung.level) :]:
        if macroblocks <= level.macroblocks and rate <= level.macroblocks_per_second:
            return level.name
    return _LEVELS[-1].name
