"""Blending candidates into one list: two that rise, one that is new, no channel too often, nothing seen. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

from services.recommendations.repository import Candidate

PER_CHANNEL = 3
"""Videos of one channel in one list, at most, while others are left."""
_RISING, _FRESH = 2, 1
"""How many of each kind follow each other."""


def best_first(lists: Iterable[Sequence[Candidate]]) -> list[Candidate]:
    """The candidates of all cells in one order, the same however they arrive."""
    return sorted(chain.from_iterable(lists), key=lambda candidate: (-candidate.score, -candidate.id))


def _alternate(rising: Sequence[Candidate], fresh: Sequence[Candidate]) -> Iterator[Candidate]:
    a, b = iter(rising), iter(fresh)
    while True:
        taken = 0
        for source, count in ((a, _RISING), (b, _FRESH)):
            for _ in range(count):
                candidate = next(source, None)
                if candidate is not None:
                    taken += 1
                    yield candidate
        if taken == 0:
            return


def blend(
    rising: Sequence[Candidate], fresh: Sequence[Candidate], seen: Collection[int], limit: int
) -> list[Candidate]:
    """At most ``limit`` candidates, each once, without those in ``seen``.

    A fourth video of a channel comes only after everything else.
    """
    used = set(seen)
    per_channel: Counter[int] = Counter()
    chosen: list[Candidate] = []
    late: list[Candidate] = []
    for candidate in _alternate(rising, fresh):
        if candidate.id in used:
            continue
        used.add(candidate.id)
        if per_channel[candidate.channel_id] >= PER_CHANNEL:
            late.append(candidate)
            continue
        per_channel[candidate.channel_id] += 1
        chosen.append(candidate)
    return (chosen + late)[:limit]
