"""The decayed rate by which videos rise and fall, kept as a logarithm. Pure.

Each new view (or like, or comment, which weigh more) adds ``exp(t / TAU)`` to a video's sum; dividing all sums by
``exp(now / TAU)`` gives the rate, with a half-life of six hours. As the division is the same for all, sums can be
compared as they are (forward decay: Cormode et al., ICDE 2009), and as their logarithms they never overflow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HALF_LIFE_SECONDS = 6 * 3600
TAU_SECONDS = HALF_LIFE_SECONDS / math.log(2)
LIKE_WEIGHT = 4.0
COMMENT_WEIGHT = 6.0
"""How much a like and a comment say compared with a view."""
NOTHING = -1.0e300
"""Weight of a video for which nothing has been counted."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of a video."""

    views: int
    likes: int
    comments: int


def gain(before: Totals, after: Totals) -> float:
    """How much was added between two counts; a count that went down adds nothing."""
    return (
        max(after.views - before.views, 0)
        + LIKE_WEIGHT * max(after.likes - before.likes, 0)
        + COMMENT_WEIGHT * max(after.comments - before.comments, 0)
    )


def add(weight: float, amount: float, at: float) -> float:
    """The weight after ``amount`` more at ``at`` (Unix seconds)."""
    if amount <= 0:
        return weight
    addend = math.log(amount) + at / TAU_SECONDS
    high, low = max(weight, addend), min(weight, addend)
    return high + math.log1p(math.exp(low - high))


def rate(weight: float, now: float) -> float:
    """The decayed sum at ``now``: weighted events, those of six hours ago counting half."""
    return math.exp(min(weight - now / TAU_SECONDS, 700.0))
