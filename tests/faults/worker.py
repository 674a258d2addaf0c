"""A process of counters, as the service runs it but for HTTP, with some guards switched off, that a test may kill and stop.

Processes are forked from one that has imported everything, so a new one counts after tenths of a second and not after
seconds: what a run of faults measures is faults, not imports. Nothing else is shared: a process opens its own connections.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Collection
from multiprocessing import get_context
from pathlib import Path

import psutil

from services.common.resources import open_resources
from services.contracts import settings as contract
from services.counters.counting import Counting
from services.counters.window import Guards

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


def guards_without(off: Collection[str]) -> Guards:
    """All guards but those named in ``off``."""
    guards = Guards()
    for name in off:
        if name not in Guards.__slots__:
            raise ValueError(f"there is no guard {name!r}; there are {', '.join(Guards.__slots__)}")
        setattr(guards, name, False)
    return guards


class Worker:
    """One process, from its start on."""

    def __init__(self, settings: Path, off: Collection[str], log: Path) -> None:
        self._process = _CONTEXT.Process(target=_main, args=(str(settings), tuple(off), str(log)), daemon=True)
        self._process.start()
        self.stopped = False

    @property
    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.join(10)

    def stop(self) -> None:
        """SIGSTOP: from now on it is what a paused virtual machine is."""
        self._signal(signal.SIGSTOP)
        self.stopped = True

    def wake(self) -> None:
        """SIGCONT."""
        if self.ended is None:
            self._signal(signal.SIGCONT)
        self.stopped = False

    def owns(self, port: int) -> bool:
        """Whether one of its connections comes from ``port``."""
        try:
            connections = psutil.Process(self._process.pid).net_connections("tcp")
        except psutil.Error:
            return False
        return any(connection.laddr.port == port for connection in connections)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.pid is not None:
            os.kill(self._process.pid, number)


def _main(settings: str, off: Collection[str], log: str) -> None:
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.environ[contract.INSTANCE_ENV] = "0"
    asyncio.run(_count(settings, off))


async def _count(settings: str, off: Collection[str]) -> None:
    async with open_resources("counters", contract.load(settings)) as resources:
        counting = Counting(resources, guards_without(off))
        tasks = [asyncio.create_task(job) for job in counting.jobs()]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
