"""``meridian logs``: what a process printed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from local.supervision import Supervisor
from ops.commands import common

_BLOCK = 65_536
_POLL_SECONDS = 0.3


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs")(logs)


def logs(
    name: Annotated[str | None, typer.Argument(help="Process, as `meridian status` names it.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what is added.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 100,
) -> None:
    """Print the log of one process; without a name, list the processes that have one.

    Examples:

        meridian logs

        meridian logs mumbai-gateway

        meridian logs singapore-kafka -f -n 20
    """
    supervisor = common.platform().supervisor
    known = names(supervisor)
    if name is None:
        print("\n".join(known) or "there are no logs; start with `meridian up`")
        return
    if name not in known:
        near = [other for other in known if name in other]
        raise typer.BadParameter(f"no process {name!r} has a log. There are: {', '.join(near or known) or 'none'}.")
    log = supervisor.log(name)
    print("\n".join(tail(log, lines)), flush=True)
    if follow:
        for text in followed(log):
            print(text, end="", flush=True)


def names(supervisor: Supervisor) -> list[str]:
    """Every process that has a log."""
    return sorted(file.stem for file in supervisor.logs.glob("*.log"))


def tail(log: Path, count: int) -> list[str]:
    """The last ``count`` lines, read from the end in blocks."""
    with log.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        content = b""
        while position > 0 and content.count(b"\n") <= count:
            step = min(_BLOCK, position)
            position -= step
            file.seek(position)
            content = file.read(step) + content
    return content.decode("utf-8", errors="replace").splitlines()[-count:] if count else []


def followed(log: Path) -> Iterator[str]:
    """What is added to ``log``, for ever; starts anew when the file was replaced or shortened."""
    position = log.stat().st_size
    identity = log.stat().st_ino
    while True:
        time.sleep(_POLL_SECONDS)
        try:
            status = log.stat()
        except FileNotFoundError:
            continue
        if status.st_ino != identity or status.st_size < position:
            identity, position = status.st_ino, 0
        if status.st_size > position:
            with log.open("rb") as file:
                file.seek(position)
                content = file.read(status.st_size - position)
            position += len(content)
            yield content.decode("utf-8", errors="replace")
