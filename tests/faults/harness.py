"""Random faults on real servers under load, from a seed; then the comparison of the database with the log.

Owns which faults there are and how they are done. Does not own the load (``load``), what is right (``truth``), nor the
servers: those are the fixtures of all tests, except that PostgreSQL crashes and Kafka is killed under them here.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from services.contracts import settings as contract
from services.engagement.desk import placed
from tests.faults import truth
from tests.faults.load import Load, view
from tests.faults.truth import Truth
from tests.services.counters.platform import Platform
from tests.services.counters.proxy import Proxy, cutting_proxy, with_writers

WEIGHTS: Mapping[str, int] = {
    "kill": 6,
    "stop": 6,
    "crash the database": 3,
    "restart the broker": 1,
    "cut connections": 8,
    "lose the answer to a commit": 10,
    "repeat records": 9,
    "poison": 9,
}
"""Of every 52 faults so many are of each kind, in random order."""
WORKERS = 2
PAUSE_SECONDS = (0.2, 1.6)
STOPPED_SECONDS = (1.0, 5.0)
SETTLE_SECONDS = 150.0
"""How long it may take until everything is counted after the last fault."""
VIDEOS = 12
UNEXPECTED = "exception was never retrieved"
"""In the log of a worker: something failed that the code has no answer to."""


@dataclass(frozen=True)
class Plan:
    """What a run is made of."""

    faults: int
    seed: int
    off: tuple[str, ...] = ()
    """Guards that are switched off."""


@dataclass
class Report:
    """What happened."""

    plan: Plan
    done: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    unknown: int = 0
    truth: Truth = field(default_factory=Truth)
    lost: int = 0
    """Acknowledged events that the log does not have."""
    problems: list[str] = field(default_factory=list)


class Harness:
    """One run."""

    def __init__(self, platform: Platform, plan: Plan, directory: Path) -> None:
        self._platform = platform
        self._plan = plan
        self._directory = directory
        self._random = random.Random(plan.seed)
        self._workers: list[subprocess.Popen[bytes]] = []
        self._stopped: set[subprocess.Popen[bytes]] = set()
        self._waking: set[asyncio.Task[None]] = set()
        self._report = Report(plan)

    async def run(self) -> Report:
        """Load, faults, quiet, comparison."""
        platform, hole = self._platform, self._platform.video()
        place = self._partition(hole)
        videos: list[int] = []
        while len(videos) < VIDEOS:
            video = platform.video(self._random.choice(["mumbai", "mumbai", "singapore"]))
            if self._partition(video) not in {place, *map(self._partition, videos)}:
                videos.append(video)
        load = Load(platform, videos, self._random)
        async with cutting_proxy(platform.cells.postgres.writer) as proxy:
            file = self._settings_file(proxy)
            sending = asyncio.create_task(load.run())
            try:
                for _ in range(WORKERS):
                    self._start(file)
                await load.hole(hole)
                await self._until_counting(hole)
                await self._inject(load, proxy, file)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            try:
                await self._settle(file)
            finally:
                self._end()
        log = (self._directory / "workers.log").read_text(errors="replace")
        self._report.problems += [f"a worker says: {line}" for line in log.splitlines() if UNEXPECTED in line]
        self._report.acknowledged, self._report.unknown = len(load.acknowledged), load.unknown
        self._report.done["answers that were lost"] = proxy.cuts
        self._report.lost = len(load.acknowledged - self._report.truth.ids)
        return self._report

    async def _inject(self, load: Load, proxy: Proxy, file: Path) -> None:
        async def cut() -> None:
            proxy.cut_all()

        async def lose() -> None:
            proxy.armed = True

        faults: Mapping[str, Callable[[], Awaitable[None]]] = {
            "kill": lambda: self._kill(file),
            "stop": self._stop,
            "crash the database": self._crash,
            "restart the broker": self._restart_broker,
            "cut connections": cut,
            "lose the answer to a commit": lose,
            "repeat records": load.repeat,
            "poison": load.poison,
        }
        for name in schedule(self._plan):
            await asyncio.sleep(self._random.uniform(*PAUSE_SECONDS))
            self._replace_dead(file)
            await faults[name]()
            self._report.done[name] += 1

    async def _settle(self, file: Path) -> None:
        """Waits until the database says what the log says, or something that waiting does not mend."""
        await asyncio.gather(*self._waking)
        self._replace_dead(file)
        self._report.truth = await truth.read(self._platform.kafka)
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLE_SECONDS
        while True:
            views, likes, dead = await asyncio.to_thread(self._counted)
            self._report.problems = truth.differences(self._report.truth, views, likes, dead)
            if loop.time() > end or truth.exceeded(self._report.truth, views):
                return
            if not self._report.problems:
                break
            await asyncio.sleep(0.5)
        # What is right now must stay so: whoever was stopped may still try to write.
        await asyncio.sleep(3)
        self._report.problems = truth.differences(self._report.truth, *await asyncio.to_thread(self._counted))

    def _counted(self) -> tuple[dict[int, int], dict[int, int], int]:
        views: Counter[int] = Counter()
        likes: Counter[int] = Counter()
        dead = 0
        for home in self._platform.cells.names:
            for subject, count in self._platform.rows("SELECT subject, views FROM counters.views", home=home):
                views[int(str(subject))] += int(str(count))
            for subject, count in self._platform.rows("SELECT subject, likes FROM counters.reactions", home=home):
                likes[int(str(subject))] += int(str(count))
            dead += int(str(self._platform.rows("SELECT count(*) FROM counters.dead_letters", home=home)[0][0]))
        return dict(views), dict(likes), dead

    def _partition(self, video: int) -> int:
        return placed(self._platform.settings.shards.map(), view(video))[1]

    def _settings_file(self, proxy: Proxy) -> Path:
        file = self._directory / f"settings-{secrets.token_hex(4)}.json"
        file.touch(mode=0o600)
        file.write_text(with_writers(self._platform.settings, proxy.endpoint).model_dump_json())
        return file

    def _start(self, file: Path) -> None:
        with (self._directory / "workers.log").open("ab") as log:
            self._workers.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.faults.worker", str(file), *self._plan.off],
                    stdout=log,
                    stderr=log,
                    env={**os.environ, contract.INSTANCE_ENV: "0"},
                    cwd=Path(__file__).parents[2],
                )
            )

    def _replace_dead(self, file: Path) -> None:
        for worker in [worker for worker in self._workers if worker.poll() is not None]:
            self._report.problems.append(f"a worker ended by itself with code {worker.returncode}")
            self._workers.remove(worker)
            self._start(file)

    async def _until_counting(self, hole: int) -> None:
        for _ in range(600):
            if await asyncio.to_thread(self._platform.views, hole):
                return
            await asyncio.sleep(0.1)
        tail = (self._directory / "workers.log").read_text(errors="replace")[-3000:]
        raise RuntimeError(f"nothing is counted after a minute; the workers say:\n{tail}")

    async def _kill(self, file: Path) -> None:
        worker = self._random.choice(self._workers)
        worker.kill()
        worker.wait(10)
        self._workers.remove(worker)
        self._stopped.discard(worker)
        self._start(file)
        await self._expire_leases()

    async def _stop(self) -> None:
        running = [worker for worker in self._workers if worker not in self._stopped]
        if not running:
            return
        worker = self._random.choice(running)
        worker.send_signal(signal.SIGSTOP)
        self._stopped.add(worker)
        await self._expire_leases()
        task = asyncio.create_task(self._wake(worker, self._random.uniform(*STOPPED_SECONDS)))
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)

    async def _wake(self, worker: subprocess.Popen[bytes], seconds: float) -> None:
        await asyncio.sleep(seconds)
        if worker.poll() is None:
            worker.send_signal(signal.SIGCONT)
        self._stopped.discard(worker)

    async def _expire_leases(self) -> None:
        """What ten seconds would do to the leases of a process that is dead or stopped."""
        with suppress(psycopg.OperationalError):
            await asyncio.to_thread(
                self._platform.change,
                "UPDATE counters.leases SET until = now() - interval '1 second'",
                "DELETE FROM counters.members",
            )

    async def _crash(self) -> None:
        """kill -9 of a process of PostgreSQL: all sessions end, shared memory is lost, and the log is recovered from.

        These servers commit asynchronously, so commits that were acknowledged may be rolled back, as at a promotion.
        """
        with suppress(psycopg.OperationalError):
            rows = await asyncio.to_thread(
                self._platform.rows, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"
            )
            for (pid,) in rows:
                os.kill(int(str(pid)), signal.SIGKILL)

    async def _restart_broker(self) -> None:
        self._platform.kafka.kill()
        await asyncio.sleep(self._random.uniform(0, 1))
        await asyncio.to_thread(self._platform.kafka.start)

    def _end(self) -> None:
        for worker in self._workers:
            worker.kill()
            worker.wait(10)


def schedule(plan: Plan) -> list[str]:
    """The kinds of faults in the order in which they come: every 52 hold each kind by its weight."""
    chance = random.Random(plan.seed)
    names: list[str] = []
    while len(names) < plan.faults:
        block = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
        chance.shuffle(block)
        names += block
    return names[: plan.faults]
