"""``meridian up``: bring everything to work."""

from __future__ import annotations

import typer

from local import platform as steps
from local.dataplane import urls
from ops.commands import common


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)


def up(json: common.Json = False) -> None:
    """Install, deploy and start everything, and print the URL to open.

    The first run takes some minutes (it builds the Pulumi engine where none is installed); an unchanged installation
    takes seconds and is not touched. Interrupt and repeat it as you like.

    Examples:

        meridian up

        CELLS=all meridian up                     # all four cells

        MERIDIAN_PORT_BASE=30000 meridian up      # other ports
    """
    installation = common.platform()
    url = steps.up(installation)
    if json:
        common.print_json({"url": url, "all": dict(urls(installation.ports))})
    else:
        print(f"\nMeridian runs. Open {url}\n(the certificate is of this machine only, so the browser asks once)")
