"""MirrorMaker 2: the topics of each running cell, copied to its partner. Stands where MSK Replicator does on AWS.

Owns its configuration and the proof that it copies. One process for all directions: a JVM costs more than a direction.
Copies begin at the earliest record and are called ``<source>.<topic>``; a topic that carries such a name is copied
nowhere, so partners that copy each other make no loop. It repeats records when it was killed before it had stored its
place, as the real one does: exactness rests on the marks of the counting path, not on it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from local import cache, paths
from local.ports import KAFKA, LOOPBACK, PortTable
from local.processes import kafka, kafka_install
from local.processes.kafka_install import Installation
from local.processes.program import NotReadyError, Program
from regions.catalogue import CATALOGUE
from services.contracts.topics import TOPICS, copied_name

PART = "mirror"
HEARTBEAT_SECONDS = 5
LATE_SECONDS = 60
"""A direction whose last copied heartbeat is older does not work."""
_HEARTBEATS = "heartbeats"

LOGGING = """status = error
appender.console.type = Console
appender.console.name = STDOUT
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.stdout.ref = STDOUT
logger.mirror.name = org.apache.kafka.connect.mirror
logger.mirror.level = info
"""
"""In log4j's properties form: its YAML form needs a library that only the broker's jars have."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """The replicator of one installation."""

    ports: Mapping[str, int]
    """Of the broker of each cell."""
    lost: frozenset[str]
    """Cells whose broker is away: nothing is expected of their directions."""
    directory: Path
    installation: Installation
    password: str
    """Of the operator, the same on every broker."""

    @property
    def configuration(self) -> Path:
        """mm2.properties."""
        return self.directory / "mm2.properties"

    @property
    def logging(self) -> Path:
        """The configuration of log4j."""
        return self.directory / "log4j2.properties"

    @property
    def directions(self) -> tuple[tuple[str, str], ...]:
        """(source, target) of each direction, in the order of the catalogue."""
        return tuple(
            (region.name, region.partner)
            for region in CATALOGUE.regions
            if region.name in self.ports and region.partner in self.ports
        )


def layout(ports: PortTable, lost: frozenset[str], home: Path, password: str, installation: Installation) -> Mirror:
    """The replicator of this installation; makes its directory."""
    brokers = {cell: ports.of(KAFKA, cell) for cell in ports.cells}
    return Mirror(brokers, lost, paths.private_directory(home / PART), installation, password)


def installation(
    kafka_home: Path | None, *, root: Path | None = None, report: cache.Report = cache.to_stderr
) -> Installation:
    """Its jars, fetched if need be. Raises `PreparationError`."""
    return Installation(kafka_install.mirror_libraries(kafka_home, root=root, report=report))


def program(mirror: Mirror) -> Program:
    """The replicator as a supervised process. It listens on no port."""
    return Program(
        part=PART,
        cell=None,
        port=0,
        argv=mirror.installation.command(
            "org.apache.kafka.connect.mirror.MirrorMaker", str(mirror.configuration), logging=mirror.logging
        ),
        directory=mirror.directory,
        # One that lived through the loss of a cluster does not copy from it when it is back: it is started anew then.
        inputs=(properties(mirror), LOGGING, *sorted(mirror.lost)),
        prepare=partial(prepare, mirror),
        probe=partial(check, mirror),
        stop_seconds=20,
        ready_seconds=240,
    )


def properties(mirror: Mirror) -> str:
    """mm2.properties. Holds the password: the file is private."""
    lines = {
        "clusters": ",".join(mirror.ports),
        # The product's topics and nothing else; a copy has a prefix, so it is not among them.
        "topics": ",".join(re.escape(topic.name).replace("\\", "\\\\") for topic in TOPICS),
        "consumer.auto.offset.reset": "earliest",
        # The order of a partition survives a retry, and a retry writes nothing twice.
        "producer.enable.idempotence": "true",
        "producer.acks": "all",
        "tasks.max": "1",
        # Positions of consumers lie in the databases, beside the counts.
        "groups": "",
        "emit.checkpoints.enabled": "false",
        "sync.group.offsets.enabled": "false",
        "refresh.groups.enabled": "false",
        "sync.topic.acls.enabled": "false",
        "emit.heartbeats.interval.seconds": str(HEARTBEAT_SECONDS),
        "refresh.topics.interval.seconds": "60",
        "offset.flush.interval.ms": "10000",
        "offset-syncs.topic.location": "target",
        "offset.storage.partitions": "1",
        "status.storage.partitions": "1",
        # One broker cannot keep copies.
        **{f"{topic}.replication.factor": "1" for topic in _INTERNAL},
        "replication.factor": "1",
    }
    for cell, port in mirror.ports.items():
        lines |= {
            f"{cell}.bootstrap.servers": f"{LOOPBACK}:{port}",
            f"{cell}.security.protocol": "SASL_PLAINTEXT",
            f"{cell}.sasl.mechanism": "PLAIN",
            f"{cell}.sasl.jaas.config": kafka.login_property(kafka.OPERATOR, mirror.password),
        }
    lines |= {f"{source}->{target}.enabled": "true" for source, target in mirror.directions}
    return "".join(f"{key} = {value}\n" for key, value in lines.items())


_INTERNAL = (
    "heartbeats.topic",
    "checkpoints.topic",
    "offset-syncs.topic",
    "config.storage",
    "offset.storage",
    "status.storage",
)


def prepare(mirror: Mirror) -> None:
    """Write the configuration."""
    paths.write_private(mirror.logging, LOGGING)
    paths.write_private(mirror.configuration, properties(mirror))


def check(mirror: Mirror, since: float | None = None) -> None:
    """Raises `NotReadyError` unless a heartbeat came through every direction in the last seconds, or since ``since``
    (seconds since 1970)."""
    asyncio.run(_check(mirror, time.time() - LATE_SECONDS if since is None else since))


async def _check(mirror: Mirror, since: float) -> None:
    for source, target in mirror.directions:
        if mirror.lost & {source, target}:
            continue
        try:
            async with asyncio.timeout(8):
                beats = await _heartbeat(mirror, source, target, since)
        except (KafkaError, OSError, TimeoutError) as error:
            raise NotReadyError(f"{source} to {target}: {error or type(error).__name__}") from error
        if not beats:
            seconds = time.time() - since
            raise NotReadyError(f"nothing came from {source} to {target} for {seconds:.0f} s")


async def _heartbeat(mirror: Mirror, source: str, target: str, since: float) -> bool:
    consumer = AIOKafkaConsumer(
        **kafka.operator_connection(mirror.ports[target], mirror.password), enable_auto_commit=False
    )
    await consumer.start()
    try:
        copied = TopicPartition(copied_name(source, _HEARTBEATS), 0)
        if copied.topic not in await consumer.topics():
            return False
        return (await consumer.offsets_for_times({copied: int(since * 1000)}))[copied] is not None
    finally:
        await consumer.stop()
