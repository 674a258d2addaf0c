"""An installation for tests: a home of its own, ports that are free, and everything stopped and removed at the end."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.ports import PortTable, holders, table
from local.processes import postgres
from local.processes.credentials import CellCredentials, Login, WorkloadPasswords
from local.supervision import Supervisor
from services.contracts.workloads import WORKLOADS


@dataclass(frozen=True)
class Installation:
    """Where a test's servers are."""

    home: Path
    ports: PortTable
    supervisor: Supervisor


def free_table(cells: Sequence[str]) -> PortTable:
    """A table below the ephemeral ports of which nobody holds a port."""
    for _ in range(50):
        candidate = table(random.randrange(10_000, 31_000, 10), cells)
        if not holders(candidate):
            return candidate
    raise RuntimeError("no free range of ports on this machine")


@contextmanager
def installation(home: Path, cells: Sequence[str] = ("mumbai",)) -> Iterator[Installation]:
    """An empty installation; what is started on its supervisor is stopped at the end."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Installation(home, free_table(cells), Supervisor(home / "supervisor"))
    try:
        yield made
    finally:
        made.supervisor.stop()
        postgres.remove(home)
        shutil.rmtree(home)


def credentials() -> CellCredentials:
    """Passwords with every character that some configuration takes for its own."""
    odd = "p%(s)s'\"\\ #;$x"
    return CellCredentials(
        owner=Login("meridian_owner", f"owner-{odd}"),
        workloads={
            workload.name: WorkloadPasswords(
                database=f"database-{workload.name}-{odd}",
                cache=f"cache-{workload.name}-{odd}",
                kafka=f"kafka-{workload.name}-{odd}",
            )
            for workload in WORKLOADS
        },
        operator="operator-p'\"x%y",
    )
