"""Processes of a benchmark: started on one core, accounted by the kernel, stopped for sure."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from bench import accounting
from local.ports import free_ports


def free_port() -> int:
    """A port that is free now."""
    (port,) = free_ports(1)
    return port


class Running:
    """A process and its children."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    def tree(self) -> list[psutil.Process]:
        """The process and all its descendants."""
        return accounting.tree(self._process.pid)

    def cpu_seconds(self) -> float:
        """CPU time of the tree, user and kernel."""
        return accounting.cpu_seconds(self._process.pid)

    def memory_bytes(self) -> int:
        """Proportional set size of the tree."""
        return accounting.memory_bytes(self._process.pid)

    def wait_listening(self, port: int, seconds: float = 40.0) -> None:
        """Until ``port`` takes connections. Raises RuntimeError with the log if it does not."""
        end = time.monotonic() + seconds
        while True:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name} did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends the tree."""
        if self._process.poll() is not None:
            return
        children = self.tree()[1:]
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


@contextlib.contextmanager
def running(
    name: str, command: Sequence[str], directory: Path, core: int, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """``command`` in ``directory``, pinned to ``core``."""
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    started = Running(name, process, log)
    try:
        yield started
    finally:
        started.stop()
