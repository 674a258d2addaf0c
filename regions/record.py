"""``python -m regions.record lose|return|settle|abandon REGION``: writes the committed record of writers.

Owns the command line; what may follow what is `regions.writers`. An installation on one machine has a record of its own,
which `meridian region` writes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from regions import writers
from regions.errors import CatalogueError
from regions.writers import Record

STEPS: Mapping[str, Callable[[Record, str], Record]] = MappingProxyType(
    {
        "lose": writers.lose,
        "return": writers.bring_back,
        "settle": writers.settle,
        "abandon": writers.give_up,
    }
)


def main(arguments: Sequence[str], file: Path = writers.FILE) -> int:
    """Exit code: 0 recorded (or recorded already), 1 not allowed, 2 wrong use."""
    if len(arguments) != 2 or arguments[0] not in STEPS:
        print(f"usage: python -m regions.record {'|'.join(STEPS)} REGION", file=sys.stderr)
        return 2
    step, region = arguments
    try:
        before = writers.load(file)
        after = STEPS[step](before, region)
    except CatalogueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if after != before:
        file.write_text(writers.dumps(after), encoding="utf-8")
    for home, seats in sorted(after.homes.items()):
        print(f"{home}: written in {seats.writer} since term {seats.term}")
    print(f"lost: {', '.join(after.lost) or '-'}; returning: {', '.join(after.returning) or '-'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
