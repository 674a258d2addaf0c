"""Which faults there are, in which order they come, and how each is done. Owns no load and no comparison."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from services.contracts.settings import PlatformSettings
from services.counters import terms
from tests.faults.crew import DISK_FULL, REFUSED, Crew
from tests.faults.disk import SmallDisk
from tests.faults.load import Load
from tests.services.counters.platform import Platform
from tests.services.counters.proxy import Proxy

WEIGHTS: Mapping[str, int] = {
    "kill": 4,
    "kill between a commit and its answer": 5,
    "stop": 5,
    "crash the database": 3,
    "fill the disk": 2,
    "silence the database": 3,
    "cut connections": 7,
    "lose the answer to a commit": 8,
    "kill the broker": 1,
    "stop the broker": 2,
    "raise the term": 1,
    "repeat records": 8,
    "poison": 7,
}
"""How many of each kind are in a block, in random order."""
BLOCK = sum(WEIGHTS.values())
HOME = "mumbai"
STOPPED_SECONDS = (1.0, 5.0)
SHORT_SECONDS = (0.5, 2.5)
REFUSED_SECONDS = 2.5
"""How long processes of an old term are given to write what they must not, once one of them has tried."""
MET_SECONDS = 30.0
"""How long a fault waits for a process to meet it. One that nobody met proves nothing, and a run that must have met it
would hang on the chance of its seconds."""
BIG = 40_000
"""Bytes of a record that needs new pages as a dead letter."""

Token = tuple[object, ...]


def schedule(faults: int, seed: int) -> list[str]:
    """The kinds of faults in the order in which they come: every block holds each kind by its weight."""
    chance = random.Random(seed)
    names: list[str] = []
    while len(names) < faults:
        block = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
        chance.shuffle(block)
        names += block
    return names[:faults]


def next_term(settings: PlatformSettings) -> PlatformSettings:
    """``settings`` as after a promotion of `HOME`: the same databases, its term grown by one."""
    ranges = tuple(
        part.model_copy(update={"term": part.term + 1}) if part.home == HOME else part
        for part in settings.shards.ranges
    )
    version = settings.shards.version + 1
    return settings.model_copy(
        update={"shards": settings.shards.model_copy(update={"ranges": ranges, "version": version})}
    )


@dataclass
class Faults:
    """All that a fault may touch."""

    platform: Platform
    crew: Crew
    proxy: Proxy
    load: Load
    disk: SmallDisk
    random: random.Random
    problems: list[str] = field(default_factory=list)
    """What a fault itself found wrong."""
    killed_at_commit: int = 0

    async def do(self, name: str) -> None:
        """One fault."""
        await self._by_name[name]()

    @property
    def _by_name(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        return {
            "kill": self._kill,
            "kill between a commit and its answer": self._kill_at_commit,
            "stop": self._stop,
            "crash the database": self._crash,
            "fill the disk": self._fill,
            "silence the database": self._silence,
            "cut connections": self._cut,
            "lose the answer to a commit": self._lose,
            "kill the broker": self._kill_broker,
            "stop the broker": self._stop_broker,
            "raise the term": self._raise_term,
            "repeat records": self.load.repeat,
            "poison": self.load.poison,
        }

    def _some(self, bounds: tuple[float, float]) -> float:
        return self.random.uniform(*bounds)

    async def _kill(self) -> None:
        await self.crew.kill(self.crew.any(self.random))

    async def _kill_at_commit(self) -> None:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.proxy.on_commit = found.set_result
        with suppress(TimeoutError):
            async with asyncio.timeout(MET_SECONDS):
                port = await found
                worker = self.crew.owner(port)
                if worker is not None:
                    await self.crew.kill(worker)
                    self.killed_at_commit += 1
        self.proxy.on_commit = None

    async def _stop(self) -> None:
        await self.crew.stop(self.random, self._some(STOPPED_SECONDS))

    async def _crash(self) -> None:
        """kill -9 of a process of PostgreSQL: all sessions end, shared memory is lost, and the log is recovered from.

        These servers commit asynchronously, so commits that were acknowledged may be rolled back, as at a promotion.
        """
        with suppress(psycopg.Error):
            rows = await asyncio.to_thread(
                self.platform.rows, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"
            )
            for (pid,) in rows:
                os.kill(int(str(pid)), signal.SIGKILL)

    async def _fill(self) -> None:
        before = self.crew.said(DISK_FULL)
        await asyncio.to_thread(self.disk.fill)
        try:
            # What needs new pages, so that the full disk is met.
            for _ in range(3):
                await self.load.unreadable(self.random.randbytes(BIG))
            await asyncio.sleep(self._some((2.0, 4.0)))
            await self._until(lambda: self.crew.said(DISK_FULL) > before)
        finally:
            await asyncio.to_thread(self.disk.free)

    async def _silence(self) -> None:
        await self.proxy.silence(self._some(SHORT_SECONDS))

    async def _cut(self) -> None:
        self.proxy.cut_all()

    async def _lose(self) -> None:
        self.proxy.armed = True

    async def _kill_broker(self) -> None:
        self.platform.kafka.kill()
        await asyncio.sleep(self._some((0, 1)))
        await asyncio.to_thread(self.platform.kafka.start)

    async def _stop_broker(self) -> None:
        self.platform.kafka.process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(self._some(SHORT_SECONDS))
        finally:
            self.platform.kafka.process.send_signal(signal.SIGCONT)

    async def _raise_term(self) -> None:
        """Another writer is recorded: whoever has the old settings must write nothing from then on."""
        settings = next_term(self.crew.settings)
        term = terms.term_of(settings.shards.map(), HOME)
        refused = self.crew.said(REFUSED)
        before = await self._insisting(lambda: self._record(term))
        await self._until(lambda: self.crew.said(REFUSED) > refused)
        await asyncio.sleep(REFUSED_SECONDS)
        after = await self._insisting(self._tokens)
        if before != after:
            self.problems.append(f"a process of an old term wrote after term {term} was recorded")
        await self.crew.restart(settings)

    async def _until(self, met: Callable[[], bool]) -> None:
        """Waits until ``met``, or for `MET_SECONDS`: whoever must meet it may be switched off by the plan."""
        for _ in range(int(MET_SECONDS / 0.1)):
            if met():
                return
            await asyncio.sleep(0.1)

    async def _insisting(self, ask: Callable[[], Awaitable[set[Token]]]) -> set[Token]:
        """The answer of ``ask``, however often the database goes away meanwhile."""
        async with asyncio.timeout(300):
            while True:
                try:
                    return await ask()
                except psycopg.OperationalError:
                    await asyncio.sleep(0.3)

    async def _record(self, term: int) -> set[Token]:
        cells = self.platform.cells
        async with await psycopg.AsyncConnection.connect(
            cells.postgres.admin_text(cells.databases[HOME].name)
        ) as connection:
            # It must outlive a crash of the database that comes next.
            await connection.execute("SET LOCAL synchronous_commit = on")
            await terms.record(connection, term)
            rows = await connection.execute("SELECT cluster, topic, part, flush FROM counters.positions")
            return set(await rows.fetchall())

    async def _tokens(self) -> set[Token]:
        return set(
            await asyncio.to_thread(self.platform.rows, "SELECT cluster, topic, part, flush FROM counters.positions")
        )
