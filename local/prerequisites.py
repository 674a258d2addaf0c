"""What the machine has to bring before `make up` can work, all of it checked at once.

Owns the list, the remedy for each, and the decision what is needed given what is already there. Does not own the
installation of anything.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local import paths
from local.engine import bootstrap

EXIT_CODE: Final = 2
"""Exit code of a command that cannot start because something is missing."""

OLDEST_PYTHON: Final = (3, 11)
OLDEST_NODE: Final = (20,)
DISK_NEEDED: Final = 6 * 1024**3
"""Bytes that must be free for the first run: Go's caches 2.5 GB, Kafka and Maven 0.5 GB, servers' data 2 GB, a margin."""

DISK_NEEDED_AGAIN: Final = 2 * 1024**3
"""Bytes that must be free once everything is built."""

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine has. A version is None where the program is missing, `()` where it would not tell."""

    python: Version
    go: Version | None
    maven: bool
    node: Version | None
    npm: bool
    git: bool
    engine: bool
    """A usable Pulumi engine, on PATH or built earlier."""
    kafka: bool
    """Kafka from KAFKA_HOME, or installed earlier."""
    free_disk: int
    """Bytes, where the cache and the state lie (the smaller)."""


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing to install: what is wanted, what was found, and what to do."""

    what: str
    found: str
    remedy: str


class MissingPrerequisitesError(Exception):
    """Everything that is missing, as a table. Commands end with EXIT_CODE."""

    def __init__(self, missing: Sequence[Missing]) -> None:
        self.missing = tuple(missing)
        super().__init__(table(missing))


def missing(machine: Machine) -> tuple[Missing, ...]:
    """What has to be installed on such a machine before the first run. Pure."""
    wanted_go = bootstrap.go_version()
    first_run = not (machine.engine and machine.kafka)
    needed_disk = DISK_NEEDED if first_run else DISK_NEEDED_AGAIN
    checks: list[tuple[bool, Missing]] = [
        (
            machine.python >= OLDEST_PYTHON,
            Missing(_at_least("Python", OLDEST_PYTHON), _shown(machine.python), "https://www.python.org/downloads"),
        ),
        (
            machine.engine or (machine.go is not None and machine.go[:2] >= wanted_go),
            Missing(
                f"{_at_least('Go', wanted_go)}, to build the Pulumi engine",
                _shown(machine.go),
                "https://go.dev/dl, or the Pulumi CLI: https://www.pulumi.com/docs/install",
            ),
        ),
        (
            machine.kafka or machine.maven,
            Missing(
                "Maven, to fetch Apache Kafka",
                "none",
                "install the package `maven`, or set KAFKA_HOME to an unpacked Apache Kafka",
            ),
        ),
        (
            machine.node is not None and machine.node >= OLDEST_NODE,
            Missing(f"{_at_least('Node', OLDEST_NODE)}, to build the page", _shown(machine.node), "https://nodejs.org"),
        ),
        (machine.npm, Missing("npm, to build the page", "none", "it comes with Node: https://nodejs.org")),
        (machine.git, Missing("git", "none", "install the package `git`")),
        (
            machine.free_disk >= needed_disk,
            Missing(
                f"{_gib(needed_disk)} of free disk",
                _gib(machine.free_disk),
                "free some, or set MERIDIAN_CACHE and MERIDIAN_HOME to another disk",
            ),
        ),
    ]
    return tuple(entry for present, entry in checks if not present)


def require(machine: Machine) -> None:
    """Raise MissingPrerequisitesError when anything is missing."""
    lacking = missing(machine)
    if lacking:
        raise MissingPrerequisitesError(lacking)


def table(entries: Sequence[Missing]) -> str:
    """The entries as text, one line each under a heading."""
    rows = [("missing", "found", "remedy"), *((entry.what, entry.found, entry.remedy) for entry in entries)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"  {what:<{widths[0]}}  {found:<{widths[1]}}  {remedy}" for what, found, remedy in rows)


def this_machine(*, kafka_installed: bool = False) -> Machine:
    """Ask this machine. `kafka_installed` says whether an earlier run has cached Kafka."""
    return Machine(
        python=sys.version_info[:3],
        go=_version(["go", "version"], r"go(\d+(?:\.\d+)*)"),
        maven=shutil.which("mvn") is not None,
        node=_version(["node", "--version"], r"v(\d+(?:\.\d+)*)"),
        npm=shutil.which("npm") is not None,
        git=shutil.which("git") is not None,
        engine=bootstrap.available(),
        kafka=kafka_installed or _is_kafka(os.environ.get("KAFKA_HOME", "")),
        free_disk=min(shutil.disk_usage(directory()).free for directory in _DIRECTORIES),
    )


_DIRECTORIES: Final[tuple[Callable[[], Path], ...]] = (paths.cache, paths.home)


def _is_kafka(directory: str) -> bool:
    return bool(directory) and Path(directory, "libs").is_dir()


def _version(command: list[str], pattern: str) -> Version | None:
    if shutil.which(command[0]) is None:
        return None
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(pattern, answer.stdout)
    return tuple(map(int, found[1].split("."))) if found else ()


def _at_least(name: str, version: Version) -> str:
    return f"{name} {'.'.join(map(str, version))} or newer"


def _shown(version: Version | None) -> str:
    if version is None:
        return "none"
    return ".".join(map(str, version)) or "one that does not run"


def _gib(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
