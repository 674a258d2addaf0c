"""What the platform needs to know of a process in order to run it. Owns the type; no process is described here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


class NotReadyError(Exception):
    """A process does not do its work (yet); the message says what is missing."""


class PreparationError(Exception):
    """What a process needs before its start cannot be made; the message says why and what to do."""


def nothing() -> None:
    """For a process that needs no preparation."""


@dataclass(frozen=True, slots=True)
class Program:
    """One supervised process."""

    part: str
    """What it is, for example ``postgres-primary``: unique within its cell."""
    cell: str | None
    port: int
    argv: tuple[str, ...]
    directory: Path
    """Working directory; exists when the program is started."""
    probe: Callable[[], None]
    """Asks the process itself, in at most a few seconds. Raises `NotReadyError`."""
    prepare: Callable[[], None] = nothing
    """Makes what the start needs, idempotently. Run before each start, never while the process runs."""
    settle: Callable[[], None] = nothing
    """Makes what needs the running process (roles, topics), idempotently. Run at each `up`, once it is ready. Raises
    `NotReadyError` where the process is away again: then it is repeated when it is back."""
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    """Account to run as; only root can name one."""
    inputs: tuple[str, ...] = ()
    """Contents of its files that require a restart when they change."""
    stop_signal: str = "TERM"
    stop_seconds: int = 15
    ready_seconds: float = 60.0

    @property
    def name(self) -> str:
        """Unique in the installation: the supervisor's name, and the log's."""
        return self.part if self.cell is None else f"{self.cell}-{self.part}"

    @property
    def fingerprint(self) -> str:
        """Changes whenever the running process would have to be restarted; tells nothing of its contents."""
        digest = hashlib.sha256()
        for text in (*self.argv, str(self.directory), self.user or "", *self.inputs):
            digest.update(hashlib.sha256(text.encode()).digest())
        for key in sorted(self.environment):
            digest.update(hashlib.sha256(f"{key}={self.environment[key]}".encode()).digest())
        return digest.hexdigest()[:16]
