"""``python -m ops.waves``: the order of a deployment, as outputs of a pipeline's job.

Owns that order: regions one at a time, the one with the least load first, so that a mistake meets the fewest people.
"""

from __future__ import annotations

import json

from regions.catalogue import CATALOGUE, Catalogue
from regions.stacks import links


def outputs(catalogue: Catalogue = CATALOGUE) -> dict[str, list[object]]:
    """``regions``: name and code of each, in order; ``links``: names of stacks."""
    ordered = sorted(catalogue.regions, key=lambda region: (region.weight, region.index))
    return {
        "regions": [{"name": region.name, "code": region.code} for region in ordered],
        "links": [link.stack for link in links(catalogue)],
    }


def main() -> None:
    """Print ``name=value`` lines."""
    for name, value in outputs().items():
        print(f"{name}={json.dumps(value, separators=(',', ':'))}")


if __name__ == "__main__":
    main()
