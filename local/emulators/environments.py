"""Environments of emulators that cannot share the project's own: one per committed lock, in the cache.

The lock files (`locks/*.txt`, with hashes) are made by `uv pip compile --generate-hashes --no-header NAME.in -o NAME.txt`
and for MiniStack `--universal --python-version 3.11`, for LocalStack `--python-version 3.13 --exclude-newer 2026-04-10`
(its requirements are open at the top, and what came after its release breaks it).
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from local import cache, uv
from local.emulators.seam import InstallError

_LOCKS = Path(__file__).parent / "locks"
_PYTHON = {"localstack": "3.13"}
"""LocalStack 2026.3.0 is written in Python 3.12's syntax, and its requirements do not resolve for 3.14."""
_SECONDS = 900.0


def artefact(name: str) -> cache.Artefact:
    """The environment of an emulator, named by its lock and this interpreter."""
    lock = (_LOCKS / f"{name}.txt").read_bytes()
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    version = f"{hashlib.sha256(lock).hexdigest()[:16]}-py{_PYTHON.get(name, ours)}"
    return cache.Artefact(f"emulator-{name}", version, f"installing the emulator {name}, about 20 seconds, once")


def python(name: str) -> Path:
    """The interpreter of an installed environment; raises InstallError when it is not there."""
    place = artefact(name)
    if not cache.installed(place):
        raise InstallError(f"the emulator {name} is not installed; run `make up`, which installs it")
    return cache.location(place) / "bin" / "python"


def install(name: str, report: cache.Report) -> None:
    """Install the locked environment of an emulator, once."""
    try:
        program = uv.program()
    except uv.MissingError as error:
        raise InstallError(str(error)) from error
    cache.install(artefact(name), lambda directory: _build(program, name, directory), report=report)


def _build(program: str, name: str, directory: Path) -> None:
    # The finished directory is renamed into place, so nothing inside may hold its path.
    commands = (
        [
            program,
            "venv",
            "--quiet",
            "--allow-existing",
            "--relocatable",
            "--python",
            _PYTHON.get(name, sys.executable),
            str(directory),
        ],
        [
            *(program, "pip", "install", "--quiet", "--require-hashes", "--no-deps"),
            *("--python", str(directory / "bin" / "python"), "-r", str(_LOCKS / f"{name}.txt")),
        ],
    )
    for command in commands:
        finished = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        if finished.returncode:
            said = (finished.stderr or finished.stdout).strip()[-2000:]
            wanted = (
                f"; it needs Python {_PYTHON[name]}: `uv python install {_PYTHON[name]}`" if name in _PYTHON else ""
            )
            raise InstallError(f"`{' '.join(command[1:3])}` for the emulator {name} failed: {said}{wanted}")
