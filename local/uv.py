"""The package manager: the one on PATH, else the one that `make` keeps in the cache. Owns where it is found, not its version."""

from __future__ import annotations

import shutil
from pathlib import Path

from local import paths


class MissingError(Exception):
    """There is no uv; the message says what to do."""


def program(cache: Path | None = None) -> str:
    """The path of uv. Raises `MissingError`. ``cache``: another cache than this installation's."""
    found = shutil.which("uv")
    if found is not None:
        return found
    kept = sorted(((cache or paths.cache()) / "uv").glob("*/bin/uv"))
    if kept:
        return str(kept[-1])
    raise MissingError("uv is neither on PATH nor in the cache. Remedy: `make install`, or `pip install uv`")
