"""The stacks of the project, their names and their order. Owns no content of any stack."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from regions.catalogue import CATALOGUE, Catalogue, Region
from regions.errors import CatalogueError

GLOBAL = "global"
STEERING = "steering"
_LINK_PREFIX = "links"


@dataclass(frozen=True, slots=True)
class Link:
    """A pair of regions, in catalogue order. Every pair is peered; partners also hold each other's copies."""

    a: Region
    b: Region

    @property
    def stack(self) -> str:
        """Name of the stack that declares what lies between the two."""
        return f"{_LINK_PREFIX}-{self.a.name}-{self.b.name}"

    @property
    def replications(self) -> tuple[tuple[Region, Region], ...]:
        """(source, target) for each direction in which copies flow; empty if the two are not partners."""
        return tuple((s, t) for s, t in ((self.a, self.b), (self.b, self.a)) if s.partner == t.name)


def links(catalogue: Catalogue = CATALOGUE) -> tuple[Link, ...]:
    """Every pair of regions."""
    return tuple(Link(a, b) for a, b in combinations(catalogue.regions, 2))


def link_of(stack: str, catalogue: Catalogue = CATALOGUE) -> Link:
    """The pair that the stack called ``stack`` is about. Raises `CatalogueError` that lists the stacks there are."""
    for link in links(catalogue):
        if link.stack == stack:
            return link
    raise CatalogueError(unknown(stack, catalogue))


def stack_order(catalogue: Catalogue = CATALOGUE) -> tuple[tuple[str, ...], ...]:
    """Waves of stacks: those of one wave may be deployed in any order, a wave needs the ones before it."""
    return ((GLOBAL,), catalogue.names, tuple(link.stack for link in links(catalogue)), (STEERING,))


def all_stacks(catalogue: Catalogue = CATALOGUE) -> tuple[str, ...]:
    """All stack names in order."""
    return tuple(stack for wave in stack_order(catalogue) for stack in wave)


def unknown(stack: str, catalogue: Catalogue = CATALOGUE) -> str:
    """The message for a stack name that does not exist."""
    return f"no stack {stack!r}; the stacks are: {', '.join(all_stacks(catalogue))}"
