"""A job of MediaConvert says what FFmpeg would do, in words that AWS's own model of the service knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts.ladder import AUDIO_HZ, LADDER, SEGMENT_SECONDS
from services.transcoder.conversion import Conversion, request
from services.transcoder.plan import Rendition, plan
from services.transcoder.probe import Source

CREATE = botocore.session.get_session().get_service_model("mediaconvert").operation_model("CreateJob").input_shape


def source(width: int, height: int, fps: Fraction) -> Source:
    return Source(
        width=width, height=height, fps=fps, seconds=60.0, video_stream=0, audio_stream=1, interlaced=False
    )  # fmt: skip


def arguments(renditions: tuple[Rendition, ...], sound: bool = True, interlaced: bool = False) -> dict[str, Any]:
    made = Conversion("s3://uploads/sources/x", "s3://media/ab/x/converted-1/", renditions, sound, interlaced)
    return request(made, queue_arn="arn:queue", role_arn="arn:role", token="x-1")


def unknown_words(shape: Shape, value: object, path: str = "") -> Iterator[str]:
    """Texts that the model's enumerations do not have: botocore itself does not look."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name, inner in value.items():
            yield from unknown_words(shape.members[name], inner, f"{path}.{name}")
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for inner in value:
            yield from unknown_words(shape.member, inner, f"{path}[]")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for inner in value.values():
            yield from unknown_words(shape.value, inner, f"{path}{{}}")
    elif (words := getattr(shape, "enum", None)) and value not in words:
        yield f"{path}: {value!r} is none of {words}"


sources = st.builds(
    source,
    st.integers(min_value=16, max_value=8192),
    st.integers(min_value=16, max_value=8192),
    st.sampled_from([Fraction(24), Fraction(25), Fraction(30_000, 1001), Fraction(50), Fraction(60)]),
)


@settings(deadline=None)
@given(sources, st.booleans(), st.booleans())
def test_every_job_is_one_that_the_services_model_takes(of: Source, sound: bool, interlaced: bool) -> None:
    made = arguments(plan(of), sound, interlaced)
    assert ParamValidator().validate(made, CREATE).generate_report() == ""
    assert list(unknown_words(CREATE, made)) == []


def test_a_word_that_the_service_does_not_know_would_be_noticed() -> None:
    made = arguments(plan(source(1280, 720, Fraction(30))))
    made["Settings"]["OutputGroups"][0]["Outputs"][0]["ContainerSettings"]["Container"] = "MKV"
    assert len(list(unknown_words(CREATE, made))) == 1


def outputs(made: dict[str, Any]) -> list[dict[str, Any]]:
    (group,) = made["Settings"]["OutputGroups"]
    found: list[dict[str, Any]] = group["Outputs"]
    return found


def test_the_renditions_are_the_ladders_with_its_rates_and_one_clock_of_key_frames() -> None:
    renditions = plan(source(3840, 2160, Fraction(30)))
    videos = [output for output in outputs(arguments(renditions)) if "VideoDescription" in output]
    codecs = [output["VideoDescription"]["CodecSettings"]["H264Settings"] for output in videos]
    assert [output["NameModifier"] for output in videos] == [f"_{rung.name}" for rung in LADDER]
    assert [codec["Bitrate"] for codec in codecs] == [rung.kbps * 1_000 for rung in LADDER]
    assert [codec["MaxBitrate"] for codec in codecs] == [rung.maxrate_kbps * 1_000 for rung in LADDER]
    assert {codec["GopSize"] for codec in codecs} == {60}
    assert {codec["SceneChangeDetect"] for codec in codecs} == {"DISABLED"}


def test_segments_are_the_ladders_and_both_manifests_are_written_over_them() -> None:
    (group,) = arguments(plan(source(640, 360, Fraction(25))))["Settings"]["OutputGroups"]
    cmaf = group["OutputGroupSettings"]["CmafGroupSettings"]
    assert cmaf["SegmentLength"] == SEGMENT_SECONDS
    assert SEGMENT_SECONDS % cmaf["FragmentLength"] == 0
    assert (cmaf["WriteHlsManifest"], cmaf["WriteDashManifest"]) == ("ENABLED", "ENABLED")


@pytest.mark.parametrize("sound", [True, False])
def test_sound_is_asked_for_only_where_there_is_some(sound: bool) -> None:
    made = arguments(plan(source(640, 360, Fraction(25))), sound)
    rates = [
        description["CodecSettings"]["AacSettings"]["SampleRate"]
        for output in outputs(made)
        for description in output.get("AudioDescriptions", [])
    ]
    assert rates == ([AUDIO_HZ] if sound else [])
    assert ("AudioSelectors" in made["Settings"]["Inputs"][0]) is sound
