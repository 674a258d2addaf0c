"""``python -m ops.images DIRECTORY``: digests of images become configuration of every region's stack.

Owns the rewriting of ``meridian:images`` in ``Pulumi.<region>.yaml``; everything else in those files stays as it is.
The directory has one file per workload, with one digest.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local import paths
from regions.catalogue import CATALOGUE
from services.contracts.workloads import BY_NAME

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_KEY: Final = "  meridian:images:"


class ImagesError(ValueError):
    """Digests that cannot become configuration; the message says which and why."""


def digests(directory: Path) -> dict[str, str]:
    """Digest by workload. Raises `ImagesError`."""
    found: dict[str, str] = {}
    for file in sorted(directory.iterdir()) if directory.is_dir() else []:
        text = file.read_text(encoding="utf-8", errors="replace").strip()
        if file.name not in BY_NAME:
            raise ImagesError(f"{file.name}: no such workload; there are {', '.join(BY_NAME)}")
        if not _DIGEST.fullmatch(text):
            raise ImagesError(f"{file.name}: not a digest (sha256: and 64 hexadecimal digits)")
        found[file.name] = text
    if not found:
        raise ImagesError(f"{directory}: no digests; build the images first")
    return found


def configured(source: str, images: Mapping[str, str]) -> str:
    """The text of a stack's configuration with ``images`` over those that it names already."""
    lines = source.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith(_KEY)), len(lines))
    end = start + 1
    while end < len(lines) and lines[end].startswith("    "):
        end += 1
    known = dict(line.strip().split(": ", 1) for line in lines[start + 1 : end])
    merged = known | dict(images)
    block = [_KEY, *(f"    {name}: {merged[name]}" for name in sorted(merged))]
    return "\n".join((*lines[:start], *block, *lines[end:])) + "\n"


def main() -> None:
    """Rewrite the configuration of every region."""
    try:
        images = digests(Path(sys.argv[1] if len(sys.argv) > 1 else "digests"))
    except ImagesError as error:
        sys.exit(f"error: {error}")
    for name in CATALOGUE.names:
        file = paths.CHECKOUT / f"Pulumi.{name}.yaml"
        file.write_text(configured(file.read_text(encoding="utf-8"), images), encoding="utf-8")
        print(f"{file.name}: {len(images)} images")


if __name__ == "__main__":
    main()
