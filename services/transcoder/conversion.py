"""MediaConvert's job for a video: the same renditions, GOPs and segments as FFmpeg's, written down as AWS reads them. Pure.

Owns the settings of a job and the names of what it writes. The renditions are ``plan``'s, their ladder is
`services.contracts.ladder`; nothing of either is repeated here. Fields and values: the service model that botocore
carries, and https://docs.aws.amazon.com/mediaconvert/latest/apireference/jobs.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.contracts.ladder import AUDIO_HZ, AUDIO_KBPS, GOP_SECONDS, SEGMENT_SECONDS
from services.transcoder.plan import Rendition

Settings = dict[str, object]

STREAM: Final = "stream"
"""Beginning of every object's name that a job writes."""
LEAST_SIDE: Final = 32
"""Pixels: MediaConvert makes no smaller picture."""
_HIGHEST_LEVEL: Final = "5.2"
_AUDIO_SOURCE: Final = "Audio Selector 1"


@dataclass(frozen=True, slots=True)
class Conversion:
    """What one job is about."""

    source: str
    """``s3://`` address of the upload."""
    target: str
    """``s3://`` address of a prefix in the media bucket, with its slash, that was never written to."""
    renditions: Sequence[Rendition]
    """Ascending."""
    sound: bool
    interlaced: bool = False


def request(conversion: Conversion, *, queue_arn: str, role_arn: str, token: str) -> Settings:
    """The arguments of CreateJob. ``token``: the same for a repeated request, which then makes no second job."""
    return {
        "ClientRequestToken": token,
        "Queue": queue_arn,
        "Role": role_arn,
        "StatusUpdateInterval": "SECONDS_15",
        "Settings": {
            "Inputs": [_input(conversion)],
            "OutputGroups": [_group(conversion)],
            "TimecodeConfig": {"Source": "ZEROBASED"},
        },
    }


def hls_name() -> str:
    """The HLS manifest's name below the target."""
    return f"{STREAM}.m3u8"


def dash_name() -> str:
    """The DASH manifest's name below the target."""
    return f"{STREAM}.mpd"


def _input(conversion: Conversion) -> Settings:
    made: Settings = {
        "FileInput": conversion.source,
        "TimecodeSource": "ZEROBASED",
        "VideoSelector": {"Rotate": "AUTO"},
    }
    if conversion.sound:
        made["AudioSelectors"] = {_AUDIO_SOURCE: {"DefaultSelection": "DEFAULT"}}
    return made


def _group(conversion: Conversion) -> Settings:
    """One set of CMAF segments and both manifests over it."""
    outputs = [_video(rendition, conversion.interlaced) for rendition in conversion.renditions]
    if conversion.sound:
        outputs.append(_audio())
    return {
        "Name": "CMAF",
        "OutputGroupSettings": {
            "Type": "CMAF_GROUP_SETTINGS",
            "CmafGroupSettings": {
                "Destination": f"{conversion.target}{STREAM}",
                "SegmentLength": SEGMENT_SECONDS,
                "FragmentLength": GOP_SECONDS,
                "SegmentControl": "SEGMENTED_FILES",
                "WriteHlsManifest": "ENABLED",
                "WriteDashManifest": "ENABLED",
                "ManifestDurationFormat": "FLOATING_POINT",
            },
        },
        "Outputs": outputs,
    }


def _video(rendition: Rendition, interlaced: bool) -> Settings:
    deinterlacer = {"Deinterlacer": {"Algorithm": "INTERPOLATE", "Mode": "DEINTERLACE", "Control": "NORMAL"}}
    return {
        "NameModifier": f"_{rendition.name}",
        "ContainerSettings": {"Container": "CMFC"},
        "VideoDescription": {
            "Width": max(rendition.width, LEAST_SIDE),
            "Height": max(rendition.height, LEAST_SIDE),
            "ScalingBehavior": "DEFAULT",
            **({"VideoPreprocessors": deinterlacer} if interlaced else {}),
            "CodecSettings": {
                "Codec": "H_264",
                "H264Settings": {
                    "RateControlMode": "VBR",
                    "Bitrate": rendition.kbps * 1_000,
                    "MaxBitrate": rendition.maxrate_kbps * 1_000,
                    "HrdBufferSize": 2 * rendition.maxrate_kbps * 1_000,
                    "QualityTuningLevel": "SINGLE_PASS",
                    "CodecProfile": rendition.rung.profile.upper(),
                    "CodecLevel": _level(rendition.level),
                    "FramerateControl": "SPECIFIED",
                    "FramerateNumerator": rendition.fps.numerator,
                    "FramerateDenominator": rendition.fps.denominator,
                    # Every rung has its key frames at the same times, and none in between.
                    "GopSize": rendition.gop_frames,
                    "GopSizeUnits": "FRAMES",
                    "GopClosedCadence": 1,
                    "SceneChangeDetect": "DISABLED",
                },
            },
        },
    }


def _audio() -> Settings:
    return {
        "NameModifier": "_audio",
        "ContainerSettings": {"Container": "CMFC"},
        "AudioDescriptions": [
            {
                "AudioSourceName": _AUDIO_SOURCE,
                "CodecSettings": {
                    "Codec": "AAC",
                    "AacSettings": {
                        "Bitrate": AUDIO_KBPS * 1_000,
                        "CodingMode": "CODING_MODE_2_0",
                        "SampleRate": AUDIO_HZ,
                    },
                },
            }
        ],
    }


def _level(name: str) -> str:
    """MediaConvert's word for an H.264 level; above its highest it chooses by itself."""
    if tuple(map(int, name.split("."))) > tuple(map(int, _HIGHEST_LEVEL.split("."))):
        return "AUTO"
    major, minor = name.split(".")
    return f"LEVEL_{major}" if minor == "0" else f"LEVEL_{major}_{minor}"
