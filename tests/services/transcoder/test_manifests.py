"""HLS and DASH over the same tracks."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from services.transcoder import dash, hls
from services.transcoder.tracks import Segment, Track

_MPD = {"m": "urn:mpeg:dash:schema:mpd:2011"}


def video(name: str, width: int, height: int, size: int) -> Track:
    """20 seconds in segments of 6, 6, 6 and 2 s; the second is the largest."""
    ticks = (76_800, 76_800, 76_800, 25_600)
    sizes = (size, 2 * size, size, size // 3)
    return Track(
        name=name,
        directory=f"{name}-1",
        kind="video",
        codecs="avc1.4d4015",
        timescale=12_800,
        segments=tuple(Segment(ticks=t, size=s) for t, s in zip(ticks, sizes, strict=True)),
        width=width,
        height=height,
        fps="25/1",
    )


LOW, HIGH = video("144p", 256, 144, 75_000), video("480p", 854, 480, 1_500_000)
SOUND = Track(
    name="audio",
    directory="audio-1",
    kind="audio",
    codecs="mp4a.40.2",
    timescale=48_000,
    segments=(Segment(ticks=960_000, size=320_000),),
)


def test_bandwidth_is_the_worst_window_and_average_the_whole() -> None:
    assert LOW.average_bps == round((75_000 * 4 + 25_000) * 8 / 20)
    assert LOW.peak_bps == 2 * 75_000 * 8 / 6


def test_the_master_playlist_states_measured_rates_sizes_codecs_and_sound() -> None:
    text = hls.master_playlist([LOW], SOUND)
    (line,) = re.findall(r"#EXT-X-STREAM-INF:(.*)\n144p-1/media.m3u8", text)
    assert line == (
        f"BANDWIDTH={LOW.peak_bps + 128_000},AVERAGE-BANDWIDTH={LOW.average_bps + 128_000},RESOLUTION=256x144,"
        'FRAME-RATE=25.000,CODECS="avc1.4d4015,mp4a.40.2",VIDEO-RANGE=SDR,AUDIO="sound"'
    )
    assert 'TYPE=AUDIO,GROUP-ID="sound"' in text
    assert 'URI="audio-1/media.m3u8"' in text


def test_a_silent_video_names_no_sound() -> None:
    text = hls.master_playlist([LOW, HIGH], None)
    assert "AUDIO" not in text
    assert "mp4a" not in text
    assert dash.manifest([LOW], None).count("<AdaptationSet") == 1


def test_the_variant_nearest_to_two_megabits_comes_first() -> None:
    uris = re.findall(r"^(\S+)/media\.m3u8$", hls.master_playlist([LOW, HIGH], SOUND), re.MULTILINE)
    assert uris == ["480p-1", "144p-1"]


def test_a_media_playlist_lists_every_segment_with_its_duration_and_ends() -> None:
    text = hls.media_playlist(LOW)
    assert [float(d) for d in re.findall(r"#EXTINF:([\d.]+),", text)] == [6, 6, 6, 2]
    assert re.findall(r"^s\d+\.m4s$", text, re.MULTILINE) == [f"s0000{n}.m4s" for n in (1, 2, 3, 4)]
    assert "#EXT-X-TARGETDURATION:6\n" in text
    assert text.endswith("#EXT-X-ENDLIST\n")


@pytest.mark.parametrize("seconds", ["6006/1000", "59/10", "13/10", "1/3"])
def test_no_segment_is_longer_than_the_target_when_rounded(seconds: str) -> None:
    track = LOW.model_copy(update={"segments": (Segment(ticks=round(Fraction(seconds) * 12_800), size=9),)})
    target = int(re.findall(r"TARGETDURATION:(\d+)", hls.media_playlist(track))[0])
    assert target >= 1
    assert round(Fraction(seconds)) <= target


def test_dash_and_hls_name_the_same_files_and_durations() -> None:
    root = ElementTree.fromstring(dash.manifest([LOW, HIGH], SOUND))
    representations = {r.attrib["id"]: r for r in root.iterfind(".//m:Representation", _MPD)}
    assert set(representations) == {"144p", "480p", "audio"}
    for track in (LOW, HIGH, SOUND):
        template = representations[track.name].find("m:SegmentTemplate", _MPD)
        assert template is not None
        assert template.attrib["initialization"] == f"{track.directory}/init.mp4"
        assert template.attrib["media"] == f"{track.directory}/s$Number%05d$.m4s"
        ticks = [
            int(s.attrib["d"]) for s in template.iterfind(".//m:S", _MPD) for _ in range(int(s.attrib.get("r", 0)) + 1)
        ]
        assert ticks == [s.ticks for s in track.segments]
        assert int(representations[track.name].attrib["bandwidth"]) == track.peak_bps
    assert root.attrib["mediaPresentationDuration"] == "PT20.000S"


def test_manifests_only_grow_when_rungs_are_added() -> None:
    fewer, more = (
        set(re.findall(r"^\S+/media\.m3u8$", hls.master_playlist(v, SOUND), re.MULTILINE)) for v in ([LOW], [LOW, HIGH])
    )
    assert fewer < more
