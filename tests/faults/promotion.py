"""A promotion run: a region is lost under load and comes back, and every acknowledged event is counted once.

Owns the course of a run and its report. It only counts as run if a mark was rolled back by the promotion, an event was
stranded in the lost log, and the replicator wrote a record twice.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from regions import writers
from regions.catalogue import CATALOGUE
from services.common.resources import open_resources
from services.common.shards import ShardRouter
from services.contracts import events
from services.contracts.topics import LIKES, VIEWS, copied_name
from services.counters import promotion as steps
from tests.faults import truth
from tests.faults.load import Load
from tests.faults.region import CELLS, MARKS, Regions, sequences
from tests.faults.truth import Truth
from tests.kafka_server import Kafka
from tests.services.counters.platform import Platform

PATIENCE = 600.0
"""Seconds until whatever is waited for must have come."""
VIDEOS = 8


@dataclass(frozen=True)
class Plan:
    """How long each phase lasts, in seconds."""

    seed: int
    phase: float = 4.0
    rounds: int = 1
    """How often the replicator is killed before the loss."""


@dataclass
class Report:
    """What happened."""

    plan: Plan
    acknowledged: int = 0
    unknown: int = 0
    rolled_back: int = 0
    """Marks that the promoted database did not know any more."""
    stranded: int = 0
    """Events that were acknowledged in the lost region and not in the copy of its log."""
    repeated: int = 0
    """Records that the copy holds twice."""
    direct_lost: int = 0
    """Direct writes that the promoted database did not have; they are lost, and counted."""
    to_first_count: float = 0.0
    """Seconds from the loss until the promoted database counted again."""
    to_caught_up: float = 0.0
    """Seconds from the loss until all that the copy held was counted."""
    to_stranded: float = 0.0
    """Seconds from the return until all that was stranded was counted."""
    records: int = 0
    counted: int = 0
    lost: int = 0
    problems: list[str] = field(default_factory=list)


class Promotion:
    """One run."""

    def __init__(self, regions: Regions, plan: Plan) -> None:
        self._regions = regions
        self._plan = plan
        self._random = random.Random(plan.seed)
        self.report = Report(plan)
        self._started = time.monotonic()

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._started:6.1f} s  {what}", file=sys.stderr, flush=True)

    async def run(self) -> Report:
        """Load, a replicator that repeats, a replica that lags, the loss, the promotion, the return, the comparison."""
        regions = self._regions
        platforms = {cell: Platform(regions.cells, regions.brokers[cell]) for cell in CELLS}
        videos = [platforms["mumbai"].video(home) for _ in range(VIDEOS) for home in CELLS]
        loads = [
            Load(platforms[cell], videos, random.Random(self._random.random()), origin=cell)
            for cell in ("mumbai", "singapore", "mumbai")
        ]
        first, steady, second = loads
        await asyncio.to_thread(self._replicate)
        for cell in CELLS:
            regions.start(cell)
        lost, *others = [asyncio.create_task(load.run()) for load in (first, steady)]
        try:
            await self._eventually("counting", lambda: len(self._marks()) > 0)
            self._say("the replicator is killed and started again")
            await self._repeat()
            self._say("the replica hears no more")
            await self._lag()
            self._say("the region is lost")
            await self._lose(lost, first)
            self._say("the region returns")
            await self._bring_back()
            others.append(asyncio.create_task(second.run()))
            self._say("what was stranded is awaited")
            await self._settle()
            await asyncio.sleep(self._plan.phase)
        finally:
            for task in (lost, *others):
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            # What the lost region's producers had on its way is retried until the broker is back, or given up here.
            await asyncio.wait([lost], timeout=20)
        self.report.acknowledged = sum(len(load.acknowledged) for load in loads)
        self.report.unknown = sum(load.unknown for load in loads)
        self._say("the databases are compared with the logs")
        await self._compare(set[bytes]().union(*(load.acknowledged for load in loads)))
        return self.report

    async def _repeat(self) -> None:
        """kill -9 of the replicator: what it wrote since it stored its place, it writes again."""
        for _ in range(self._plan.rounds):
            await asyncio.sleep(self._plan.phase)
            await asyncio.to_thread(self._regions.replicator.kill)
            await asyncio.to_thread(self._replicate)

    async def _lag(self) -> None:
        """Commits that the replica never hears of, and direct writes among them."""
        regions = self._regions
        before = await asyncio.to_thread(self._marks)
        await asyncio.to_thread(regions.cut_stream)
        await asyncio.to_thread(
            regions.change,
            regions.seats["mumbai"],
            "CREATE TABLE public.direct (number int PRIMARY KEY)",
            "INSERT INTO public.direct SELECT generate_series(1, 7)",
        )
        await asyncio.sleep(self._plan.phase)
        await self._eventually("commits that the replica has not", lambda: self._marks() != before)

    async def _lose(self, sending: asyncio.Task[None], load: Load) -> None:
        regions, report = self._regions, self.report
        await asyncio.to_thread(regions.replicator.kill)
        sent = len(load.acknowledged)
        await self._eventually("events that are only in the lost log", lambda: len(load.acknowledged) > sent + 100)
        known = sequences(await asyncio.to_thread(regions.rows, regions.seats["mumbai"], MARKS))
        lost_at = time.monotonic()
        await regions.stop("mumbai", signal.SIGKILL)
        await asyncio.to_thread(regions.brokers["mumbai"].kill)
        await asyncio.to_thread(regions.kill_primary)
        sending.cancel()
        await asyncio.to_thread(regions.promote)
        self._say("promoted")
        promoted = sequences(await asyncio.to_thread(regions.rows, regions.seats["singapore"], MARKS))
        report.rolled_back = sum(promoted.get(key, 0) < mark for key, mark in known.items())
        ((direct,),) = await asyncio.to_thread(
            regions.rows, regions.seats["singapore"], "SELECT to_regclass('public.direct') IS NULL"
        )
        report.direct_lost = 7 if direct else 0
        held, report.repeated = await copied_events(regions.brokers["singapore"])
        report.stranded = len(load.acknowledged - held)
        regions.lead(writers.lose(regions.record, "mumbai"))
        async with open_resources("counters", regions.settings("singapore")) as resources:
            await steps.begin(resources.router, "mumbai")
            self._say("the promoted database has its term")
            await regions.restart("singapore")
            self._say("the survivor has the new settings")
            after = await asyncio.to_thread(self._total)
            await self._eventually("the promoted database counts", lambda: self._total() > after)
            report.to_first_count = time.monotonic() - lost_at
            self._say("the promoted database counts")
            last = await steps.ends(regions.brokers["singapore"].operator(), "mumbai")
            await self._counted(resources.router, last)
            report.to_caught_up = time.monotonic() - lost_at
        await asyncio.sleep(self._plan.phase)

    async def _counted(self, router: ShardRouter, last: steps.LastStamps) -> None:
        end = time.monotonic() + PATIENCE
        while missing := await steps.uncounted(router, "mumbai", last):
            if time.monotonic() > end:
                raise TimeoutError(f"{missing} partitions of Mumbai's log are not counted within {PATIENCE:.0f} s")
            await asyncio.sleep(0.5)

    async def _bring_back(self) -> None:
        regions = self._regions
        regions.lead(writers.bring_back(regions.record, "mumbai"))
        await regions.replicate("mumbai")
        await asyncio.to_thread(regions.brokers["mumbai"].start)
        await asyncio.to_thread(self._replicate)
        regions.start("mumbai")
        await regions.restart("singapore")

    async def _settle(self) -> None:
        regions, since = self._regions, time.monotonic()
        last = await steps.ends(regions.brokers["mumbai"].operator())
        async with open_resources("counters", regions.settings("singapore")) as resources:
            await self._counted(resources.router, last)
            self.report.to_stranded = time.monotonic() - since
            regions.lead(writers.settle(regions.record, "mumbai"))
            for cell in CELLS:
                await regions.stop(cell)
            await steps.end(resources.router, "mumbai")
        for cell in CELLS:
            regions.start(cell)

    async def _compare(self, acknowledged: set[bytes]) -> None:
        report, regions = self.report, self._regions
        whole = merged([await truth.read(regions.brokers[cell]) for cell in CELLS])
        report.records, report.counted = whole.records, sum(whole.views.values())
        report.lost = len(acknowledged - whole.ids)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            report.problems = await asyncio.to_thread(self._differences, whole)
            if not report.problems:
                break
            await asyncio.sleep(1)
        await asyncio.sleep(3)
        report.problems = await asyncio.to_thread(self._differences, whole)
        ((recovering,),) = await asyncio.to_thread(regions.rows, regions.seats["mumbai"], "SELECT pg_is_in_recovery()")
        if not recovering:
            report.problems.append("the returned region's database is no replica")

    def _differences(self, whole: Truth) -> list[str]:
        views, likes, dead = Counter[int](), Counter[int](), 0
        for home in CELLS:
            at = self._regions.home(home)
            for subject, count in self._regions.rows(at, "SELECT subject, views FROM counters.views", home):
                views[int(str(subject))] += int(str(count))
            for subject, count in self._regions.rows(at, "SELECT subject, likes FROM counters.reactions", home):
                likes[int(str(subject))] += int(str(count))
            dead += int(str(self._regions.rows(at, "SELECT count(*) FROM counters.dead_letters", home)[0][0]))
        return truth.differences(whole, views, likes, dead)

    def _marks(self) -> dict[str, int]:
        return sequences(self._regions.rows(self._regions.home("mumbai"), MARKS))

    def _total(self) -> int:
        return sum(self._marks().values())

    def _replicate(self) -> None:
        self._regions.replicator.start()
        self._regions.replicator.ready()

    async def _eventually(self, what: str, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not await asyncio.to_thread(holds):
            if time.monotonic() > end:
                raise TimeoutError(f"{what}: not within {PATIENCE:.0f} s")
            await asyncio.sleep(0.2)


async def copied_events(holder: Kafka) -> tuple[set[bytes], int]:
    """Events in the copies of Mumbai's topics, and how many records of them are there twice."""
    places = [
        TopicPartition(copied_name("mumbai", topic.name), number)
        for topic in (VIEWS, LIKES)
        for number in range(topic.partitions(CATALOGUE.homes))
    ]
    consumer = AIOKafkaConsumer(**holder.operator(), enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    stamps: Counter[tuple[str, int, bytes]] = Counter()
    found: set[bytes] = set()
    try:
        first, last = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        left = {at for at in places if last[at] > first[at]}
        consumer.assign(sorted(left))
        for at in left:
            consumer.seek(at, first[at])
        while left:
            for at, records in (await consumer.getmany(*left, timeout_ms=500)).items():
                for record in records:
                    stamps[at.topic, at.partition, dict(record.headers)[events.STAMP_HEADER]] += 1
                    found |= {event[1] for event in msgspec.msgpack.decode(record.value)}
                    if record.offset + 1 >= last[at]:
                        left.discard(at)
    finally:
        await consumer.stop()
    return found, sum(times - 1 for times in stamps.values())


def merged(parts: list[Truth]) -> Truth:
    """What several logs say together: each event stands in one of them."""
    whole = Truth()
    for part in parts:
        whole.views.update(part.views)
        for key, state in part.reactions.items():
            known = whole.reactions.get(key)
            if known is None or state[:2] > known[:2]:
                whole.reactions[key] = state
        whole.ids |= part.ids
        whole.dead += part.dead
        whole.records += part.records
        whole.repeated += part.repeated
        whole.stopped |= part.stopped
    return whole
