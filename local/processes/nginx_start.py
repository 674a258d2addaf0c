"""Starts nginx where a master that was killed left its workers, which would go on for ever with what they knew.

Usage: ``python -I nginx_start.py PORT COMMAND...``. Owns no configuration. Stands alone, so that a start imports little.
The configuration's ``reuseport`` lets old and new listen at once; when the new one does, the old workers answer what they
have begun (SIGQUIT) and take nothing new.
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

WAIT_SECONDS = 30.0


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


def retire(left: list[psutil.Process], port: int, successor: int) -> None:
    """Has the orphans end once ``successor`` or a child of it listens, so that somebody does at every moment."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end and not _listens(port, successor):
        time.sleep(0.05)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGQUIT)


def _listens(port: int, pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(
            connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port
            for connection in psutil.Process(pid).net_connections(kind="tcp")
        )
    return False


def main() -> None:
    """Becomes the command; a process of its own ends the orphans when they are needed no more."""
    port, command = int(sys.argv[1]), sys.argv[2:]
    left = list(orphans(port, command[0]))
    if left:
        successor = os.getpid()
        child = os.fork()
        if child == 0:
            # Twice, so that it is no child of nginx, which would wonder about it.
            if os.fork() == 0:
                retire(left, port, successor)
            os._exit(0)
        os.waitpid(child, 0)
    os.execv(command[0], command)  # noqa: S606 - the command is our own


if __name__ == "__main__":
    main()
