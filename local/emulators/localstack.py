"""LocalStack (`localstack-core`, host mode): by setting only.  One that runs elsewhere is used by its endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from local import cache
from local.emulators import environments
from local.emulators.seam import LOOPBACK, Run

_LAUNCHER = Path(__file__).parent / "localstack_launcher.py"


@dataclass(frozen=True, slots=True)
class LocalStack:
    """The free core of LocalStack as a process; its state ends with it."""

    name: str = "localstack"

    def install(self, *, report: cache.Report = cache.to_stderr) -> None:
        """Install its locked environment."""
        environments.install(self.name, report)

    def run(self, port: int, state: Path) -> Run:
        """Host mode: no container, no token, nothing downloaded, nothing reported."""
        return Run(
            argv=(str(environments.python(self.name)), "-I", "-u", str(_LAUNCHER)),
            environment={
                "GATEWAY_LISTEN": f"{LOOPBACK}:{port}",
                "LOCALSTACK_VOLUME_DIR": str(state),
                "FILESYSTEM_ROOT": str(state),
                "DISABLE_EVENTS": "1",
                "SKIP_SSL_CERT_DOWNLOAD": "1",
                "DNS_ADDRESS": "0",
                "EAGER_SERVICE_LOADING": "0",
            },
            probe="/_localstack/health",
        )
