"""``meridian down``: stop and remove what ``up`` made."""

from __future__ import annotations

import typer

from local import paths
from local import platform as steps
from ops.commands import common


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("down")(down)


def down() -> None:
    """Stop everything and remove its state: databases, uploads, the emulated account, logs.

    Keeps the cache of downloads and builds, so the next `meridian up` is quick. Touches nothing else, and does nothing
    when there is nothing.

    Example:

        meridian down
    """
    steps.down(paths.home(), common.timed_report())
