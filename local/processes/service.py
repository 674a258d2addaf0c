"""The services of a cell as processes: the same modules that a cluster runs, on ports of the loopback."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from local import paths
from local.aws_access import Emulated
from local.ports import LOOPBACK, PortTable, instance_name
from local.processes.http_probe import check_http
from local.processes.program import Program
from regions.catalogue import CATALOGUE
from services.contracts.settings import HOST_ENV, INSTANCE_ENV, PORT_ENV, SETTINGS_ENV
from services.contracts.workloads import WORKLOADS, Workload

READY_PATH = "/health/ready"


def programs(
    cell: str,
    ports: PortTable,
    settings: Path,
    aws: Emulated,
    home: Path,
    code: str,
    workloads: Sequence[Workload] = WORKLOADS,
) -> tuple[Program, ...]:
    """Every service process of ``cell``. ``code``: fingerprint of the services' sources; a change restarts them."""
    return tuple(
        _program(workload, number, cell, ports, settings, aws, home, code)
        for workload in workloads
        for number in range(workload.local_instances)
    )


def _program(
    workload: Workload,
    number: int,
    cell: str,
    ports: PortTable,
    settings: Path,
    aws: Emulated,
    home: Path,
    code: str,
) -> Program:
    part = instance_name(workload.name, number, workload.local_instances)
    port = ports.of(part, cell)
    directory = paths.private_directory(home / "cells" / cell / part)
    return Program(
        part=part,
        cell=cell,
        port=port,
        argv=(sys.executable, "-m", workload.module),
        directory=directory,
        environment={
            **aws.environment(CATALOGUE.get(cell).code),
            SETTINGS_ENV: str(settings),
            HOST_ENV: LOOPBACK,
            PORT_ENV: str(port),
            INSTANCE_ENV: str(number),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(paths.CHECKOUT),
            # Where it may keep what it makes on the way (the transcoder's segments), so that `down` removes it.
            "TMPDIR": str(directory),
        },
        inputs=(settings.read_text(encoding="utf-8"), code),
        probe=partial(check_http, port, READY_PATH),
        stop_seconds=20,
        ready_seconds=90,
    )


def fingerprint(*directories: Path) -> str:
    """Changes with any Python source below ``directories``."""
    digest = hashlib.sha256()
    for directory in directories:
        for file in sorted(directory.rglob("*.py")):
            digest.update(str(file.relative_to(directory)).encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
