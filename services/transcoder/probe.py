"""Reads what an uploaded file is, and refuses what cannot become a video.

Owns the policy of what is accepted (containers, codecs, sizes, durations). The file is hostile: it is opened with the
`file` protocol and an allow-list of containers only, so that no playlist inside it can name another file or host.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pydantic import BaseModel, ValidationError

from services.contracts.ladder import MAX_FPS, MAX_SOURCE_SECONDS
from services.transcoder.process import MEBI, Bounds, OutOfBoundsError, run
from services.transcoder.tools import Tools

MAX_SIDE = 8192
"""Pixels: 8K (7680) fits, and a frame stays under 100 MB."""
CONTAINERS = ("mov", "matroska", "webm", "mpegts", "mpeg", "avi", "flv", "ogg", "asf", "mxf")
"""Demuxers that may open an upload. None of them follows references to other files by default."""
VIDEO_CODECS = frozenset(
    [
        "h264",
        "hevc",
        "vp8",
        "vp9",
        "av1",
        "mpeg4",
        "mpeg2video",
        "mpeg1video",
        "prores",
        "dnxhd",
        "mjpeg",
        "theora",
        "h263",
        "flv1",
        "wmv3",
        "vc1",
        "ffv1",
        "rawvideo",
    ]
)
AUDIO_CODECS = frozenset(
    [
        "aac",
        "mp3",
        "mp2",
        "opus",
        "vorbis",
        "ac3",
        "eac3",
        "flac",
        "alac",
        "wmav2",
        "pcm_s16le",
        "pcm_s16be",
        "pcm_s24le",
        "pcm_s24be",
        "pcm_f32le",
        "pcm_u8",
    ]
)
_NTSC = tuple(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60))
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")
_PROBE = Bounds(seconds=60, memory=2048 * MEBI, file_size=MEBI)


class RefusedError(Exception):
    """The file cannot become a video. The message is for the person who uploaded it: cause and remedy."""


@dataclass(frozen=True, slots=True)
class Source:
    """What the encoder must know of a file."""

    width: int
    """Pixels as shown: after rotation and with square pixels."""
    height: int
    fps: Fraction
    """Constant rate to encode at; at most `MAX_FPS`."""
    seconds: float | None
    """Duration of the picture as the container says; None if it does not say."""
    video_stream: int
    audio_stream: int | None
    interlaced: bool


class _SideData(BaseModel):
    rotation: float | None = None


class _Disposition(BaseModel):
    attached_pic: int = 0


class _Stream(BaseModel):
    index: int
    codec_type: str = ""
    codec_name: str = "unknown"
    width: int = 0
    height: int = 0
    sample_aspect_ratio: str = "1:1"
    avg_frame_rate: str = "0/0"
    r_frame_rate: str = "0/0"
    field_order: str = "progressive"
    duration: float | None = None
    disposition: _Disposition = _Disposition()
    side_data_list: tuple[_SideData, ...] = ()


class _Format(BaseModel):
    duration: float | None = None


class _Report(BaseModel):
    streams: tuple[_Stream, ...] = ()
    format: _Format = _Format()


def input_options() -> list[str]:
    """Options before `-i` that confine any reader of an upload."""
    return ["-protocol_whitelist", "file", "-format_whitelist", ",".join(CONTAINERS)]


async def probe(tools: Tools, path: Path) -> Source:
    """What `path` is. Raises RefusedError with a sentence for the person who uploaded it."""
    if (await asyncio.to_thread(path.stat)).st_size == 0:
        raise RefusedError("The file is empty (0 bytes). Choose the file again and upload it once more.")
    argv = [tools.ffprobe, "-v", "error", *input_options(), "-of", "json", "-show_streams", "-show_format"]
    try:
        finished = await run([*argv, f"file:{path}"], _PROBE)
    except OutOfBoundsError as error:
        raise RefusedError(
            f"The file could not be examined: {error}. Convert it to MP4 and upload it again."
        ) from error
    if finished.code != 0:
        raise RefusedError(_why_unreadable(finished.complaint, await asyncio.to_thread(_first_bytes, path)))
    return parse(finished.output)


def parse(report: bytes) -> Source:
    """The source that ffprobe's JSON `report` describes. Raises RefusedError."""
    try:
        parsed = _Report.model_validate_json(report)
    except ValidationError as error:
        raise RefusedError("The file's headers make no sense. Convert it to MP4 and upload it again.") from error
    pictures = [s for s in parsed.streams if s.codec_type == "video" and not s.disposition.attached_pic]
    if not pictures:
        raise RefusedError("The file has no picture: it is not a video. Choose a video file.")
    video = pictures[0]
    if video.codec_name not in VIDEO_CODECS:
        raise RefusedError(
            f"The video codec {video.codec_name!r} is not supported. Convert it to H.264 and upload it again."
        )
    width, height = _shown_size(video)
    seconds = video.duration or parsed.format.duration
    if seconds is not None and not 0 < seconds <= MAX_SOURCE_SECONDS:
        hours = MAX_SOURCE_SECONDS // 3600
        raise RefusedError(
            f"The video says that it lasts {seconds:.0f} s; at most {hours} hours are accepted. Cut it into parts."
        )
    sounds = [s.index for s in parsed.streams if s.codec_type == "audio" and s.codec_name in AUDIO_CODECS]
    return Source(
        width=width,
        height=height,
        fps=_steady_rate(video),
        seconds=seconds,
        video_stream=video.index,
        audio_stream=sounds[0] if sounds else None,
        interlaced=video.field_order in ("tt", "bb", "tb", "bt"),
    )


def _shown_size(stream: _Stream) -> tuple[int, int]:
    coded = f"{stream.width}x{stream.height}"
    if not (0 < stream.width <= MAX_SIDE and 0 < stream.height <= MAX_SIDE):
        raise RefusedError(f"A picture of {coded} pixels is not accepted; each side must be between 1 and {MAX_SIDE}.")
    aspect = _fraction(stream.sample_aspect_ratio.replace(":", "/"))
    width, height = stream.width, stream.height
    if aspect > 1:
        width = round(width * aspect)
    elif 0 < aspect < 1:
        height = round(height / aspect)
    if max(width, height) > 4 * MAX_SIDE:
        raise RefusedError(f"A picture of {coded} with pixels of {stream.sample_aspect_ratio} is not accepted.")
    turned = any(abs(d.rotation or 0) % 180 == 90 for d in stream.side_data_list)
    return (height, width) if turned else (width, height)


def _steady_rate(stream: _Stream) -> Fraction:
    """The constant rate nearest to what the file has: an NTSC rate when within 0.1 %, else whole frames a second."""
    rate = _fraction(stream.avg_frame_rate) or _fraction(stream.r_frame_rate) or Fraction(30)
    rate = min(rate, Fraction(MAX_FPS))
    for ntsc in _NTSC:
        if abs(rate - ntsc) < ntsc / 2000:
            return ntsc
    return Fraction(max(1, round(rate)))


def _fraction(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def _why_unreadable(complaint: str, start: bytes) -> str:
    # A name that ends in .mp4 alone makes ffprobe look for an index: the content must begin with a box as well.
    if "moov atom not found" in complaint and start[4:] in _FIRST_BOXES:
        return "The file is incomplete: its index is missing, so the upload or the recording was cut off. Upload the whole file."
    return "The file is not a video that can be read. Choose an MP4, MOV, MKV, WebM, MPEG, AVI or Ogg file."
