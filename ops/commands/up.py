"""``meridian up``: bring everything to work."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from local import platform as steps
from local.dataplane import urls
from ops.commands import common


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(
    json: common.Json = False,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay until interrupted, then stop everything and keep its state.")
    ] = False,
) -> None:
    """Install, deploy and start everything, and print the URL to open.

    The first run takes some minutes (it builds the Pulumi engine where none is installed); an unchanged installation
    takes seconds and is not touched. Interrupt and repeat it as you like.

    Examples:

        meridian up

        CELLS=all meridian up                     # all four cells

        MERIDIAN_PORT_BASE=30000 meridian up      # other ports

        meridian up --foreground                  # as the only process of a container
    """
    installation = common.platform()
    url = steps.up(installation)
    if json:
        common.print_json({"url": url, "all": dict(urls(installation.ports))})
    else:
        print(
            f"\nMeridian runs. Open {url}\n(the certificate is of this machine only, so the browser asks once)",
            flush=True,
        )
    if foreground:
        wait_for_end()
        installation.supervisor.stop()


def wait_for_end() -> None:
    """Return when this process is told to end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
