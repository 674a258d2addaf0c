"""Random faults on real servers under load, from a seed; then the comparison of the database with the log.

Owns the course of a run. Does not own the faults (``kinds``), the load (``load``), what is right (``truth``), nor the
servers: those are the fixtures of all tests, except that PostgreSQL crashes and Kafka is killed under them here.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from services.engagement.desk import placed
from tests.faults import truth
from tests.faults.crew import DISK_FULL, FENCED, NOT_NEXT, REFUSED, Crew
from tests.faults.disk import SmallDisk
from tests.faults.kinds import Faults, schedule
from tests.faults.load import Load, view
from tests.faults.truth import Truth
from tests.services.counters.platform import Platform
from tests.services.counters.proxy import Proxy, cutting_proxy

PAUSE_SECONDS = (0.1, 1.1)
SETTLE_SECONDS = 300.0
"""How long it may take until everything is counted after the last fault."""
STANDSTILL_SECONDS = 90.0
"""Nothing that is going to be counted takes longer: the longest wait of any part is 30 s."""
LOOK_EVERY = 7
"""Faults between two looks at whether a run without a guard has shown what it is for."""
VIDEOS = 12
UNEXPECTED = ("exception was never retrieved", "fails in our own code", "cannot be used; others go on")
"""In the log of a worker: something failed that the code has no answer to."""


@dataclass(frozen=True)
class Plan:
    """What a run is made of."""

    faults: int
    seed: int
    off: tuple[str, ...] = ()
    """Guards that are switched off. Then ``faults`` is a bound: the run is over once it has shown what a guard is for."""


@dataclass
class Report:
    """What happened."""

    plan: Plan
    done: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    """What the processes met of it."""
    seconds: float = 0.0
    acknowledged: int = 0
    unknown: int = 0
    truth: Truth = field(default_factory=Truth)
    counted: int = 0
    """Views that the databases have."""
    lost: int = 0
    """Acknowledged events that the log does not have."""
    problems: list[str] = field(default_factory=list)


class Harness:
    """One run."""

    def __init__(self, platform: Platform, disk: SmallDisk, plan: Plan, directory: Path) -> None:
        self._platform = platform
        self._disk = disk
        self._plan = plan
        self._directory = directory
        self._random = random.Random(plan.seed)
        self._report = Report(plan)

    async def run(self) -> Report:
        """Load, faults, quiet, comparison."""
        started = time.monotonic()
        platform, hole = self._platform, self._platform.video()
        place = self._partition(hole)
        videos: list[int] = []
        while len(videos) < VIDEOS:
            video = platform.video(self._random.choice(["mumbai", "mumbai", "singapore"]))
            if self._partition(video) not in {place, *map(self._partition, videos)}:
                videos.append(video)
        load = Load(platform, videos, self._random)
        async with cutting_proxy(platform.cells.postgres.writer) as proxy:
            crew = Crew(platform, proxy.endpoint, self._plan.off, self._directory)
            faults = Faults(platform, crew, proxy, load, self._disk, self._random)
            sending = asyncio.create_task(load.run())
            try:
                crew.complete()
                await load.hole(hole)
                await self._until_counting(hole, crew)
                await self._inject(crew, faults)
                await crew.awake()
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            try:
                await self._settle(crew)
            finally:
                crew.end()
        self._report.seconds = time.monotonic() - started
        self._tell(crew, faults, load, proxy)
        return self._report

    async def _inject(self, crew: Crew, faults: Faults) -> None:
        for number, name in enumerate(schedule(self._plan.faults, self._plan.seed), start=1):
            await asyncio.sleep(self._random.uniform(*PAUSE_SECONDS))
            crew.complete()
            await faults.do(name)
            self._report.done[name] += 1
            if self._plan.off and number % LOOK_EVERY == 0 and await self._too_many():
                return

    async def _too_many(self) -> bool:
        """Whether the databases count what the log does not have; the log is read after them, so it may only be ahead."""
        views, _, _ = await self._asked()
        return truth.exceeded(await truth.read(self._platform.kafka), views)

    async def _settle(self, crew: Crew) -> None:
        """Waits until the database says what the log says, or something that waiting does not mend."""
        crew.complete()
        self._report.truth = await truth.read(self._platform.kafka)
        loop = asyncio.get_running_loop()
        end = loop.time() + SETTLE_SECONDS
        before: tuple[object, ...] = ()
        moved = loop.time()
        while True:
            views, likes, dead = await self._asked()
            if (views, likes, dead) != before:
                before, moved = (views, likes, dead), loop.time()
            self._report.problems = truth.differences(self._report.truth, views, likes, dead)
            self._report.counted = sum(views.values())
            if not self._report.problems:
                break
            over = loop.time() > end or loop.time() > moved + STANDSTILL_SECONDS
            if over or truth.exceeded(self._report.truth, views):
                return
            await asyncio.sleep(0.5)
        # What is right now must stay so: whoever was stopped may still try to write.
        await asyncio.sleep(3)
        self._report.problems = truth.differences(self._report.truth, *await self._asked())

    def _tell(self, crew: Crew, faults: Faults, load: Load, proxy: Proxy) -> None:
        report = self._report
        report.problems += [*faults.problems, *crew.ended]
        report.problems += [
            f"a worker says: {line}" for line in crew.log.splitlines() if any(text in line for text in UNEXPECTED)
        ]
        report.met["answers to a commit that were lost"] = proxy.cuts
        report.met["processes killed between a commit and its answer"] = faults.killed_at_commit
        report.met["flushes for which the disk was full"] = crew.said(DISK_FULL)
        report.met["flushes refused to another owner"] = crew.said(FENCED)
        report.met["flushes refused to an old term"] = crew.said(REFUSED)
        report.met["records that were not the next one"] = crew.said(NOT_NEXT)
        report.acknowledged, report.unknown = len(load.acknowledged), load.unknown
        report.lost = len(load.acknowledged - report.truth.ids)

    async def _asked(self) -> tuple[dict[int, int], dict[int, int], int]:
        """`_counted`, of databases that may still recover from the last fault."""
        async with asyncio.timeout(300):
            while True:
                try:
                    return await asyncio.to_thread(self._counted)
                except psycopg.OperationalError:
                    await asyncio.sleep(0.5)

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

    async def _until_counting(self, hole: int, crew: Crew) -> None:
        for _ in range(3000):
            if await asyncio.to_thread(self._platform.views, hole):
                return
            await asyncio.sleep(0.1)
        raise RuntimeError(f"nothing is counted after five minutes; the workers say:\n{crew.log[-3000:]}")
