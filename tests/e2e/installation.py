"""A whole platform of its own for end-to-end tests: brought up by the command that people use, and removed by it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import ports

UP_SECONDS = 1500
"""From nothing, the engine's build included; with warm caches it is a few minutes."""
DOWN_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Installation:
    """A running platform."""

    url: str
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        """The command line of one of the project's commands."""
        return [str(Path(sys.executable).with_name("meridian")), *arguments]

    def meridian(self, *arguments: str, seconds: float = UP_SECONDS) -> subprocess.CompletedProcess[str]:
        """Runs the command on this installation."""
        return subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=seconds, check=False
        )


@contextmanager
def installed(cells: str) -> Iterator[Installation]:
    """The platform with `cells`, in a home and on ports of its own."""
    # Short, for socket paths; and not below a directory that only root may enter.
    with tempfile.TemporaryDirectory(prefix="m-e2e-") as home:
        Path(home).chmod(0o755)
        environment = os.environ | {
            "MERIDIAN_HOME": str(Path(home) / "state"),
            "MERIDIAN_PORT_BASE": str(free_base(cells)),
            "CELLS": cells,
        }
        installation = Installation("", environment)
        try:
            up = installation.meridian("up", "--json")
            if up.returncode != 0:
                raise RuntimeError(f"meridian up failed with code {up.returncode}:\n{up.stderr[-6000:]}")
            yield Installation(json.loads(up.stdout)["url"], environment)
        finally:
            installation.meridian("down", seconds=DOWN_SECONDS)


def free_base(cells: str) -> int:
    """A port base whose ports are all free."""
    for _ in range(50):
        base = random.randrange(22_000, 32_000, ports.SPAN)
        if not ports.holders(ports.table(base, cells.split(","))):
            return base
    raise RuntimeError("no range of ports is free; stop some of what listens on 127.0.0.1")
