"""A real Kafka broker for tests: the one of the embedded default, on free ports, with all topics and rights.

Owns its start and end, one per test worker. Register with ``pytest_plugins`` or import the fixture.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from local.processes import kafka
from local.processes.credentials import CellCredentials, Login, WorkloadPasswords
from local.processes.program import NotReadyError
from regions.catalogue import CATALOGUE
from services.common.kafka import ConnectionArguments
from services.contracts.settings import Endpoint, KafkaSettings, PlatformSettings
from services.contracts.topics import TOPICS, copied_name
from tests.servers import free_port

READY_SECONDS = 240.0


@dataclass
class Kafka:
    """A running broker; users and passwords are those of the workloads."""

    broker: kafka.Broker
    process: subprocess.Popen[bytes]

    def settings(self) -> KafkaSettings:
        """How services find it."""
        return KafkaSettings(
            brokers=(Endpoint(host="127.0.0.1", port=self.broker.port),), auth="plain", tls=False, replication_factor=1
        )

    def put_into(self, settings: PlatformSettings) -> PlatformSettings:
        """``settings`` with this broker as the cell's cluster."""
        return settings.model_copy(update={"own": settings.own.model_copy(update={"kafka": self.settings()})})

    def operator(self) -> ConnectionArguments:
        """Connection with all rights."""
        return ConnectionArguments(
            bootstrap_servers=[f"127.0.0.1:{self.broker.port}"],
            client_id="test",
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_plain_username=kafka.OPERATOR,
            sasl_plain_password=self.broker.credentials.operator,
        )

    async def empty(self) -> None:
        """Deletes every record, so that a test finds logs without what earlier tests wrote."""
        consumer = AIOKafkaConsumer(**self.operator())
        await consumer.start()
        try:
            existing = await consumer.topics()
            partitions = [
                TopicPartition(name, number)
                for topic in TOPICS
                for name in (topic.name, *(copied_name(source, topic.name) for source in CATALOGUE.names))
                if name in existing
                for number in range(topic.partitions(CATALOGUE.homes))
            ]
            ends = await consumer.end_offsets(partitions)
        finally:
            await consumer.stop()
        written = {at: RecordsToDelete(end) for at, end in ends.items() if end}
        if not written:
            return
        admin = AIOKafkaAdminClient(**self.operator())
        await admin.start()
        try:
            await admin.delete_records(written)
        finally:
            await admin.close()
        await asyncio.to_thread(
            self._await_checkpoint, {(at.topic, at.partition): end for at, end in ends.items() if end}
        )

    def _await_checkpoint(self, starts: Mapping[tuple[str, int], int]) -> None:
        """Waits until the broker knows from its disk where logs start: a killed one would show what was deleted."""
        data = self.broker.directory / "data"
        end = time.monotonic() + READY_SECONDS
        while True:
            known = _checkpointed(data / "log-start-offset-checkpoint")
            late = [at for at, start in starts.items() if max(known.get(at, 0), _first(data, *at)) < start]
            if not late:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"Kafka has not written down that {late} begin later")
            time.sleep(0.1)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(10)

    def start(self) -> None:
        """Starts it again after `kill`, with what it has on disk."""
        self.process = _launch(self.broker)
        _await(self.broker, self.process)


def _checkpointed(file: Path) -> Mapping[tuple[str, int], int]:
    """What Kafka wrote down of its logs: topic, partition and offset in a line, below a version and a count."""
    try:
        rows = [line.split() for line in file.read_text().splitlines()[2:]]
    except FileNotFoundError:
        return {}
    return {(topic, int(partition)): int(offset) for topic, partition, offset in rows}


def _first(data: Path, topic: str, partition: int) -> int:
    """The offset of the oldest segment: files are named by it."""
    return min((int(file.stem) for file in (data / f"{topic}-{partition}").glob("*.log")), default=0)


def _launch(broker: kafka.Broker) -> subprocess.Popen[bytes]:
    program = kafka.program(broker)
    with (broker.directory / "log").open("ab") as output:
        return subprocess.Popen(program.argv, cwd=program.directory, stdout=output, stderr=output)


def _await(broker: kafka.Broker, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            kafka.check(broker)
            return
        except NotReadyError as error:
            if process.poll() is not None or time.monotonic() > end:
                tail = (broker.directory / "log").read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Kafka did not start: {error}; log ends with:\n{tail}") from error
            time.sleep(0.2)


@contextmanager
def run_kafka(passwords: Mapping[str, str], cell: str = "mumbai") -> Iterator[Kafka]:
    """The broker of ``cell`` with a user per entry of ``passwords``, stopped and removed at the end."""
    workloads = {name: WorkloadPasswords(password, password, password) for name, password in passwords.items()}
    credentials = CellCredentials(Login("owner", "unused"), workloads, "operator-of-the-test")
    with tempfile.TemporaryDirectory(prefix="m-kafka-") as directory:
        broker = kafka.Broker(cell, free_port(), free_port(), Path(directory), kafka.installation(None), credentials)
        kafka.prepare(broker)
        process = _launch(broker)
        server = Kafka(broker, process)
        try:
            _await(broker, process)
            kafka.settle(broker)
            yield server
        finally:
            server.process.terminate()
            try:
                server.process.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


@pytest.fixture(scope="session")
def kafka_server(workload_passwords: Mapping[str, str]) -> Iterator[Kafka]:
    """The broker of this worker. Its topics keep what earlier tests wrote: use positions or ids of your own."""
    with run_kafka(workload_passwords) as server:
        yield server
