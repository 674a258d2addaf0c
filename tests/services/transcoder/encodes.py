"""Encodes a clip once for all tests of a session, and reads the result back: times from the boxes, the rest by ffprobe."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from services.transcoder import commands, encode, tools
from services.transcoder.plan import Rendition, plan
from services.transcoder.probe import Source, probe
from services.transcoder.tracks import Track
from tests.services.transcoder import boxes

TOOLS = tools.find()


@dataclass(frozen=True, slots=True)
class Encoded:
    """All tracks of one clip."""

    source: Source
    renditions: tuple[Rendition, ...]
    videos: tuple[Track, ...]
    audio: Track | None
    root: Path
    """Holds one directory per track."""


def encode_all(path: Path, root: Path, rungs: tuple[str, ...] | None = None) -> Encoded:
    """Every rung of `path` (or those named), and its sound."""
    return asyncio.run(_encode_all(path, root, rungs))


async def _encode_all(path: Path, root: Path, rungs: tuple[str, ...] | None) -> Encoded:
    source = await probe(TOOLS, path)
    renditions = tuple(r for r in plan(source) if rungs is None or r.name in rungs)
    videos = []
    for rendition in renditions:
        track = await encode.encode_video(TOOLS, path, source, rendition, root / rendition.name, lambda _: None)
        videos.append(track)
    audio = None
    if source.audio_stream is not None:
        audio = await encode.encode_audio(TOOLS, path, source, root / "audio")
    return Encoded(source, renditions, tuple(videos), audio, root)


def segment_bytes(encoded: Encoded, track: Track, number: int) -> bytes:
    """Media segment `number`, from 1."""
    return (encoded.root / track.directory / commands.segment_name(number)).read_bytes()


def samples(encoded: Encoded, track: Track) -> list[boxes.Sample]:
    """All samples of the track, in decoding order."""
    numbers = range(1, len(track.segments) + 1)
    return [sample for number in numbers for sample in boxes.samples(segment_bytes(encoded, track, number))]


def key_times(encoded: Encoded, track: Track) -> list[Fraction]:
    """Seconds at which the sync samples of the track are shown."""
    return [Fraction(s.shown_at, track.timescale) for s in samples(encoded, track) if s.sync]


def decoded(encoded: Encoded, track: Track, segments: tuple[int, ...] | None = None) -> str:
    """Types (I, P, B) of the frames that are decoded from the init segment and `segments` (None: all)."""
    joined = _joined(encoded, track, segments or tuple(range(1, len(track.segments) + 1)))
    found = json.loads(_ffprobe(joined, "-show_frames", "-show_entries", "frame=pict_type"))["frames"]
    return "".join(frame["pict_type"] for frame in found)


def _joined(encoded: Encoded, track: Track, numbers: tuple[int, ...]) -> Path:
    joined = encoded.root / f"{track.name}-{'-'.join(map(str, numbers))}.mp4"
    init = (encoded.root / track.directory / commands.INIT).read_bytes()
    joined.write_bytes(init + b"".join(segment_bytes(encoded, track, number) for number in numbers))
    return joined


def stream(encoded: Encoded, track: Track) -> dict[str, str | int]:
    """What ffprobe says of the track's first segment."""
    joined = _joined(encoded, track, (1,))
    found: dict[str, str | int] = json.loads(_ffprobe(joined, "-show_streams"))["streams"][0]
    return found


def _ffprobe(path: Path, *options: str) -> bytes:
    argv = [TOOLS.ffprobe, "-v", "error", *options, "-of", "json", str(path)]
    return subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout


def played_frames(playlist: Path) -> list[int]:
    """Pictures that ffmpeg's HLS demuxer decodes, by video stream of the playlist."""
    options = ("-count_frames", "-select_streams", "v", "-show_entries", "stream=nb_read_frames")
    argv = [TOOLS.ffprobe, "-v", "error", "-allowed_extensions", "ALL", *options, "-of", "json", str(playlist)]
    found = subprocess.run(argv, check=True, capture_output=True, timeout=60).stdout
    return [int(stream["nb_read_frames"]) for stream in json.loads(found)["streams"]]
