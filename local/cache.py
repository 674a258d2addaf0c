"""Installed artefacts: things downloaded or built once and kept by name and version.

Owns the guarantee that an artefact is either complete or absent, whatever happens: two runs at a time, a kill in the
middle of a build, a full disk. Does not own what is built (the caller's function does that) nor where servers keep
their data.

Layout below the cache root: `<name>/<version>/` is a complete artefact, `<name>/<version>.lock` its lock file,
`<name>/.<version>.building/` a build that is running or was interrupted.
"""

import fcntl
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local import paths

_PART: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")

Report = Callable[[str], None]
"""Takes one line of progress for the user."""


def to_stderr(line: str) -> None:
    """The default report: a line on standard error, so that standard output stays parseable."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True)
class Artefact:
    """What to install. `version` must change whenever the result would differ."""

    name: str
    version: str
    task: str
    """What the user reads while waiting, with the expected time: "building X, about 4 minutes, once"."""

    def __post_init__(self) -> None:
        for part in (self.name, self.version):
            if not _PART.fullmatch(part):
                raise ValueError(f"{part!r} cannot name a cache entry: use a-z, 0-9, '.', '_' and '-'")


def location(artefact: Artefact, root: Path | None = None) -> Path:
    """Where the artefact is, or would be."""
    return (root or paths.cache()) / artefact.name / artefact.version


def installed(artefact: Artefact, root: Path | None = None) -> bool:
    """Whether a complete artefact is there."""
    return location(artefact, root).is_dir()


def install(
    artefact: Artefact,
    build: Callable[[Path], None],
    *,
    root: Path | None = None,
    report: Report = to_stderr,
    heartbeat: float = 15.0,
) -> Path:
    """Return the artefact's directory, building it first when it is not there.

    `build` receives an empty directory on the same file system and fills it; whatever it raises passes through and
    leaves nothing. Of two callers in any processes one builds and the other waits for it. A line of progress is
    reported at the start, every `heartbeat` seconds, and at the end.
    """
    target = location(artefact, root)
    if target.is_dir():
        return target
    paths.private_directory(target.parent)
    with _locked(target.with_name(f"{artefact.version}.lock"), artefact, report, heartbeat):
        if target.is_dir():
            return target
        # Holding the lock means that no living process owns this directory: a leftover is an interrupted build.
        building = target.with_name(f".{artefact.version}.building")
        _remove(building)
        building.mkdir(mode=paths.PRIVATE)
        try:
            with _progress(artefact.task, report, heartbeat):
                build(building)
            building.rename(target)
        except BaseException:
            _remove(building)
            raise
    return target


@contextmanager
def _locked(path: Path, artefact: Artefact, report: Report, heartbeat: float) -> Iterator[None]:
    """Hold an advisory lock that the kernel drops with the process, so that no stale lock can exist."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting = f"waiting for another run that is {artefact.task}"
            with _progress(waiting, report, heartbeat):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _progress(task: str, report: Report, heartbeat: float) -> Iterator[None]:
    started = time.monotonic()
    finished = threading.Event()

    def beat() -> None:
        while not finished.wait(heartbeat):
            report(f"{task}: {time.monotonic() - started:.0f} s so far")

    report(task)
    thread = threading.Thread(target=beat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()
    report(f"{task}: done in {time.monotonic() - started:.0f} s")


def _remove(directory: Path) -> None:
    """Remove a tree even where a build made directories read-only, as Go's module cache does."""
    if not directory.exists():
        return
    for parent, names, _ in os.walk(directory):
        for name in names:
            child = Path(parent, name)
            if not child.is_symlink():
                child.chmod(paths.PRIVATE)
    shutil.rmtree(directory)
