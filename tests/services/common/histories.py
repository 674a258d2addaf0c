"""Recorded histories of clients that write and read, and the judgement whether one missed its own write. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wrote:
    """``client`` set its own register to ``value`` and was told so, or never heard (``acknowledged`` False)."""

    client: int
    value: int
    acknowledged: bool = True


@dataclass(frozen=True, slots=True)
class Read:
    """``client`` asked for its own register and was given ``value`` (0: it had none) by ``server``."""

    client: int
    value: int
    server: int


Step = Wrote | Read


@dataclass(frozen=True, slots=True)
class Stale:
    """A read that missed a write of the same client."""

    read: Read
    wanted: int
    place: int
    """Position in the history."""


def stale_reads(history: Iterable[Step]) -> list[Stale]:
    """Reads that gave less than their client had been told was written. A client's steps stand in their order.

    Values of one client grow, so a register that holds more than was acknowledged is a write whose answer was lost.
    """
    told: dict[int, int] = {}
    found: list[Stale] = []
    for place, step in enumerate(history):
        if isinstance(step, Wrote):
            if step.acknowledged:
                told[step.client] = max(step.value, told.get(step.client, 0))
        elif step.value < told.get(step.client, 0):
            found.append(Stale(step, told[step.client], place))
    return found


def share_of(servers: Iterable[int], history: Sequence[Step]) -> float:
    """Which part of the reads was answered by ``servers``; 0 without reads."""
    chosen = set(servers)
    reads = [step for step in history if isinstance(step, Read)]
    return sum(read.server in chosen for read in reads) / max(len(reads), 1)
