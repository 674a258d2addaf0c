"""The emulated AWS as a process. Owns its place among the programs; which emulators there are, how they are installed
and started is ``local.emulators``."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from local import cache, paths
from local.emulators.choice import emulator
from local.emulators.seam import InstallError, Run
from local.ports import EMULATOR, PortTable
from local.processes.http_probe import check_answers
from local.processes.program import PreparationError, Program


def install(name: str, report: cache.Report) -> None:
    """Make it runnable, once per version. Raises `PreparationError`."""
    try:
        emulator(name).install(report=report)
    except InstallError as error:
        raise PreparationError(str(error)) from error


def program(name: str, ports: PortTable, home: Path, *, probing: bool = False) -> Program:
    """The emulator called ``name``. Its state survives a stop and a kill as far as the emulator keeps it.

    ``probing``: it need not be installed, as it is not started. Raises `PreparationError`.
    """
    state = paths.private_directory(home / "emulator")
    port = ports.of(EMULATOR)
    try:
        run = emulator(name).run(port, state)
    except InstallError as error:
        if not probing:
            raise PreparationError(str(error)) from error
        run = Run((), {}, "/")
    for directory in ("services", "objects", "tmp"):
        paths.private_directory(state / directory)
    return Program(
        part=EMULATOR,
        cell=None,
        port=port,
        argv=run.argv,
        directory=state,
        environment=run.environment,
        probe=partial(check_answers, port, run.probe),
        # It writes what it keeps when it is told to stop.
        stop_seconds=60,
        ready_seconds=120,
    )
