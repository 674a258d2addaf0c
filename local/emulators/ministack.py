"""MiniStack: keeps state and S3 objects on disk, which no other free emulator does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from local import cache
from local.emulators import environments
from local.emulators.seam import ACCOUNT, LOOPBACK, Run

_LAUNCHER = Path(__file__).parent / "ministack_launcher.py"


@dataclass(frozen=True, slots=True)
class MiniStack:
    """MiniStack in its own environment, started by a launcher that keeps its state while it runs."""

    name: str = "ministack"

    def install(self, *, report: cache.Report = cache.to_stderr) -> None:
        """Install its locked environment."""
        environments.install(self.name, report)

    def run(self, port: int, state: Path) -> Run:
        """Isolated from this tree (`-I`): the launcher's directory has a module of MiniStack's name.

        Loopback only: its MQTT and SFTP listeners, which are on by default and bind everywhere, stay off."""
        return Run(
            argv=(str(environments.python(self.name)), "-I", "-u", str(_LAUNCHER)),
            environment={
                "BIND_HOST": LOOPBACK,
                "GATEWAY_PORT": str(port),
                "MINISTACK_ACCOUNT_ID": ACCOUNT,
                "PERSIST_STATE": "1",
                "STATE_DIR": str(state / "services"),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(state / "objects"),
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                # Where it writes a PID file.
                "TMPDIR": str(state / "tmp"),
                "LOG_LEVEL": "WARNING",
            },
            probe="/_ministack/health",
        )
