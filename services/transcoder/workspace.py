"""Scratch directories of jobs. Owns their removal, also of those that a killed process left behind."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r"meridian-transcoder-(\d+)-\w+")


@contextmanager
def workspace(root: Path | None = None) -> Iterator[Path]:
    """An empty private directory, removed at the end. It carries the process id, which tells leftovers apart."""
    path = Path(tempfile.mkdtemp(prefix=f"meridian-transcoder-{os.getpid()}-", dir=root))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_leftovers(root: Path | None = None) -> int:
    """Remove the directories of processes of this user that no longer run; returns how many."""
    removed = 0
    for path in (root or Path(tempfile.gettempdir())).iterdir():
        named = _NAME.fullmatch(path.name)
        if named and path.stat().st_uid == os.getuid() and not _runs(int(named[1])):
            shutil.rmtree(path, ignore_errors=True)
            removed += 1
    return removed


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
