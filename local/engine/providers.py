"""The processes of the providers that the engine attaches to.

Owns how one is started, found to be ready, and stopped. Any provider that keeps the convention of `serving` will do:
its first line on standard output is the port on 127.0.0.1 where it already listens.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READY_WITHIN: Final = 60.0
"""Seconds. Importing the SDK takes one or two; a machine under load ten times that."""


class ProviderStartError(Exception):
    """A provider that did not come up; the message has what it printed."""


@dataclass(frozen=True, slots=True)
class ProviderCommand:
    """How to start a provider: `python -m <module> --port 0 <arguments>`. Its log goes to `log`."""

    package: str
    module: str
    arguments: tuple[str, ...]
    log: Path

    def command(self, port: int = 0) -> list[str]:
        """The command line; port 0 lets the kernel choose."""
        return [sys.executable, "-u", "-m", self.module, "--port", str(port), *self.arguments]


@contextmanager
def running(
    commands: Sequence[ProviderCommand], environment: Mapping[str, str] | None = None
) -> Iterator[dict[str, int]]:
    """Start providers and yield their ports by package name; stop them at the end.

    Raises ProviderStartError when one ends or says nothing within READY_WITHIN.
    """
    with ExitStack() as stack:
        processes = [(command, stack.enter_context(_process(command, environment))) for command in commands]
        yield {command.package: _port(command, process) for command, process in processes}


@contextmanager
def _process(command: ProviderCommand, environment: Mapping[str, str] | None) -> Iterator[subprocess.Popen[str]]:
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("a") as log:
        process = subprocess.Popen(
            command.command(),
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _port(command: ProviderCommand, process: subprocess.Popen[str]) -> int:
    lines: list[str] = []
    reader = threading.Thread(
        target=lambda: lines.append(process.stdout.readline() if process.stdout else ""), daemon=True
    )
    reader.start()
    reader.join(READY_WITHIN)
    if lines and lines[0].strip().isdigit():
        return int(lines[0])
    if not lines:
        process.kill()  # so that the reader ends and its stream can be closed
        reader.join()
    said = command.log.read_text().strip().splitlines()[-10:]
    raise ProviderStartError(
        f"the {command.package} provider (python -m {command.module}) did not come up within {READY_WITHIN:.0f} s:\n"
        + "\n".join([line.strip() for line in lines if line.strip()] + said)
    )
