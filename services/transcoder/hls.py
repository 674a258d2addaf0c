"""HLS playlists (RFC 8216 and Apple's authoring rules) over finished tracks. Pure: tracks in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from services.transcoder import commands
from services.transcoder.tracks import Track

VERSION = 7
"""Fragmented MP4 with EXT-X-MAP needs 6; 7 is the first with all attributes used here."""
FIRST_BPS = 2_000_000
"""The variant nearest to this comes first, where players start (Apple 1.32)."""
MEDIA = "media.m3u8"
_GROUP = "sound"


def media_playlist(track: Track) -> str:
    """The playlist of one track; it lies beside the segments."""
    longest = max(Fraction(s.ticks, track.timescale) for s in track.segments)
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{round(longest) or 1}",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{commands.INIT}"',
    ]
    for number, segment in enumerate(track.segments, 1):
        lines.append(f"#EXTINF:{segment.ticks / track.timescale:.6f},")
        lines.append(commands.segment_name(number))
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def master_playlist(videos: Sequence[Track], audio: Track | None) -> str:
    """The multivariant playlist over `videos` (at least one) and the sound, if there is one."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio is not None:
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_GROUP}",NAME="Main",DEFAULT=YES,AUTOSELECT=YES,'
            f'CHANNELS="2",URI="{audio.directory}/{MEDIA}"'
        )
    for track in sorted(videos, key=lambda t: (_distance(t) != min(map(_distance, videos)), t.average_bps)):
        lines += [f"#EXT-X-STREAM-INF:{_attributes(track, audio)}", f"{track.directory}/{MEDIA}"]
    return "\n".join([*lines, ""])


def _distance(track: Track) -> int:
    return abs(track.average_bps - FIRST_BPS)


def _attributes(track: Track, audio: Track | None) -> str:
    sound_peak, sound_average = (audio.peak_bps, audio.average_bps) if audio else (0, 0)
    codecs = f"{track.codecs},{audio.codecs}" if audio else track.codecs
    parts = [
        f"BANDWIDTH={track.peak_bps + sound_peak}",
        f"AVERAGE-BANDWIDTH={track.average_bps + sound_average}",
        f"RESOLUTION={track.width}x{track.height}",
        f"FRAME-RATE={float(Fraction(track.fps)):.3f}",
        f'CODECS="{codecs}"',
        "VIDEO-RANGE=SDR",
    ]
    return ",".join([*parts, f'AUDIO="{_GROUP}"'] if audio else parts)
