"""``python -m ops.golden``: rewrites the committed text of the whole footprint, and says what changed in it.

Owns where that file is. Does not own its form (``review.golden``).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from local import paths
from ops.previews import Snapshot, snapshot
from ops.review.declared import declared
from ops.review.golden import changed, footprint
from ops.trees import checkout
from regions.catalogue import CATALOGUE

FILE: Final = Path("tests", "golden", "footprint.txt")
"""Below the checkout."""


def text(taken: Snapshot) -> str:
    """The golden text of this checkout's footprint."""
    return footprint(declared(taken.digests), CATALOGUE)


def committed() -> str:
    """The golden text as it is in the checkout; empty if there is none yet."""
    file = paths.CHECKOUT / FILE
    return file.read_text(encoding="utf-8") if file.exists() else ""


def main() -> None:
    """Rewrite the file."""
    before, after = committed(), text(snapshot(checkout()))
    for line in changed(before, after):
        print(line)
    (paths.CHECKOUT / FILE).write_text(after, encoding="utf-8")
    print(f"{FILE}: {len(after.splitlines())} lines", file=sys.stderr)


if __name__ == "__main__":
    main()
