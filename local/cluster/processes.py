"""Processes of a cluster: started with nothing of the caller's environment, logged, and gone with whoever started them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_STOP_SECONDS: Final = 10.0
_LIBC: Final = ctypes.CDLL(None)
_PR_SET_PDEATHSIG: Final = 1
"""prctl(2)."""


class ControlPlaneError(Exception):
    """A part of a cluster did not come up, or ended; the message has the end of its log."""


@dataclass(slots=True)
class Processes:
    """The processes of one run; each is known by its program's name."""

    directory: Path
    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, program: Path, *flags: str, environment: Mapping[str, str] | None = None) -> None:
        """Start a program; of the caller's environment it gets `PATH` alone.

        etcd takes flags from `ETCD_*`, clients take proxies from `HTTPS_PROXY`.
        """
        with (self.logs / f"{program.name}.log").open("ab") as log:
            self.running[program.name] = subprocess.Popen(
                [str(program), *flags],
                cwd=self.directory,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.directory), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent,
            )

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: process.pid for name, process in self.running.items()}

    def require(self) -> None:
        """Raises ControlPlaneError when one has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise ControlPlaneError(f"{name} ended with {process.returncode}:\n{self.last_lines(name)}")

    def last_lines(self, name: str) -> str:
        """The end of a log."""
        return "\n".join((self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-12:])

    def stop(self) -> None:
        """In the reverse order: who depends ends first."""
        for process in reversed(self.running.values()):
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _end_with_parent() -> None:
    """Runs in the child: the kernel ends it when its parent is gone, however that ended."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
