"""A small disk that can be filled, for a tablespace: a tmpfs in a mount namespace of its own.

Works without root where a process may make a user namespace. The mount lives as long as the process that holds it, and is
reached from outside through ``/proc/PID/root``, so nothing is left on the machine, however the tests end.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import as_server_user, server_directory

MEGABYTES = 160


class NoSmallDiskError(Exception):
    """This machine does not let a process have a mount of its own; the message is the system's."""


@dataclass(frozen=True)
class SmallDisk:
    """``directory`` lies on it; the server user owns it."""

    directory: Path

    def fill(self) -> None:
        """Takes everything that is free."""
        self._as_owner("dd", "if=/dev/zero", f"of={self.directory / 'filler'}", "bs=4k", "conv=notrunc", "oflag=append")

    def free(self) -> None:
        """Gives it back."""
        self._as_owner("rm", "-f", str(self.directory / "filler"))

    @staticmethod
    def _as_owner(*command: str) -> None:
        # Root of the machine is nobody inside the namespace, and may not make files there.
        subprocess.run(as_server_user(list(command)), capture_output=True, check=False)


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """A disk of `MEGABYTES`. Raises `NoSmallDiskError`."""
    with server_directory("disk") as place:
        script = f'mount -t tmpfs -o size={MEGABYTES}m none "$0" && mkdir -m 700 "$0/space" && echo mounted && exec cat'
        holder = subprocess.Popen(
            as_server_user(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(place)]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            said = holder.stdout.readline().decode(errors="replace").strip() if holder.stdout else ""
            directory = Path(f"/proc/{holder.pid}/root{place}/space")
            if said != "mounted" or not os.access(directory, os.F_OK):
                raise NoSmallDiskError(said or "the mount cannot be reached")
            yield SmallDisk(directory)
        finally:
            holder.kill()
            holder.communicate()
