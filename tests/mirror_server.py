"""A real MirrorMaker for tests: the one of the embedded default, between brokers of tests. Owns its start and end."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.processes import mirror
from local.processes.program import NotReadyError
from tests.kafka_server import Kafka, run_kafka

READY_SECONDS = 300.0


@dataclass
class Replicator:
    """A running MirrorMaker, both directions."""

    mirror: mirror.Mirror
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        """Starts it, also after `kill`; `ready` waits."""
        self.started = time.time()
        program = mirror.program(self.mirror)
        program.prepare()
        with (self.mirror.directory / "log").open("ab") as output:
            self.process = subprocess.Popen(program.argv, cwd=program.directory, stdout=output, stderr=output)

    def ready(self) -> None:
        """Waits until heartbeats come through every direction that were sent since it was started."""
        end = time.monotonic() + READY_SECONDS
        while True:
            try:
                mirror.check(self.mirror, self.started)
                return
            except NotReadyError as error:
                if self.process is None or self.process.poll() is not None or time.monotonic() > end:
                    tail = (self.mirror.directory / "log").read_text(errors="replace")[-3000:]
                    raise RuntimeError(f"MirrorMaker does not copy: {error}; log ends with:\n{tail}") from error
                time.sleep(0.3)

    def kill(self) -> None:
        """kill -9: what it wrote since it last stored its place, it will write again."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@contextmanager
def run_mirror(brokers: Sequence[Kafka]) -> Iterator[Replicator]:
    """A MirrorMaker among ``brokers``, not started yet; ended and removed with the block."""
    ports = {server.broker.cell: server.broker.port for server in brokers}
    password = brokers[0].broker.credentials.operator
    with tempfile.TemporaryDirectory(prefix="m-mirror-") as directory:
        made = mirror.Mirror(ports, frozenset(), Path(directory), mirror.installation(None), password)
        replicator = Replicator(made)
        try:
            yield replicator
        finally:
            replicator.kill()


@pytest.fixture(scope="session")
def partner_kafka(workload_passwords: Mapping[str, str]) -> Iterator[Kafka]:
    """The broker of Singapore, Mumbai's partner."""
    with run_kafka(workload_passwords, "singapore") as server:
        yield server


@pytest.fixture
def replicator(kafka_server: Kafka, partner_kafka: Kafka) -> Iterator[Replicator]:
    """A MirrorMaker between the two brokers that copies both ways."""
    with run_mirror((kafka_server, partner_kafka)) as made:
        yield made
