"""What the subcommands share: opening the installation, and writing to people or to programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table

from local import configuration, paths
from local.installation import Platform, Report

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]


def timed_report() -> Report:
    """A report on standard error, each line with the seconds since the start."""
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {line}", file=sys.stderr, flush=True)

    return report


def platform(report: Report | None = None) -> Platform:
    """This installation. Raises `local.configuration.ConfigurationError`."""
    return Platform(configuration.load(), paths.home(), report or timed_report())


def print_json(value: JsonValue) -> None:
    """One JSON document on standard output."""
    print(json.dumps(value, indent=1))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output, as wide as its content: no cell is cut where the output is no terminal."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console = Console(markup=False, highlight=False, width=400)
    console.print(table)
