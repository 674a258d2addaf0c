"""The encoder's command lines. Pure: builds lists, runs nothing.

Each encode writes one CMAF track: an init segment, numbered media segments of `SEGMENT_SECONDS` made of one fragment
per GOP, and ffmpeg's own MPD, which `tracks` reads for the exact segment times.
"""

from __future__ import annotations

from pathlib import Path

from services.contracts.ladder import AUDIO_HZ, AUDIO_KBPS, GOP_SECONDS, SEGMENT_SECONDS
from services.transcoder.plan import Rendition
from services.transcoder.probe import Source, input_options
from services.transcoder.tools import Tools

PRESET = "veryfast"
"""Of x264. Measured on two cores: 10.7 core-seconds for a second of 1080p source through all its rungs."""
TIMES = "times.mpd"
INIT = "init.mp4"
SEGMENT = "s$Number%05d$.m4s"
POSTER_WIDTH = 1280
POSTER_AT = 0.2
"""Share of the duration: past titles that fade in, before the story is told."""


def segment_name(number: int) -> str:
    """File name of segment `number`, from 1."""
    return f"s{number:05d}.m4s"


def video(tools: Tools, path: Path, source: Source, rendition: Rendition, directory: Path) -> list[str]:
    """Encode one rendition of `path` into `directory`; progress goes to standard output."""
    gop = str(rendition.gop_frames)
    return [
        *_read(tools, path),
        *("-map", f"0:{source.video_stream}", "-vf", _filters(source, rendition), "-fps_mode", "cfr"),
        *("-c:v", "libx264", "-preset", PRESET, "-profile:v", rendition.rung.profile, "-level:v", rendition.level),
        *("-b:v", f"{rendition.kbps}k", "-maxrate", f"{rendition.maxrate_kbps}k"),
        *("-bufsize", f"{2 * rendition.kbps}k"),
        # IDR frames by counting only: no scene cut may move one, or rungs would not be aligned.
        *("-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-bf", "2", "-flags", "+cgop"),
        *("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv"),
        *_write(directory),
    ]


def audio(tools: Tools, path: Path, source: Source, directory: Path) -> list[str]:
    """Encode the sound of `path` into `directory`. Raises ValueError for a silent source."""
    if source.audio_stream is None:
        raise ValueError("a silent source has no audio track to encode")
    return [
        *_read(tools, path),
        *("-map", f"0:{source.audio_stream}", "-af", "aresample=async=1:first_pts=0"),
        *("-c:a", "aac", "-b:a", f"{AUDIO_KBPS}k", "-ar", str(AUDIO_HZ), "-ac", "2"),
        *_write(directory),
    ]


def poster(tools: Tools, path: Path, source: Source, target: Path) -> list[str]:
    """Take one still of `path` as JPEG."""
    return [
        *(tools.ffmpeg, "-v", "error", "-nostdin", "-y", *input_options()),
        *("-ss", f"{(source.seconds or 0) * POSTER_AT:.3f}", "-i", f"file:{path}", "-map", f"0:{source.video_stream}"),
        *("-vf", f"thumbnail=n=25,scale='min({POSTER_WIDTH},iw*sar)':-2,setsar=1,format=yuvj420p"),
        *("-frames:v", "1", "-q:v", "3", "-map_metadata", "-1", "-f", "image2", "-update", "1", f"file:{target}"),
    ]


def _read(tools: Tools, path: Path) -> list[str]:
    return [
        *(tools.ffmpeg, "-v", "error", "-nostdin", "-y", "-progress", "pipe:1", "-stats_period", "1"),
        *(*input_options(), "-i", f"file:{path}"),
    ]


def _write(directory: Path) -> list[str]:
    return [
        *("-map_metadata", "-1", "-map_chapters", "-1"),
        *("-f", "dash", "-dash_segment_type", "mp4", "-seg_duration", str(SEGMENT_SECONDS)),
        *("-frag_type", "duration", "-frag_duration", str(GOP_SECONDS), "-use_template", "1", "-use_timeline", "1"),
        # cmaf: composition offsets may be negative, so that no edit list shifts the picture against the sound.
        *("-format_options", "movflags=+cmaf"),
        *("-init_seg_name", INIT, "-media_seg_name", SEGMENT, f"file:{directory / TIMES}"),
    ]


def _filters(source: Source, rendition: Rendition) -> str:
    chain = ["bwdif=deint=interlaced"] if source.interlaced else []
    # start_time=0: a picture that starts late is padded, so that every rung begins at zero.
    chain.append(f"fps={rendition.fps.numerator}/{rendition.fps.denominator}:start_time=0")
    chain.append(f"scale={rendition.width}:{rendition.height}:flags=bicubic:out_color_matrix=bt709:out_range=tv")
    chain += ["setsar=1", "format=yuv420p"]
    return ",".join(chain)
