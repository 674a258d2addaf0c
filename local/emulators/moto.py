"""moto: everything in memory, in the project's own environment.  For tests."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from local import cache
from local.emulators.seam import ACCOUNT, LOOPBACK, Run


@dataclass(frozen=True, slots=True)
class Moto:
    """moto's server as a process."""

    name: str = "moto"

    def install(self, *, report: cache.Report = cache.to_stderr) -> None:
        """Nothing: it comes with the project's development environment."""

    def run(self, port: int, state: Path) -> Run:  # noqa: ARG002 - the seam's; moto keeps nothing
        """Its state ends with the process; `state` stays empty."""
        return Run(
            argv=(sys.executable, "-u", "-m", "moto.server", "-H", LOOPBACK, "-p", str(port)),
            # A certificate is issued at once: moto's minute is a wait for nothing, and what is asked after an `up` that took
            # less would find it pending.
            environment={
                "MOTO_ACCOUNT_ID": ACCOUNT,
                "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
                "MOTO_ACM_VALIDATION_WAIT": "0",
            },
            probe="/moto-api/",
        )
