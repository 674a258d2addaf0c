"""Overload: an upstream of 20 places of 10 ms (2,000 requests/s), and ten times that offered.

Owns the numbers and how the two programs are called; they are in Go (``assets/overload``), because upstream and sender
share a core, and in Python they measured themselves. The gateway under test is a process like any other.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.gateway.registries import ASSETS
from local import cache
from local.cache import Artefact

PLACES: Final = 20
MILLISECONDS_EACH: Final = 10
CAPACITY: Final = PLACES * 1000 // MILLISECONDS_EACH
"""Requests/s that the upstream can answer."""
OFFERED: Final = 20_000


@dataclass(frozen=True)
class Seen:
    """What the sender saw. Rates in requests/s, times in milliseconds of admitted requests, from when each was due."""

    offered: float
    admitted: float
    shed: float
    other: int
    p50_ms: float
    p99_ms: float


def program() -> Path:
    """The built program. Raises RuntimeError without Go."""
    source = ASSETS / "overload"
    text = b"".join(file.read_bytes() for file in sorted(source.iterdir()))
    go = shutil.which("go")
    if go is None:
        raise RuntimeError("the overload measurement needs Go 1.25 or newer on PATH; install it and run again")

    def build(target: Path) -> None:
        subprocess.run([go, "build", "-trimpath", "-o", str(target / "overload"), "."], cwd=source, check=True)

    version = hashlib.sha256(text).hexdigest()[:16]
    return cache.install(
        Artefact("bench-overload", version, "building the sender of the overload measurement"), build
    ) / ("overload")


def upstream_command(port: int) -> list[str]:
    """Serves until it is stopped."""
    return [str(program()), "upstream", str(port), str(PLACES), str(MILLISECONDS_EACH)]


def offer(port: int, request: bytes, rate: int, seconds: int, core: int) -> Seen:
    """Sends ``rate`` requests/s for ``seconds`` from ``core``, whether or not earlier ones are answered."""
    done = subprocess.run(
        ["taskset", "-c", str(core), str(program()), "offer", str(port), str(rate), str(seconds)],
        input=request,
        capture_output=True,
        timeout=seconds + 30,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"the sender failed: {done.stderr.decode(errors='replace')[-400:]}")
    return Seen(**json.loads(done.stdout))
