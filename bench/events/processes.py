"""Processes of the bench: on one core, accounted by the kernel, read line by line, stopped for sure."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.accounting import cpu_seconds, memory_bytes

QUIET_SECONDS = 120.0
"""A contestant that says nothing for so long has failed."""


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a contestant, and its account when it was read."""

    words: tuple[str, ...]
    at: float
    """Monotonic seconds."""
    cpu: float
    memory: int


class Contestant:
    """A running process whose lines are read."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self.name = name
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        """Of the first process of its tree."""
        return self._process.pid

    def lines(self) -> Iterator[Said]:
        """Its lines as they come, until it says ``done``. Raises RuntimeError if it ends or falls silent before."""
        output = self._process.stdout
        assert output is not None
        silent = threading.Timer(QUIET_SECONDS, self._process.kill)
        while True:
            silent.start()
            line = output.readline()
            silent.cancel()
            if not line:
                tail = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.name} ended with code {self._process.wait()} before it was done:\n{tail}")
            silent = threading.Timer(QUIET_SECONDS, self._process.kill)
            said = Said(tuple(line.split()), time.monotonic(), cpu_seconds(self.pid), memory_bytes(self.pid))
            yield said
            if said.words[:1] == ("done",):
                return

    def stop(self) -> None:
        """Ends it: its standard input is closed, then it is asked, then it is killed."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        for act, seconds in ((None, 3), (signal.SIGTERM, 3), (signal.SIGKILL, 10)):
            if act is not None:
                self._process.send_signal(act)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
                return


@contextlib.contextmanager
def contestant(
    name: str, command: Sequence[str], log: Path, core: int, environment: Mapping[str, str] | None = None
) -> Iterator[Contestant]:
    """``command``, pinned to ``core``, its errors in ``log``."""
    with log.open("wb") as errors:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    running = Contestant(name, process, log)
    try:
        yield running
    finally:
        running.stop()
        if process.stdout is not None:
            process.stdout.close()
