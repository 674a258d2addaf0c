"""Copies of this checkout with another catalogue: what an operator would edit, and nothing else."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from local import paths
from ops.trees import Tree

PACKAGES = ("regions", "stacks", "edge", "services", "policies", "local", "ops")
SAO_PAULO = """    Region(
        name="saopaulo",
        code="sa-east-1",
        title="São Paulo",
        index=5,
        zone_ids=("sae1-az1", "sae1-az2", "sae1-az3"),
        partner="oregon",
        residency=ResidencyZone.NONE,
        weight=0.10,
    ),
"""


def copied(directory: Path) -> Tree:
    """The checkout's code and configuration in ``directory``."""
    directory.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__", "node_modules", "dist", "*.so")
    for name in PACKAGES:
        shutil.copytree(paths.CHECKOUT / name, directory / name, ignore=ignored)
    for file in (*paths.CHECKOUT.glob("Pulumi*.yaml"), paths.CHECKOUT / "uv.lock"):
        shutil.copy2(file, directory)
    return Tree(directory)


def with_sao_paulo(tree: Tree) -> Tree:
    """``tree`` with a fifth region: one entry, weights that sum to 1, and configuration of its stacks."""
    catalogue = tree.directory / "regions" / "catalogue.py"
    source = catalogue.read_text()
    source = re.sub(r"weight=([\d.]+),", lambda match: f"weight={float(match[1]) * 0.9:.4f},", source)
    end = source.index("\n)\n", source.index("REGIONS: tuple")) + 1
    catalogue.write_text(source[:end] + SAO_PAULO + source[end:])
    shutil.copy2(tree.directory / "Pulumi.oregon.yaml", tree.directory / "Pulumi.saopaulo.yaml")
    for name in ("mumbai", "oregon", "frankfurt", "singapore"):
        link = tree.directory / "Pulumi.links-mumbai-oregon.yaml"
        shutil.copy2(link, tree.directory / f"Pulumi.links-{name}-saopaulo.yaml")
    return tree


def with_buckets_in_sao_paulo(tree: Tree) -> Tree:
    """``tree`` with the last 72 of Singapore's buckets at home in São Paulo."""
    buckets = tree.directory / "regions" / "buckets.py"
    source = buckets.read_text()
    last = 'BucketRange(720, 960, home="singapore", writer="singapore"),'
    given = (
        'BucketRange(720, 888, home="singapore", writer="singapore"),\n'
        '        BucketRange(888, 960, home="saopaulo", writer="saopaulo"),'
    )
    if source.count(last) != 1:
        raise AssertionError(f"{buckets} no longer has the range that is divided here")
    buckets.write_text(source.replace("version=1,", "version=2,").replace(last, given))
    return tree


def without_oregon(tree: Tree) -> Tree:
    """``tree`` without Oregon's entry in the catalogue, and nothing else."""
    catalogue = tree.directory / "regions" / "catalogue.py"
    source = catalogue.read_text()
    start = source.index('    Region(\n        name="oregon"')
    end = source.index("    Region(", start + 1)
    catalogue.write_text(source[:start] + source[end:])
    return tree
