"""The emulated AWS as a process. Owns its place among the programs; which emulators there are, how they are installed
and started is ``local.emulators``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from local import cache, paths
from local.ports import EMULATOR, LOOPBACK, PortTable
from local.processes.nginx import check_http
from local.processes.program import Program


def install(kind: str, report: cache.Report) -> None:
    pass


def program(kind: str, ports: PortTable, home: Path) -> Program:
    directory = paths.private_directory(home / "emulator")
    port = ports.of(EMULATOR)
    return Program(
        part=EMULATOR,
        cell=None,
        port=port,
        directory=directory,
        argv=(str(Path(sys.executable).with_name("moto_server")), "-H", LOOPBACK, "-p", str(port)),
        probe=partial(check_http, port, "/moto-api/"),
    )
