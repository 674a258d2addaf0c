"""Neutral words: a text of one region, such that the same text of another region reads the same. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ops.review.declared import REDACTED
from policies.model import Unknown, Value
from regions.addresses import plan
from regions.catalogue import Catalogue, Region


class Neutral:
    """Replaces particulars by common words."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = words
        self._pattern = re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))

    def text(self, text: str) -> str:
        """``text`` without particulars."""
        if not self._words:
            return text
        return self._pattern.sub(lambda match: self._words[match[0]], text)

    def value(self, value: Value) -> Value:
        """A value without particulars, in all its texts."""
        if isinstance(value, str):
            return value if value == REDACTED else self.text(value)
        if isinstance(value, tuple):
            return tuple(self.value(item) for item in value)
        if value is None or isinstance(value, (bool, int, float, Unknown)):
            return value
        return {self.text(key): self.value(item) for key, item in value.items()}


def of_region(region: Region, catalogue: Catalogue) -> Neutral:
    """Words for a region, its partner and the rest of the catalogue."""
    words = _words(region, "")
    for other in catalogue.regions:
        if other.name != region.name:
            words |= _words(other, "partner's " if other.name == region.partner else "other ")
    return Neutral(words)


def of_pair(a: Region, b: Region) -> Neutral:
    """Words for two regions that are linked, in the catalogue's order."""
    return Neutral(_words(a, "first ") | _words(b, "second "))


def _words(region: Region, whose: str) -> dict[str, str]:
    networks = plan(region)
    blocks = {f"{'.'.join(str(net).split('.')[:2])}.": f"10.<{whose}{kind}>." for kind, net in
              (("network", networks.vpc), ("services", networks.services))}  # fmt: skip
    zones = {zone: f"<{whose}zone {number}>" for number, zone in enumerate(region.zone_ids, 1)}
    names = {region.code: f"<{whose}region>", region.name: f"<{whose}name>", region.title: f"<{whose}title>"}
    return {**names, **zones, **blocks}
