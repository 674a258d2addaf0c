"""How many declared resources are live in the emulator and how many only recorded: `python -m local.aws.report`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from local.aws.ledger import Count, Ledger
from local.aws.server import ledger_path, state_directory


def counts(state: Path, emulator: str) -> list[Count]:
    """Live and recorded resources by type, of one emulator's ledger."""
    return Ledger(ledger_path(state, emulator)).counts()


def rendered(rows: Iterable[Count]) -> str:
    """A table by type, and the line `live N / recorded M`."""
    found = list(rows)
    lines = [f"{row.token:<72} live {row.live:>4}  recorded {row.recorded:>4}" for row in found]
    total = f"live {sum(row.live for row in found)} / recorded {sum(row.recorded for row in found)}"
    return "\n".join([*lines, total])


def main() -> int:
    """Print the report for the state directory and the emulator of the environment."""
    print(rendered(counts(state_directory(os.environ), os.environ.get("MERIDIAN_EMULATOR", "ministack"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
