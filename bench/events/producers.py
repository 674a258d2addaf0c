"""Producers side by side: CPU for a million acknowledged events; the log must have grown by as many."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench import accounting
from bench.events import peers, processes, stagefile
from bench.events.servers import Servers
from bench.events.workload import JSON_TOPIC
from services.contracts.topics import PARTITIONS_PER_HOME, VIEWS

OURS = "ours, packed (services.engagement)"
KAFKAJS = "kafkajs, 100 messages a send"


@dataclass(frozen=True, slots=True)
class Round:
    """One run."""

    number: int
    cpu: float
    """CPU seconds for a million acknowledged events."""
    rate: float
    """Events a second."""
    fill: float
    """Events in a record."""
    missing: int
    """Acknowledged events that the log does not have (or has too many of); a round with any is void."""


async def _ends(servers: Servers, topic: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(**servers.connection(), enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(PARTITIONS_PER_HOME)]
        return dict(await consumer.end_offsets(places))
    finally:
        await consumer.stop()


async def _grown(servers: Servers, topic: str, before: dict[TopicPartition, int]) -> tuple[int, int]:
    """(records, events) after ``before``."""
    consumer = AIOKafkaConsumer(**servers.connection(), enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    records = events = 0
    try:
        places = list(before)
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        for at in places:
            consumer.seek(at, before[at])
        left = {at for at in places if ends[at] > before[at]}
        while left:
            for at, got in (await consumer.getmany(*left, timeout_ms=500)).items():
                for record in got:
                    records += 1
                    events += len(msgspec.msgpack.decode(record.value)) if topic == VIEWS.name else 1
                if got and got[-1].offset + 1 >= ends[at]:
                    left.discard(at)
    finally:
        await consumer.stop()
    return records, events


def commands(stage: Path, warm: int, count: int) -> Sequence[tuple[str, str, tuple[str, ...]]]:
    """(name, topic, command) of each contestant."""
    ours = (sys.executable, "-m", "bench.events.ours_producer", str(stage), str(warm), str(count))
    return (
        (OURS, VIEWS.name, ours),
        (KAFKAJS, JSON_TOPIC, peers.kafkajs_producer(stage, JSON_TOPIC, warm, count)),
    )


async def run(servers: Servers, number: int, name: str, topic: str, command: Sequence[str], count: int) -> Round:
    """One contestant once. Raises RuntimeError if it fails."""
    before = await _ends(servers, topic)
    warm = None
    log = servers.directory / f"producer-{number}.err"
    with processes.contestant(name, command, log, accounting.cores()[0]) as running:
        for said in running.lines():
            if warm is None:
                warm = said
    assert warm is not None
    records, events = await _grown(servers, topic, before)
    total = int(warm.words[1]) + int(said.words[1])
    return Round(
        number,
        (said.cpu - warm.cpu) / count * 1e6,
        count / (said.at - warm.at),
        events / records,
        abs(total - events),
    )


def stage(servers: Servers) -> Path:
    """The file that producers are told by."""
    return stagefile.write(servers.directory / "producer.json", servers, JSON_TOPIC, [0] * PARTITIONS_PER_HOME).path
