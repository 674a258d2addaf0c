"""What an emulator of AWS is to the rest: something to install, a command to run, an endpoint, a probe.

Owns the seam only.  Who runs the command and restarts it is the supervisor's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from local import cache

LOOPBACK = "127.0.0.1"
ACCOUNT = "000000000000"
"""The account of every emulator, so that ARNs do not depend on which one runs."""


@dataclass(frozen=True, slots=True)
class Run:
    """How to run an emulator: command line, what it adds to the environment, where it answers when it is ready.

    `probe` is a path; any HTTP answer of it below 500 means ready.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    probe: str


class Emulator(Protocol):
    """One emulator.  `name` is its name in `local.aws.gaps` and in the setting."""

    @property
    def name(self) -> str:
        """`ministack`, `moto` or `localstack`."""

    def install(self, *, report: cache.Report = cache.to_stderr) -> None:
        """Make it runnable, once per version; raises InstallError with the remedy."""

    def run(self, port: int, state: Path) -> Run:
        """How to run it on 127.0.0.1:`port` with its files below `state`; raises InstallError before `install`."""


class InstallError(Exception):
    """An emulator cannot be installed or is not; the message says what to do."""


def endpoint(port: int) -> str:
    """The URL of an emulator that this machine runs."""
    return f"http://{LOOPBACK}:{port}"
