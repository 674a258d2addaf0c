"""A real nginx with a rendered configuration, for the length of a test."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.processes import nginx


@contextmanager
def running(directory: Path, configuration: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start nginx with ``configuration`` and yield when ``port`` takes connections; stop it at the end."""
    nginx.prepare(directory, configuration)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(nginx.command(directory), stdout=log, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 15
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nginx did not start: {(directory / 'log').read_text()}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
