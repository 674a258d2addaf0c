"""PostgreSQL away under load: the product's producer and consumer, then every acknowledged event compared.

The load goes on at a fixed rate while the server is stopped (fast shutdown, as its supervisor would) and started again
after the outage. Measured are the backlog, the time until nothing is behind any more, and the memory of the consumer.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench import accounting
from bench.events import consumers, peers, processes, stagefile, workload
from bench.events.servers import CELL, SHARDS, Servers
from services.contracts.events import Viewed, encode_event
from services.contracts.topics import PARTITIONS_PER_HOME, VIEWS
from services.engagement import event_ids
from services.engagement.desk import placed
from services.engagement.log import KafkaLog
from services.engagement.packer import NotAcknowledgedError, OverloadedError, Packer

AT_ONCE = 10
VIDEOS = 5_000
LEAD_SECONDS = 8.0
PATIENCE_SECONDS = 240.0


@dataclass(frozen=True, slots=True)
class Outage:
    """One run."""

    seconds: float
    """How long PostgreSQL was away."""
    offered: float
    """Events a second that were acknowledged."""
    acknowledged: int
    unknown: int
    """Events whose producer was never told; each may count once or not at all."""
    backlog: int
    """Events acknowledged and not counted when PostgreSQL came back."""
    catch_up: float
    """Seconds from its return until no more was behind than before."""
    lost: int
    """Acknowledged events that are not counted."""
    twice: int
    """Counted events that nobody sent, or more than once."""
    memory: int
    """The consumer's largest proportional set size in bytes."""


def projected(outage_seconds: float, arriving: float, capacity: float) -> float:
    """Seconds to catch up after an outage at ``arriving`` events/s when ``capacity`` events/s can be counted.

    Raises ValueError if that never happens.
    """
    if arriving >= capacity:
        raise ValueError(f"{arriving:g} events/s arrive and {capacity:g} can be counted: add consumers")
    return outage_seconds * arriving / (capacity - arriving)


class _Load:
    def __init__(self, servers: Servers, rate: float) -> None:
        self._servers = servers
        self._rate = rate
        self.sent: Counter[int] = Counter()
        self.unknown: Counter[int] = Counter()
        self.acknowledged = 0

    async def run(self) -> None:
        """Sends at the rate until cancelled, then waits for what is on its way."""
        packer = Packer(CELL, partial(KafkaLog.connect, self._servers.connection()))
        videos = workload.videos(VIDEOS)
        ranks = workload.draw(1_000_000, VIDEOS, workload.SKEW, 7).tolist()
        sending: set[asyncio.Task[None]] = set()
        started, number = time.monotonic(), 0
        try:
            while True:
                while number * AT_ONCE < (time.monotonic() - started) * self._rate:
                    task = asyncio.create_task(self._send(packer, videos[ranks[number % len(ranks)]]))
                    sending.add(task)
                    task.add_done_callback(sending.discard)
                    number += 1
                await asyncio.sleep(0.01)
        finally:
            await packer.close()
            await asyncio.gather(*sending, return_exceptions=True)

    async def _send(self, packer: Packer, video: int) -> None:
        wanted = [
            Viewed(id=event_ids.make(), at_ms=time.time_ns() // 1_000_000, video=video, viewer=bytes(16))
            for _ in range(AT_ONCE)
        ]
        topic, partition = placed(SHARDS, wanted[0])
        try:
            await packer.submit(topic, partition, [encode_event(event) for event in wanted])
        except (NotAcknowledgedError, OverloadedError):
            self.unknown[video] += AT_ONCE
        else:
            self.sent[video] += AT_ONCE
            self.acknowledged += AT_ONCE


def compare(sent: Counter[int], unknown: Counter[int], found: workload.Counts) -> tuple[int, int]:
    """(lost, counted too often) over all videos: between what was acknowledged and that with what is unknown."""
    lost = twice = 0
    for video in sent.keys() | unknown.keys() | found.keys():
        views = found.get(video, (0, 0))[0]
        lost += max(sent[video] - views, 0)
        twice += max(views - sent[video] - unknown[video], 0)
    return lost, twice


async def measure(servers: Servers, seconds: float, rate: float, say: Callable[[str], None]) -> Outage:
    """Runs once. Raises RuntimeError if counting does not go on."""
    servers.empty()
    told = stagefile.write(servers.directory / "outage.json", servers, VIEWS.name, [0] * PARTITIONS_PER_HOME)
    peer = next(one for one in peers.PEERS if one.name == peers.OURS_PACKED)
    command = [word if word != "packed" else "follow" for word in peer.command(told.path)]
    log = servers.directory / "outage.err"
    load = _Load(servers, rate)
    primary = servers.postgres[0]

    def counted() -> int:
        return sum(views for views, _ in consumers.stored(servers).values())

    with processes.contestant("ours", command, log, accounting.cores()[0]) as running:
        sending = asyncio.create_task(load.run())
        memory = 0
        try:
            await asyncio.sleep(LEAD_SECONDS)
            behind = load.acknowledged - await asyncio.to_thread(counted)
            say(f"PostgreSQL stops; {load.acknowledged:,} events acknowledged, {behind:,} of them not flushed yet")
            await asyncio.to_thread(primary.stop)
            gone = time.monotonic()
            while time.monotonic() - gone < seconds:
                await asyncio.sleep(1)
                memory = max(memory, accounting.memory_bytes(running.pid))
            await asyncio.to_thread(primary.start)
            back = time.monotonic()
            backlog = load.acknowledged - await asyncio.to_thread(counted)
            say(f"PostgreSQL is back after {back - gone:.0f} s; {backlog:,} events are behind")
            # What an open window holds is behind at any time, so the yardstick is what was behind before, and a second.
            while load.acknowledged - await asyncio.to_thread(counted) > behind + rate:
                memory = max(memory, accounting.memory_bytes(running.pid))
                if time.monotonic() - back > PATIENCE_SECONDS:
                    raise RuntimeError(f"not caught up after {PATIENCE_SECONDS:.0f} s: {log.read_text()[-2000:]}")
                await asyncio.sleep(0.2)
            caught_up = time.monotonic() - back
            offered = load.acknowledged / (time.monotonic() - gone + LEAD_SECONDS)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            lost, twice = compare(load.sent, load.unknown, await asyncio.to_thread(consumers.stored, servers))
            if not lost or twice or time.monotonic() > end:
                break
            await asyncio.sleep(0.5)
    lost, twice = compare(load.sent, load.unknown, consumers.stored(servers))
    return Outage(
        back - gone, offered, load.acknowledged, sum(load.unknown.values()), backlog, caught_up, lost, twice, memory
    )
