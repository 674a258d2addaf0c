"""What an encode produced: segment times from the encoder, sizes from the files. Reads the disk, writes nothing.

A `Track` is all that the manifests need; it travels as JSON in the job's row, so that a retry continues where the
last attempt stopped.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

from pydantic import BaseModel, ConfigDict

from services.contracts.ladder import SEGMENT_SECONDS
from services.transcoder import commands

_MPD = "{urn:mpeg:dash:schema:mpd:2011}"


class Segment(BaseModel):
    """One media segment."""

    model_config = ConfigDict(frozen=True)

    ticks: int
    """Duration in units of the track's timescale."""
    size: int
    """Bytes."""


class Track(BaseModel):
    """One CMAF track: a video rendition or the sound."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Rung, or ``audio``."""
    directory: str
    """Below the video's prefix in the media bucket, without slashes at the ends."""
    kind: str
    """``video`` or ``audio``."""
    codecs: str
    """RFC 6381, as the encoder's own headers say."""
    timescale: int
    segments: tuple[Segment, ...]
    width: int = 0
    height: int = 0
    fps: str = "0"
    """Frames per second as a fraction, ``30000/1001``."""

    @property
    def seconds(self) -> Fraction:
        """Duration."""
        return Fraction(sum(s.ticks for s in self.segments), self.timescale)

    @property
    def average_bps(self) -> int:
        """Bits per second over the whole track."""
        return round(sum(s.size for s in self.segments) * 8 / self.seconds)

    @property
    def peak_bps(self) -> int:
        """The largest bit rate of any run of segments that lasts 0.5 to 1.5 target durations (RFC 8216, 4.1)."""
        peak = Fraction(0)
        for first in range(len(self.segments)):
            ticks = size = 0
            for segment in self.segments[first:]:
                ticks, size = ticks + segment.ticks, size + segment.size
                seconds = Fraction(ticks, self.timescale)
                if seconds > Fraction(3, 2) * SEGMENT_SECONDS:
                    break
                if seconds >= Fraction(1, 2) * SEGMENT_SECONDS:
                    peak = max(peak, size * 8 / seconds)
        return max(round(peak), self.average_bps)


class UnusableOutputError(RuntimeError):
    """The encoder ended without error but left no usable track."""


def read(name: str, kind: str, directory: Path, fps: Fraction = Fraction(0)) -> Track:
    """The track in `directory`. Raises UnusableOutputError if a segment is missing or there is none."""
    try:
        # The encoder wrote this document, not the person who uploaded the file.
        representation = ElementTree.parse(directory / commands.TIMES).getroot().find(f".//{_MPD}Representation")  # noqa: S314
    except (OSError, ElementTree.ParseError) as error:
        raise UnusableOutputError(f"{name}: the encoder left no segment times: {error}") from error
    template = None if representation is None else representation.find(f"{_MPD}SegmentTemplate")
    if representation is None or template is None:
        raise UnusableOutputError(f"{name}: the encoder wrote no segment")
    ticks = _ticks(template)
    files = [directory / commands.segment_name(number) for number in range(1, len(ticks) + 1)]
    missing = [file.name for file in files if not file.is_file()]
    if not files or missing:
        raise UnusableOutputError(f"{name}: segments are missing: {', '.join(missing) or 'all'}")
    return Track(
        name=name,
        directory=directory.name,
        kind=kind,
        codecs=representation.attrib["codecs"],
        timescale=int(template.attrib["timescale"]),
        segments=tuple(Segment(ticks=t, size=f.stat().st_size) for t, f in zip(ticks, files, strict=True)),
        width=int(representation.attrib.get("width", "0")),
        height=int(representation.attrib.get("height", "0")),
        fps=f"{fps.numerator}/{fps.denominator}",
    )


def _ticks(template: ElementTree.Element) -> list[int]:
    """Durations of the SegmentTimeline; `r` repeats an entry."""
    return [
        int(entry.attrib["d"])
        for entry in template.iter(f"{_MPD}S")
        for _ in range(int(entry.attrib.get("r", "0")) + 1)
    ]
