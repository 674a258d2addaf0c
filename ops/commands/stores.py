"""How a subcommand reaches the databases and the log of the cells: as the workload counters, whose tables they are.

Owns where the settings come from: the files that are named, else the one that the environment names, else those of this
installation. The secrets are read with the caller's own rights in AWS.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import psycopg
import typer

from local import inventory
from ops.commands import common
from services.common.errors import ServiceError
from services.common.secrets import SecretError
from services.contracts import settings as contract
from services.contracts.settings import PlatformSettings

WORKLOAD = "counters"

Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="Settings file of a cell, once per cell; otherwise MERIDIAN_SETTINGS, or this installation's.",
    ),
]

_T = TypeVar("_T")


class StoresError(Exception):
    """The stores of a cell cannot be reached; the message says why and what to do."""


def settings(files: Sequence[Path] | None) -> dict[str, PlatformSettings]:
    """Settings by cell. Raises `StoresError`, or SystemExit for a file that cannot be read."""
    named = [str(file) for file in files or ()]
    if not named and contract.SETTINGS_ENV in os.environ:
        named = [os.environ[contract.SETTINGS_ENV]]
    if named:
        loaded = [contract.load(file) for file in named]
        return {value.own.cell: value for value in loaded}
    installation = common.platform()
    stored = inventory.stored_settings(installation)
    if not stored:
        raise StoresError("this installation has no settings yet: `meridian up` first, or name files by --settings")
    first = next(iter(stored.values()))
    os.environ.update(installation.aws.environment(first.own.region))
    return stored


def run(work: Coroutine[None, None, _T]) -> _T:
    """Runs ``work``; what a store that is away looks like becomes a `StoresError`."""
    try:
        return asyncio.run(work)
    except (ServiceError, SecretError, psycopg.OperationalError, OSError) as error:
        raise StoresError(f"the stores of the cell do not answer: {error}") from error
