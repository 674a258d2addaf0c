"""One cell's PostgreSQL, Valkey and Kafka, started as `meridian up` starts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from local.processes import kafka, postgres, valkey
from local.processes.credentials import CellCredentials
from local.processes.kafka import Broker
from local.processes.postgres import Postgres
from local.processes.program import Program
from local.processes.valkey import Valkey
from local.sequence import start_wave
from tests.local.running import Installation, credentials, installation

CELL = "mumbai"


@dataclass(frozen=True)
class DataPlane:
    """The servers, and how to start them again."""

    installation: Installation
    credentials: CellCredentials
    postgres: Postgres
    valkey: Valkey
    broker: Broker
    waves: tuple[tuple[Program, ...], ...]

    def up(self) -> tuple[str, ...]:
        """Bring everything to work; the names of what had to be started."""
        started: list[str] = []
        for order, programs in enumerate(self.waves):
            started += start_wave(self.installation.supervisor, programs, order, print)
        return tuple(started)

    def pids(self) -> dict[str, int | None]:
        """The process of each program."""
        return {name: state.pid for name, state in self.installation.supervisor.states().items()}


@pytest.fixture(scope="session")
def dataplane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataPlane]:
    with installation(tmp_path_factory.mktemp("dataplane") / "home") as made:
        known = credentials()
        database = postgres.layout(CELL, made.ports, made.home, known)
        # What an interrupted first run leaves.
        for node in database.nodes:
            node.data.with_name(f"{node.name}.new").mkdir()
            (node.data.with_name(f"{node.name}.new") / "PG_VERSION").write_text("18")
        cached = valkey.layout(CELL, "meridian-mumbai", made.ports, made.home, known)
        broker = kafka.layout(CELL, made.ports, made.home, known, kafka.installation(None))
        alone, joining = (
            (*first, *second)
            for first, second in zip(postgres.programs(database), valkey.programs(cached), strict=True)
        )
        made.supervisor.start()
        plane = DataPlane(made, known, database, cached, broker, ((*alone, kafka.program(broker)), joining))
        plane.up()
        yield plane
