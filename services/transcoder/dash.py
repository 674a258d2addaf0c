"""The DASH manifest (ISO/IEC 23009-1) over the same tracks and segments that HLS uses. Pure: tracks in, text out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from services.contracts.ladder import AUDIO_HZ, GOP_SECONDS
from services.transcoder import commands
from services.transcoder.tracks import Track

PROFILES = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"


def manifest(videos: Sequence[Track], audio: Track | None) -> str:
    """The MPD over `videos` (at least one) and the sound, if there is one."""
    tracks = [*videos, *([audio] if audio else [])]
    longest = max(float(track.seconds) for track in tracks)
    root = Element(
        "MPD",
        {
            "xmlns": "urn:mpeg:dash:schema:mpd:2011",
            "profiles": PROFILES,
            "type": "static",
            "mediaPresentationDuration": f"PT{longest:.3f}S",
            "minBufferTime": f"PT{GOP_SECONDS}S",
        },
    )
    period = SubElement(root, "Period", {"id": "0", "start": "PT0S"})
    picture = _adaptation_set(period, 0, "video")
    for track in sorted(videos, key=lambda t: t.average_bps):
        size = {"width": str(track.width), "height": str(track.height), "frameRate": track.fps, "sar": "1:1"}
        _representation(picture, track, size)
    if audio is not None:
        sound = _adaptation_set(period, 1, "audio")
        representation = _representation(sound, audio, {"audioSamplingRate": str(AUDIO_HZ)})
        channels = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
        representation.insert(0, Element("AudioChannelConfiguration", {"schemeIdUri": channels, "value": "2"}))
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _adaptation_set(period: Element, number: int, kind: str) -> Element:
    return SubElement(
        period,
        "AdaptationSet",
        {
            "id": str(number),
            "contentType": kind,
            "mimeType": f"{kind}/mp4",
            "segmentAlignment": "true",
            "startWithSAP": "1",
        },
    )


def _representation(parent: Element, track: Track, more: dict[str, str]) -> Element:
    fixed = {"id": track.name, "codecs": track.codecs, "bandwidth": str(track.peak_bps)}
    representation = SubElement(parent, "Representation", fixed | more)
    template = SubElement(
        representation,
        "SegmentTemplate",
        {
            "timescale": str(track.timescale),
            "initialization": f"{track.directory}/{commands.INIT}",
            "media": f"{track.directory}/{commands.SEGMENT}",
            "startNumber": "1",
        },
    )
    timeline = SubElement(template, "SegmentTimeline")
    for number, (ticks, run) in enumerate(groupby(s.ticks for s in track.segments)):
        repeats = len(list(run)) - 1
        entry = ({"t": "0"} if number == 0 else {}) | {"d": str(ticks)} | ({"r": str(repeats)} if repeats else {})
        SubElement(timeline, "S", entry)
    return representation
