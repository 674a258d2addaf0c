"""What the encoder really writes, read back from the boxes and by ffprobe."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from services.contracts.ladder import GOP_SECONDS, SEGMENT_SECONDS
from services.transcoder import commands, dash, hls
from tests import clips
from tests.services.transcoder import boxes
from tests.services.transcoder.encodes import (
    Encoded,
    decoded,
    encode_all,
    key_times,
    played_frames,
    samples,
    segment_bytes,
    stream,
)

MPD = "{urn:mpeg:dash:schema:mpd:2011}"


@pytest.fixture(scope="module")
def bikes(tmp_path_factory: pytest.TempPathFactory) -> Encoded:
    return encode_all(clips.real(clips.BIKES), tmp_path_factory.mktemp("bikes"))


@pytest.fixture(scope="module")
def bunny(tmp_path_factory: pytest.TempPathFactory) -> Encoded:
    return encode_all(clips.real(clips.BUNNY), tmp_path_factory.mktemp("bunny"))


@pytest.fixture(scope="module")
def ntsc(tmp_path_factory: pytest.TempPathFactory) -> Encoded:
    return encode_all(clips.generated(clips.NTSC_LONG), tmp_path_factory.mktemp("ntsc"))


def test_a_720p_source_gets_the_five_rungs_up_to_its_own(bunny: Encoded) -> None:
    assert [(t.name, t.width, t.height) for t in bunny.videos] == [
        ("144p", 256, 144),
        ("240p", 426, 240),
        ("360p", 640, 360),
        ("480p", 854, 480),
        ("720p", 1280, 720),
    ]


@pytest.mark.parametrize("clip", ["bikes", "bunny", "ntsc"])
def test_key_frames_are_at_the_same_times_on_every_rung(clip: str, request: pytest.FixtureRequest) -> None:
    encoded: Encoded = request.getfixturevalue(clip)
    times = [key_times(encoded, track) for track in encoded.videos]
    assert all(other == times[0] for other in times)
    gop = encoded.renditions[0].gop_frames / encoded.renditions[0].fps
    assert times[0] == [i * gop for i in range(math.ceil(encoded.videos[0].seconds / gop))]


@pytest.mark.parametrize("clip", ["bikes", "bunny", "ntsc"])
def test_segments_have_the_same_durations_on_every_rung(clip: str, request: pytest.FixtureRequest) -> None:
    encoded: Encoded = request.getfixturevalue(clip)
    durations = [[Fraction(s.ticks, t.timescale) for s in t.segments] for t in encoded.videos]
    assert all(other == durations[0] for other in durations)


def test_a_segment_is_three_gops_of_two_seconds_also_at_an_ntsc_rate(ntsc: Encoded) -> None:
    gop = Fraction(60) / Fraction(30000, 1001)
    track = ntsc.videos[0]
    lengths = [Fraction(s.ticks, track.timescale) for s in track.segments]
    assert lengths[:-1] == [3 * gop] * (len(lengths) - 1)
    assert 3 * gop - SEGMENT_SECONDS < Fraction(1, 2)


def test_every_segment_begins_with_an_idr_frame_and_decodes_alone(bikes: Encoded) -> None:
    for track in bikes.videos:
        for number in range(1, len(track.segments) + 1):
            alone = decoded(bikes, track, (number,))
            assert alone[0] == "I"
            expected = track.segments[number - 1].ticks * Fraction(track.fps) / track.timescale
            assert len(alone) == expected, "a GOP that is not closed loses frames when it is decoded alone"


@pytest.mark.parametrize("clip", ["bikes", "bunny", "ntsc"])
def test_decode_times_go_on_without_gap_or_overlap_across_segments(clip: str, request: pytest.FixtureRequest) -> None:
    encoded: Encoded = request.getfixturevalue(clip)
    for track in (*encoded.videos, *([encoded.audio] if encoded.audio else [])):
        found = samples(encoded, track)
        assert found[0].decoded_at == found[0].shown_at == 0
        assert all(a.decoded_at + a.duration == b.decoded_at for a, b in pairwise(found))
        hidden = boxes.skipped_ticks((encoded.root / track.directory / commands.INIT).read_bytes())
        assert found[-1].decoded_at + found[-1].duration - hidden == sum(s.ticks for s in track.segments)


def test_files_carry_the_cmaf_brand(bunny: Encoded) -> None:
    assert bunny.audio is not None
    for track in (*bunny.videos, bunny.audio):
        assert "cmfc" in boxes.brands((bunny.root / track.directory / commands.INIT).read_bytes())


def test_the_duration_and_the_frames_of_the_source_are_kept(bikes: Encoded) -> None:
    for track in bikes.videos:
        assert track.seconds == 10
        assert len(decoded(bikes, track)) == 250


def test_headers_say_what_was_planned(bunny: Encoded) -> None:
    profiles = {"main": "Main", "high": "High"}
    for rendition, track in zip(bunny.renditions, bunny.videos, strict=True):
        found = stream(bunny, track)
        assert found["codec_name"] == "h264"
        assert found["profile"] == profiles[rendition.rung.profile]
        assert int(found["level"]) == round(float(rendition.level) * 10)
        assert (found["width"], found["height"]) == (rendition.width, rendition.height)
        assert (found["pix_fmt"], found["color_space"]) == ("yuv420p", "bt709")
        assert found["sample_aspect_ratio"] == "1:1"


def test_the_codec_string_states_profile_and_level_of_the_headers(bunny: Encoded) -> None:
    profile_bytes = {"main": 0x4D, "high": 0x64}
    for rendition, track in zip(bunny.renditions, bunny.videos, strict=True):
        name, _, numbers = track.codecs.partition(".")
        assert name == "avc1"
        assert int(numbers[:2], 16) == profile_bytes[rendition.rung.profile]
        assert int(numbers[4:], 16) == round(float(rendition.level) * 10)


def test_average_bit_rates_stay_below_the_peak_of_the_rung(bikes: Encoded, bunny: Encoded) -> None:
    for encoded in (bikes, bunny):
        for rendition, track in zip(encoded.renditions, encoded.videos, strict=True):
            assert track.average_bps <= rendition.maxrate_kbps * 1000 * 1.1


def test_sound_is_its_own_track_at_48_khz_and_as_long_as_the_picture(bunny: Encoded) -> None:
    assert bunny.audio is not None
    found = stream(bunny, bunny.audio)
    assert (found["codec_name"], found["sample_rate"], found["channels"]) == ("aac", "48000", 2)
    assert bunny.audio.codecs == "mp4a.40.2"
    assert abs(bunny.audio.seconds - bunny.videos[0].seconds) < Fraction(1, 10)


def test_a_silent_source_has_no_sound_track(bikes: Encoded) -> None:
    assert bikes.audio is None


def test_a_tiny_source_gets_the_lowest_rung_and_is_not_enlarged(tmp_path: Path) -> None:
    encoded = encode_all(clips.real(clips.CARPHONE), tmp_path)
    (track,) = encoded.videos
    # Pixels of 128:117 make 176 columns as wide as 193 square ones.
    assert (track.name, track.width, track.height) == ("144p", 192, 144)
    assert track.fps == "30000/1001"


def test_portrait_keeps_its_shape_and_counts_by_its_short_side(tmp_path: Path) -> None:
    encoded = encode_all(clips.generated(clips.PORTRAIT), tmp_path)
    assert [(t.width, t.height) for t in encoded.videos] == [(144, 256), (240, 426), (360, 640)]


def test_a_rotated_recording_is_turned_upright(tmp_path: Path) -> None:
    encoded = encode_all(clips.generated(clips.ROTATED), tmp_path, rungs=("360p",))
    found = stream(encoded, encoded.videos[0])
    assert (found["width"], found["height"]) == (360, 640)
    assert "side_data_list" not in found


def test_60_frames_a_second_stay_on_the_high_rungs_only_and_key_frames_still_agree(tmp_path: Path) -> None:
    encoded = encode_all(clips.generated(clips.FAST), tmp_path, rungs=("144p", "720p"))
    low, high = encoded.videos
    assert (low.fps, high.fps) == ("30/1", "60/1")
    assert len(samples(encoded, low)) * 2 == len(samples(encoded, high))
    assert key_times(encoded, low) == key_times(encoded, high) == [0, GOP_SECONDS]


def test_a_4k_source_reaches_2160p(tmp_path: Path) -> None:
    encoded = encode_all(clips.generated(clips.UHD), tmp_path, rungs=("2160p",))
    assert [(t.width, t.height) for t in encoded.videos] == [(3840, 2160)]
    assert [r.name for r in encoded.renditions] == ["2160p"]


@pytest.mark.parametrize("clip", ["bikes", "bunny"])
def test_a_player_that_reads_the_hls_manifest_gets_every_frame_of_every_rung(
    clip: str, request: pytest.FixtureRequest
) -> None:
    encoded: Encoded = request.getfixturevalue(clip)
    for track in (*encoded.videos, *([encoded.audio] if encoded.audio else [])):
        (encoded.root / track.directory / hls.MEDIA).write_text(hls.media_playlist(track))
    master = encoded.root / "master.m3u8"
    master.write_text(hls.master_playlist(encoded.videos, encoded.audio))
    expected = round(encoded.videos[0].seconds * encoded.source.fps)
    assert played_frames(master) == [expected] * len(encoded.videos)


def test_dash_states_the_same_times_as_the_boxes(bikes: Encoded) -> None:
    root = ElementTree.fromstring(dash.manifest(bikes.videos, None))
    for representation in root.iter(f"{MPD}Representation"):
        (track,) = [t for t in bikes.videos if t.name == representation.attrib["id"]]
        starts = [boxes.samples(segment_bytes(bikes, track, n + 1))[0].shown_at for n in range(len(track.segments))]
        at, stated = 0, []
        for entry in representation.iter(f"{MPD}S"):
            for _ in range(int(entry.attrib.get("r", "0")) + 1):
                stated.append(at)
                at += int(entry.attrib["d"])
        assert stated == starts
