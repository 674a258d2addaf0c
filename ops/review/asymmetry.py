"""Asymmetry: a change that touches some regions and not others, or touches them differently. Pure.

Regions are compared after their own codes, names and addresses are replaced by common words, so that ``ap-south-1``
here and ``us-west-2`` there is no difference.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from ops.review.changes import Change
from ops.review.words import change_in_words
from regions.addresses import plan
from regions.catalogue import Catalogue, Region


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """One line of change, the regions that have it and those that do not."""

    component: str
    line: str
    regions: tuple[str, ...]
    missing: tuple[str, ...]


class Neutral:
    """Replaces what is particular to a region by common words."""

    def __init__(self, region: Region) -> None:
        block = plan(region).vpc
        second = str(block.network_address).split(".")[1]
        services = str(IPv4Network(plan(region).services).network_address).split(".")[1]
        zones = {zone: f"<zone {number}>" for number, zone in enumerate(region.zone_ids, 1)}
        self._words = {region.code: "<region>", region.name: "<name>", region.title: "<title>", **zones}
        self._pattern = re.compile("|".join(re.escape(word) for word in sorted(self._words, key=len, reverse=True)))
        self._addresses = re.compile(rf"\b10\.({second}|{services})\.")

    def text(self, text: str) -> str:
        """``text`` without this region's particulars."""
        text = self._addresses.sub("10.<region>.", text)
        return self._pattern.sub(lambda match: self._words[match[0]], text)


def asymmetries(changes: Iterable[Change], catalogue: Catalogue) -> tuple[Asymmetry, ...]:
    """Lines of change that not all regions have. Stacks that are no region are not compared."""
    neutral = {region.name: Neutral(region) for region in catalogue.regions}
    where: dict[tuple[str, str], set[str]] = defaultdict(set)
    for change in changes:
        if change.stack in neutral:
            for line in change_in_words(change):
                where[(change.component, neutral[change.stack].text(line))].add(change.stack)
    result = []
    for (component, line), regions in sorted(where.items()):
        missing = tuple(name for name in catalogue.names if name not in regions)
        if missing:
            result.append(Asymmetry(component, line, tuple(n for n in catalogue.names if n in regions), missing))
    return tuple(result)
