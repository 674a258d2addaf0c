"""The processes of counters of a run: started, killed, stopped and replaced. Does not own what happens when (``kinds``)."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import psycopg

from services.contracts.settings import Endpoint, PlatformSettings
from tests.faults.worker import Worker
from tests.services.counters.platform import Platform
from tests.services.counters.proxy import with_writers

WORKERS = 2
TAKEN_OVER_SECONDS = 10.0
"""The others renew their leases each `RENEW_SECONDS`; if all are stopped, nobody takes over."""

DISK_FULL = ": DiskFull"
FENCED = "fenced: "
REFUSED = "was refused: the database"
NOT_NEXT = "is not the next of its producer"
"""What a process says when it meets a fault."""


class Crew:
    """As many processes as there should be, all with the same settings."""

    def __init__(self, platform: Platform, writer: Endpoint, off: Collection[str], directory: Path) -> None:
        self._platform = platform
        self._writer = writer
        self._off = off
        self._directory = directory
        self._workers: list[Worker] = []
        self._waking: set[asyncio.Task[None]] = set()
        self.settings = platform.settings
        self._file = self._written(self.settings)
        self.ended: list[str] = []
        """Of processes that nobody killed."""

    @property
    def log(self) -> str:
        """What all of them said."""
        file = self._directory / "workers.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def said(self, text: str) -> int:
        """How often they said ``text``."""
        return self.log.count(text)

    def complete(self) -> None:
        """Starts those that are missing, and notes those that ended by themselves."""
        for worker in [worker for worker in self._workers if worker.ended is not None]:
            self.ended.append(f"a worker ended by itself with code {worker.ended}")
            self._workers.remove(worker)
        while len(self._workers) < WORKERS:
            self._workers.append(Worker(self._file, self._off, self._directory / "workers.log"))

    async def kill(self, worker: Worker) -> None:
        """kill -9, and another one in its place."""
        self._workers.remove(worker)
        await asyncio.to_thread(worker.kill)
        self.complete()
        await self._expire_leases()

    def any(self, chance: random.Random) -> Worker:
        """One of them."""
        return chance.choice(self._workers)

    def owner(self, port: int) -> Worker | None:
        """The one whose connection comes from ``port``."""
        return next((worker for worker in self._workers if worker.owns(port)), None)

    async def stop(self, chance: random.Random, seconds: float) -> None:
        """SIGSTOP of one that runs, for ``seconds`` or until another has taken its slots over, whichever is later."""
        running = [worker for worker in self._workers if not worker.stopped]
        if not running:
            return
        worker = chance.choice(running)
        worker.stop()
        await self._expire_leases()
        task = asyncio.create_task(self._wake(worker, seconds))
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)

    async def awake(self) -> None:
        """Waits until none is stopped."""
        await asyncio.gather(*self._waking)

    async def restart(self, settings: PlatformSettings) -> None:
        """Ends all of them as a crash would, and starts as many with other settings."""
        self.settings = settings
        self._file = self._written(settings)
        for worker in tuple(self._workers):
            await self.kill(worker)

    def end(self) -> None:
        """Ends all of them."""
        for worker in self._workers:
            worker.kill()

    async def _wake(self, worker: Worker, seconds: float) -> None:
        await asyncio.sleep(seconds)
        for _ in range(int(TAKEN_OVER_SECONDS / 0.2)):
            if await self._taken_over():
                break
            await asyncio.sleep(0.2)
        worker.wake()

    async def _taken_over(self) -> bool:
        with suppress(psycopg.Error):
            rows = await asyncio.to_thread(
                self._platform.rows, "SELECT bool_and(until > now()) AND count(*) > 0 FROM counters.leases"
            )
            return rows[0][0] is True
        return False

    async def _expire_leases(self) -> None:
        """What ten seconds would do to the leases of a process that is dead or stopped."""
        with suppress(psycopg.Error):
            await asyncio.to_thread(
                self._platform.change,
                "UPDATE counters.leases SET until = now() - interval '1 second'",
                "DELETE FROM counters.members",
            )

    def _written(self, settings: PlatformSettings) -> Path:
        file = self._directory / f"settings-{secrets.token_hex(4)}.json"
        file.touch(mode=0o600)
        file.write_text(with_writers(settings, self._writer).model_dump_json())
        return file
