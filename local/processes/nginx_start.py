"""Starts nginx where a master that was killed left its workers: they hold the ports, so that a new master cannot have them.

Usage: ``python -I nginx_start.py PORT COMMAND...``. Owns no configuration. Stands alone, so that a start imports little.
The old workers answer what they have begun (SIGQUIT) and take nothing new; then this process becomes the command.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

WAIT_SECONDS = 5.0


def orphans(port: int, binary: str) -> Iterator[psutil.Process]:
    """Processes of ``binary`` that listen on ``port`` and whose parent is none."""
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status != psutil.CONN_LISTEN or not connection.laddr or connection.pid is None:
            continue
        if connection.laddr.port == port:
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(connection.pid)
                parent = process.parent()
                if _runs(process, binary) and (parent is None or not _runs(parent, binary)):
                    yield process


def _runs(process: psutil.Process, binary: str) -> bool:
    try:
        return Path(process.exe()) == Path(binary).resolve()
    except psutil.Error:
        return False


def main() -> None:
    """Ends the orphans and becomes the command."""
    port, command = int(sys.argv[1]), sys.argv[2:]
    end = time.monotonic() + WAIT_SECONDS
    told: set[int] = set()
    while left := list(orphans(port, command[0])):
        for process in left:
            if process.pid not in told:
                told.add(process.pid)
                process.send_signal(signal.SIGQUIT)
        if time.monotonic() > end:
            break
        time.sleep(0.02)
    os.execv(command[0], command)  # noqa: S606 - the command is our own


if __name__ == "__main__":
    main()
