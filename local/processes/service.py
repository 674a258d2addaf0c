"""The services of a cell as processes: the same modules that a cluster runs, on ports of the loopback."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from local import gateway_build, paths
from local.aws_access import Emulated
from local.ports import LOOPBACK, PortTable, instance_name
from local.processes.http_probe import check_http
from local.processes.program import Program, nothing
from regions.catalogue import CATALOGUE
from services.contracts.settings import HOST_ENV, INSTANCE_ENV, PORT_ENV, SETTINGS_ENV
from services.contracts.workloads import WORKLOADS, Workload

READY_PATH = "/health/ready"
COMPILED = "gateway"
"""The workload that has a compiled build, which runs where it can be made."""


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
    compiled = workload.name == COMPILED
    sources = f"{gateway_build.location()}:{paths.CHECKOUT}" if compiled else str(paths.CHECKOUT)
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
            "PYTHONPATH": sources,
            # Where it may keep what it makes on the way (the transcoder's segments), so that `down` removes it.
            "TMPDIR": str(directory),
        },
        inputs=(settings.read_text(encoding="utf-8"), code),
        prepare=_prefer_compiled if compiled else nothing,
        probe=partial(check_http, port, READY_PATH),
        stop_seconds=20,
        ready_seconds=90,
    )


def _prefer_compiled() -> None:
    gateway_build.prefer()


def fingerprint(*directories: Path) -> str:
    """Changes with any Python source below ``directories``."""
    digest = hashlib.sha256()
    for directory in directories:
        for file in sorted(directory.rglob("*.py")):
            digest.update(str(file.relative_to(directory)).encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
