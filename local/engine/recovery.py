"""What an interrupted run leaves in the backend, and how the next one deals with it.

Owns the reading of the DIY backend's lock files and of pending operations in a stack's state. It removes only locks of
processes that are gone. The repair of pending operations is an engine run, so it lies in `pulumi`.

Layout (DIY backend, project-scoped): `.pulumi/locks/organization/<project>/<stack>/<id>.json` and
`.pulumi/stacks/<project>/<stack>.json`.
"""

import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_HALF_WRITTEN: Final = 10.0
"""Seconds after which an unreadable lock is no longer one that is being written."""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file and who holds it. `pid` is None when the file is unreadable."""

    path: Path
    pid: int | None
    host: str
    age: float
    """Seconds."""

    def stale(self) -> bool:
        """Whether nobody can hold it any more. A lock of another host is never stale for us."""
        if self.pid is None:
            return self.age > _HALF_WRITTEN
        return self.host == socket.gethostname() and not _is_engine(self.pid)


def locks(state: Path, project: str, stack: str) -> tuple[Lock, ...]:
    """The locks of a stack."""
    directory = state / ".pulumi" / "locks" / "organization" / project / stack
    return tuple(_read_lock(path) for path in sorted(directory.glob("*.json")))


def remove_stale_locks(state: Path, project: str, stack: str) -> tuple[Lock, ...]:
    """Remove the locks of processes that are gone, and return them."""
    removed = tuple(lock for lock in locks(state, project, stack) if lock.stale())
    for lock in removed:
        lock.path.unlink(missing_ok=True)
    return removed


def pending_operations(state: Path, project: str, stack: str) -> tuple[str, ...]:
    """The operations that an interrupted run had begun: `creating urn:…`. Empty when the stack has no state."""
    path = state / ".pulumi" / "stacks" / project / f"{stack}.json"
    try:
        document = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return ()  # a damaged state is the engine's to report
    latest = document.get("checkpoint", {}).get("latest") or {}
    return tuple(
        f"{operation.get('type', 'unknown')} {operation.get('resource', {}).get('urn', '')}"
        for operation in latest.get("pending_operations") or ()
    )


def _read_lock(path: Path) -> Lock:
    try:
        age = time.time() - path.stat().st_mtime
        content = json.loads(path.read_text())
        return Lock(path, int(content["pid"]), str(content["hostname"]), age)
    except FileNotFoundError:
        return Lock(path, None, "", 0.0)  # released in this moment
    except (ValueError, KeyError, TypeError):
        return Lock(path, None, "", age)


def _is_engine(pid: int) -> bool:
    """Whether `pid` is a living engine; a number that was given to another program is not."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.name() == "pulumi"
    except psutil.NoSuchProcess:
        return False
