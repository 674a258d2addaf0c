"""A number with its unit and where it comes from. Owns the form; ``rates``, ``quotas`` and ``prices`` own the numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from regions.errors import CatalogueError


class Basis(StrEnum):
    """How far a number may be trusted."""

    MEASURED = "measured"
    """By this project, on real programs."""
    PUBLISHED = "published"
    """By the one who sells or makes it, or quoted from there; ``source`` says where and when it was read."""
    ASSUMED = "assumed"
    """By judgement or memory. To be replaced by one of the others."""


_TRUST = {Basis.MEASURED: 0, Basis.PUBLISHED: 1, Basis.ASSUMED: 2}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number."""

    value: float
    unit: str
    basis: Basis
    source: str
    """A sentence, or an address and the day on which it was read."""

    def __post_init__(self) -> None:
        if self.value <= 0:
            raise CatalogueError(f"figure {self.value} {self.unit}: must be positive; {self.source}")
        if not self.source.strip():
            raise CatalogueError(f"figure {self.value} {self.unit}: says no source; name one, or say what was assumed")


def measured(value: float, unit: str, source: str) -> Figure:
    """A figure that this project measured."""
    return Figure(value, unit, Basis.MEASURED, source)


def published(value: float, unit: str, source: str) -> Figure:
    """A figure that can be looked up. ``source`` is an address with the day on which it was read."""
    return Figure(value, unit, Basis.PUBLISHED, source)


def assumed(value: float, unit: str, source: str) -> Figure:
    """A figure that nobody has shown yet. ``source`` says what it was taken from."""
    return Figure(value, unit, Basis.ASSUMED, source)


def weakest(bases: Iterable[Basis]) -> Basis:
    """What a result may claim that follows from figures of all these bases. Of none: measured."""
    return max(bases, key=_TRUST.__getitem__, default=Basis.MEASURED)


def share_assumed(figures: Iterable[Figure]) -> float:
    """Part of the figures that are assumed, 0 to 1. Raises `CatalogueError` for no figures."""
    bases = [figure.basis for figure in figures]
    if not bases:
        raise CatalogueError("no figures: there is no share of nothing")
    return bases.count(Basis.ASSUMED) / len(bases)
