"""What a process tree costs by the kernel's own account, and which cores a bench has. Owns no process."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil


def cores() -> tuple[int, int]:
    """(the core under test, the core of load and servers); the same one twice on a machine with one."""
    found = sorted(os.sched_getaffinity(0))
    return found[0], found[-1]


def tree(pid: int) -> list[psutil.Process]:
    """The process and all its descendants."""
    own = psutil.Process(pid)
    return [own, *own.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """CPU time of a process tree that lives, user and kernel, to the nanosecond (``/proc/PID/task/*/schedstat``)."""
    total = 0
    for process in tree(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{process.pid}/task").iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory_bytes(pid: int) -> int:
    """Proportional set size of a process tree."""
    return sum(process.memory_full_info().pss for process in tree(pid))
