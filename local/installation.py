"""One installation on this machine: its configuration, ports, state, and the right to change it.

Owns what belongs to all steps of a command. Does not own the steps (``platform``) nor what runs (``inventory``).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from local import paths
from local.aws_access import Emulated
from local.configuration import Configuration
from local.engine import bootstrap
from local.engine.environment import Attachment
from local.engine.pulumi import Project, Runner
from local.ports import EMULATOR, PROVIDER_AWS, PROVIDER_KUBERNETES, PortTable, table
from local.supervision import Supervisor
from regions.names import PROJECT
from regions.stacks import stack_order
from regions.writers import Record, dumps, load

Report = Callable[[str], None]
LOCK = "lock"
WRITERS = "writers.json"

DISPOSABLE: Final = MappingProxyType({f"{PROJECT}:disposable": "true"})
"""An embedded deployment is removed with all its data by `make down`, so nothing in it is protected."""


class BusyError(Exception):
    """Another command is changing this installation."""


@dataclass(frozen=True, slots=True)
class Platform:
    """One installation on this machine."""

    configuration: Configuration
    home: Path
    report: Report
    ports: PortTable = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ports", table(self.configuration.port_base, self.configuration.cells))

    @property
    def writers(self) -> Path:
        """The record of this installation's promotions; it has databases of its own, so it has a record of its own."""
        return self.home / WRITERS

    @property
    def record(self) -> Record:
        """What was recorded. Raises `regions.writers.RecordError`."""
        return load(self.writers) if self.writers.is_file() else Record()

    def write_record(self, record: Record) -> None:
        """Record it, in one step. The stacks, the settings and the processes follow."""
        paths.write_private(self.writers, dumps(record))

    @property
    def supervisor(self) -> Supervisor:
        """Its supervisor."""
        return Supervisor(self.home / "supervisor")

    @property
    def aws(self) -> Emulated:
        """Its emulated AWS."""
        return Emulated(self.ports.of(EMULATOR))

    def attachment(self) -> Attachment:
        """What the engine needs to work on it. Builds the engine if the machine has none."""
        engine = bootstrap.obtain(self.home, report=self.report)
        providers = {
            "aws": self.ports.of(PROVIDER_AWS),
            "kubernetes": self.ports.of(PROVIDER_KUBERNETES),
        }
        return Attachment(self.home, engine, providers, writers=self.writers)

    def runner(self, attachment: Attachment, parallel: int = 2) -> Runner:
        """The engine on this checkout's stacks as they are deployed here, with the policy pack."""
        return Runner(project(DISPOSABLE), attachment, self.report, parallel)


def project(overrides: Mapping[str, str] = MappingProxyType({})) -> Project:
    """This checkout's stacks and policy pack; `overrides` go over the committed configuration of every stack."""
    return Project(paths.CHECKOUT, stack_order(), paths.CHECKOUT / "policies", overrides)


@contextlib.contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """One command at a time changes an installation; the kernel drops the lock with the process."""
    paths.private_directory(home)
    descriptor = os.open(home / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode("ascii", errors="replace").strip()
            raise BusyError(
                f"process {holder or '(unknown)'} is changing this installation; wait for it, or stop it and repeat"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)
