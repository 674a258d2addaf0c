"""The ladder: seven rungs from 144p to 2160p, their bit rates and the rules of the encode.

Read by the FFmpeg workers, by the MediaConvert job settings and by the player's quality menu.
Bit rates: between the published ladders of Shaka Streamer and MediaCMS; maxrate is 150 % of the average
(Apple's authoring rules allow 200 %); levels from ITU-T H.264 table A-1 for 30 frames/s.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

SEGMENT_SECONDS = 6
"""Apple's HLS authoring rules 7.5: target duration of 6 seconds."""
GOP_SECONDS = 2
"""Closed GOPs of two seconds, the same on every rung, so that players can switch at every segment."""
AUDIO_KBPS = 128
AUDIO_HZ = 48_000
"""44.1 kHz frames do not divide segments evenly."""
MAX_FPS = 60
HIGH_RATE_FACTOR = Fraction(7, 5)
"""Bit rate above 30 frames a second: 2,500 -> 3,500 kb/s for 720p60."""
MAX_SOURCE_BYTES = 64 * 1024**3
MAX_SOURCE_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class Rung:
    """One rendition. ``height`` is the short side of the picture: portrait video swaps width and height."""

    name: str
    width: int
    height: int
    kbps: int
    """Average video bit rate for at most 30 frames a second, in 1,000 bits per second."""
    profile: str
    level: str
    """H.264 level for at most 30 frames a second."""

    @property
    def maxrate_kbps(self) -> int:
        """Peak bit rate, in 1,000 bits per second."""
        return self.kbps * 3 // 2


LADDER: tuple[Rung, ...] = (
    Rung("144p", 256, 144, 110, "main", "1.2"),
    Rung("240p", 426, 240, 250, "main", "2.1"),
    Rung("360p", 640, 360, 500, "main", "3.0"),
    Rung("480p", 854, 480, 1_000, "main", "3.1"),
    Rung("720p", 1280, 720, 2_500, "high", "3.1"),
    Rung("1080p", 1920, 1080, 5_000, "high", "4.0"),
    Rung("2160p", 3840, 2160, 16_000, "high", "5.1"),
)
"""Ascending. A source gets the rungs whose short side does not exceed its own; a tiny source gets the lowest."""


def rungs_for(width: int, height: int) -> tuple[Rung, ...]:
    """The rungs for a source of ``width`` x ``height`` pixels: never upscaled, at least one. Raises ValueError for no picture."""
    short = min(width, height)
    if short <= 0:
        raise ValueError(f"a picture of {width}x{height} has no size")
    return tuple(rung for rung in LADDER if rung.height <= short) or LADDER[:1]


def rendition_bytes(kbps: float, seconds: float) -> int:
    """The most that a rendition of that average bit rate comes to, with a tenth for its container and its sound."""
    return int((kbps + AUDIO_KBPS) * 1_000 / 8 * seconds * 1.1)


SCRATCH_BYTES = MAX_SOURCE_BYTES + rendition_bytes(LADDER[-1].kbps * float(HIGH_RATE_FACTOR), MAX_SOURCE_SECONDS)
"""What a worker's disk must hold: the largest upload, and beside it one rung at a time, the largest of the longest."""
