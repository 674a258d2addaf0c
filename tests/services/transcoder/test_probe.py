"""What is accepted as a video, and what a person is told otherwise."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transcoder import encode
from services.transcoder.probe import RefusedError, parse, probe
from tests import clips
from tests.services.transcoder.encodes import TOOLS, encode_all

VIDEO = {"index": 0, "codec_type": "video", "codec_name": "h264", "width": 640, "height": 360, "avg_frame_rate": "25/1"}


def report(*streams: dict[str, object], seconds: str = "10.0") -> bytes:
    return json.dumps({"streams": streams, "format": {"duration": seconds}}).encode()


async def refusal(path: Path) -> str:
    with pytest.raises(RefusedError) as caught:
        await probe(TOOLS, path)
    return str(caught.value)


async def test_a_real_clip_is_described() -> None:
    found = await probe(TOOLS, clips.real(clips.BUNNY))
    assert (found.width, found.height, found.fps, found.seconds) == (1280, 720, Fraction(25), 5.28)
    assert found.audio_stream is not None


async def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "0 bytes" in await refusal(tmp_path / "empty.mp4")


async def test_a_text_is_not_a_video(tmp_path: Path) -> None:
    (tmp_path / "letter.mp4").write_text("Dear reader, this is no video.\n" * 50)
    assert "not a video" in await refusal(tmp_path / "letter.mp4")


async def test_sound_alone_is_not_a_video() -> None:
    assert "no picture" in await refusal(clips.generated(clips.SOUND_ONLY))


async def test_a_file_whose_index_is_cut_off_is_refused_as_incomplete(tmp_path: Path) -> None:
    whole = clips.generated(clips.SILENT)
    assert "incomplete" in await refusal(clips.cut(whole, 0.6, tmp_path / "cut.mp4"))


def test_a_file_whose_picture_is_cut_off_is_refused_after_the_first_rung(tmp_path: Path) -> None:
    short = clips.cut(clips.generated(clips.FASTSTART), 0.5, tmp_path / "cut.mp4")
    encoded = encode_all(short, tmp_path / "out", rungs=("144p",))
    with pytest.raises(RefusedError, match=r"says that it lasts 8\.0 s, but its picture ends at"):
        encode.refuse_if_cut_off(encoded.source, encoded.videos[0])


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile /etc/hostname\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
    ],
)
async def test_a_list_that_names_other_files_is_never_followed(content: str, tmp_path: Path) -> None:
    (tmp_path / "list.mp4").write_text(content)
    assert "not a video" in await refusal(tmp_path / "list.mp4")


async def test_a_name_that_looks_like_an_option_or_a_protocol_is_only_a_name(tmp_path: Path) -> None:
    odd = tmp_path / "-i http:x.mp4"
    odd.write_bytes(clips.generated(clips.SILENT).read_bytes())
    assert (await probe(TOOLS, odd)).height == 240


def test_cover_art_does_not_make_music_a_video() -> None:
    cover = VIDEO | {"codec_name": "mjpeg", "disposition": {"attached_pic": 1}}
    with pytest.raises(RefusedError, match="no picture"):
        parse(report(cover))


@pytest.mark.parametrize(("width", "height"), [(0, 360), (640, 0), (20_000, 20_000), (-1, 5)])
def test_absurd_sizes_are_refused(width: int, height: int) -> None:
    with pytest.raises(RefusedError, match="pixels is not accepted"):
        parse(report(VIDEO | {"width": width, "height": height}))


@pytest.mark.parametrize("seconds", ["43201", "1e12", "-3"])
def test_absurd_durations_are_refused(seconds: str) -> None:
    with pytest.raises(RefusedError, match="at most 12 hours"):
        parse(report(VIDEO, seconds=seconds))


def test_an_unknown_codec_is_named() -> None:
    with pytest.raises(RefusedError, match="'cinepak' is not supported"):
        parse(report(VIDEO | {"codec_name": "cinepak"}))


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("30000/1001", Fraction(30000, 1001)),
        ("2997/100", Fraction(30000, 1001)),
        ("25/1", Fraction(25)),
        ("30/1", Fraction(30)),
        ("24/1", Fraction(24)),
        ("1499/100", Fraction(15)),
        ("120/1", Fraction(60)),
        ("1/100", Fraction(1)),
        ("0/0", Fraction(30)),
    ],
)
def test_the_rate_is_made_constant_and_bounded(stated: str, expected: Fraction) -> None:
    assert parse(report(VIDEO | {"avg_frame_rate": stated})).fps == expected


def test_a_turned_camera_swaps_width_and_height() -> None:
    found = parse(report(VIDEO | {"side_data_list": [{"side_data_type": "Display Matrix", "rotation": -90}]}))
    assert (found.width, found.height) == (360, 640)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_whatever_a_report_holds_it_is_a_source_or_a_refusal(anything: object) -> None:
    with pytest.raises(RefusedError):
        parse(json.dumps({"streams": [anything], "format": anything}).encode())
