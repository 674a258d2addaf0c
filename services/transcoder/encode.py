"""Runs the encoder for one track and says what came of it. Owns bounds and the meaning of the encoder's failures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from services.contracts.ladder import MAX_SOURCE_SECONDS
from services.transcoder import commands, tracks
from services.transcoder.plan import Rendition
from services.transcoder.probe import RefusedError, Source
from services.transcoder.process import MEBI, Bounds, run
from services.transcoder.tools import Tools
from services.transcoder.tracks import Track, UnusableOutputError

Progress = Callable[[float], None]
"""Takes the finished share of one encode, 0 to 1."""

_MEMORY = 12 * 1024 * MEBI
"""Address space, of which x264 at 2160p touches less than 2 GiB."""
_SEGMENT_SIZE = 512 * MEBI
_OUR_TROUBLES = ("no space left", "cannot allocate memory", "resource temporarily unavailable", "input/output error")
_SHORT_SECONDS = 1.0
_SHORT_SHARE = 0.02


class EncoderError(RuntimeError):
    """The encoder failed for a reason that is ours, or may be; worth another attempt."""


async def encode_video(
    tools: Tools, path: Path, source: Source, rendition: Rendition, directory: Path, progress: Progress
) -> Track:
    """The rendition as a track in `directory`, which is created.

    Raises RefusedError when the file itself is at fault, EncoderError and OutOfBoundsError otherwise.
    """
    await asyncio.to_thread(directory.mkdir, parents=True)
    argv = commands.video(tools, path, source, rendition, directory)
    await _encode(argv, source, progress)
    return _checked(rendition.name, "video", directory, rendition.fps)


async def encode_audio(tools: Tools, path: Path, source: Source, directory: Path) -> Track:
    """The sound of `path` as a track in `directory`, which is created. Raises as `encode_video` does."""
    await asyncio.to_thread(directory.mkdir, parents=True)
    await _encode(commands.audio(tools, path, source, directory), source, lambda _: None)
    return _checked("audio", "audio", directory)


async def take_poster(tools: Tools, path: Path, source: Source, target: Path) -> bool:
    """Whether a still could be taken; a video without one is still a video."""
    bounds = Bounds(seconds=120, memory=_MEMORY, file_size=16 * MEBI)
    finished = await run(commands.poster(tools, path, source, target), bounds)
    return finished.code == 0 and await asyncio.to_thread(target.is_file)


def refuse_if_cut_off(source: Source, track: Track) -> None:
    """Raises RefusedError when the picture ends clearly before the duration that the container states."""
    if source.seconds is None:
        return
    missing = source.seconds - float(track.seconds)
    if missing > _SHORT_SECONDS + _SHORT_SHARE * source.seconds:
        raise RefusedError(
            f"The file is incomplete: it says that it lasts {source.seconds:.1f} s, but its picture ends at "
            f"{float(track.seconds):.1f} s. Upload the whole file."
        )


def progress_reader(seconds: float | None, progress: Progress) -> Callable[[str], None]:
    """Reads lines of ffmpeg's `-progress` and reports the share of `seconds` that is done."""

    def read(line: str) -> None:
        name, _, value = line.partition("=")
        if name == "out_time_us" and seconds and value.lstrip("-").isdigit():
            progress(min(1.0, max(0.0, int(value) / 1e6 / seconds)))

    return read


async def _encode(argv: list[str], source: Source, progress: Progress) -> None:
    seconds = source.seconds or MAX_SOURCE_SECONDS
    bounds = Bounds(seconds=600 + 60 * seconds, memory=_MEMORY, file_size=_SEGMENT_SIZE)
    finished = await run(argv, bounds, progress_reader(source.seconds, progress))
    if finished.code == 0:
        return
    complaint = finished.complaint.splitlines()[-1] if finished.complaint else "no message"
    if finished.code < 0 or any(word in finished.complaint.lower() for word in _OUR_TROUBLES):
        raise EncoderError(f"ffmpeg ended with code {finished.code}: {complaint}")
    raise RefusedError("The file cannot be decoded: it is damaged. Export it again and upload the new file.")


def _checked(name: str, kind: str, directory: Path, fps: Fraction = Fraction(0)) -> Track:
    try:
        return tracks.read(name, kind, directory, fps)
    except UnusableOutputError as error:
        raise RefusedError("The file holds no picture or sound that can be decoded. Upload the whole file.") from error
