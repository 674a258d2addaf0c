"""Merging the hits of several cells into one page. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import islice

from services.search.repository import Hit


def _order(hit: Hit) -> tuple[float, int]:
    return (-hit.score, -hit.id)


def merged(lists: Iterable[Sequence[Hit]], offset: int, limit: int) -> list[Hit]:
    """Hits ``offset`` to ``offset + limit`` of all lists together; each list is sorted, best first."""
    ordered = heapq.merge(*lists, key=_order)
    return list(islice(ordered, offset, offset + limit))
