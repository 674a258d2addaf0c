"""The DNS records of the API host as a table: from a country to a region, and from there along a chain of stand-ins.

Pure: facts of ``regions.steering`` in, records out. Owns names and shape of the records, not the zone nor the checks.

How the table works, by Route 53's rules (https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/routing-policy.html):

- One record of the host for each place. It leads to the chain of the region that serves the place, and does not look
  at health: else Route 53 would leave the chain for the region of the next larger place, past every stand-in.
- A chain is a list of names, each with a primary (one region's entrance, under that region's health) and a secondary
  (the next name; at the end the last region's entrance). A failover alias must evaluate its target.
- With nothing healthy every primary is answered: everybody reaches the first region of the place.

Records lead to other records of the zone, so those come first: the table is in that order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from regions.catalogue import Catalogue
from regions.names import Hosts
from regions.steering import Steering, chain

RECORD_TYPES = ("A",)
"""Entrances of regions have IPv4 addresses only, and an alias needs a target of its own type."""


class Role(StrEnum):
    """Part of a record in a failover pair."""

    PRIMARY = "PRIMARY"
    SECONDARY = "SECONDARY"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller is: a country, a continent, or (neither) everywhere else."""

    country: str | None = None
    continent: str | None = None

    @property
    def key(self) -> str:
        """Unique among places."""
        return (
            f"country-{self.country}"
            if self.country
            else f"continent-{self.continent}"
            if self.continent
            else "default"
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One alias record with a routing policy: of a place, or of a role in a chain."""

    name: str
    type: str
    identifier: str
    """Route 53's set identifier; with name and type it is the record's identity."""
    target: str
    """Another name of the same zone."""
    follows_health: bool
    """Whether the target's health counts as this record's."""
    place: Place | None = None
    role: Role | None = None
    region: str | None = None
    """The region whose health check the record stands under."""


def table(hosts: Hosts, steering: Steering, catalogue: Catalogue) -> tuple[Record, ...]:
    """Every record of the API host, targets before what leads to them."""
    return tuple(
        record
        for kind in RECORD_TYPES
        for record in (*_chains(hosts, catalogue, kind), *_places(hosts, steering, catalogue, kind))
    )


def chain_name(hosts: Hosts, first: str, position: int) -> str:
    """Name at which the chain of region ``first`` is entered at ``position``, counted from 0."""
    return f"{first}-{position + 1}.chain.{hosts.api}"


def _chains(hosts: Hosts, catalogue: Catalogue, kind: str) -> Iterator[Record]:
    for region in catalogue.regions:
        order = chain(region.name, catalogue)
        for position in reversed(range(len(order) - 1)):
            yield from _pair(hosts, catalogue, kind, order, position)


def _pair(hosts: Hosts, catalogue: Catalogue, kind: str, order: tuple[str, ...], position: int) -> Iterator[Record]:
    name = chain_name(hosts, order[0], position)
    last = position == len(order) - 2
    for role, region in ((Role.PRIMARY, order[position]), (Role.SECONDARY, order[position + 1])):
        onward = role is Role.SECONDARY and not last
        yield Record(
            name=name,
            type=kind,
            identifier=role.lower(),
            target=chain_name(hosts, order[0], position + 1) if onward else hosts.origin(catalogue.get(region)),
            follows_health=True,
            role=role,
            region=None if onward else region,
        )


def _places(hosts: Hosts, steering: Steering, catalogue: Catalogue, kind: str) -> Iterator[Record]:
    entries = (
        *((Place(country=country), region) for country, region in sorted(steering.countries.items())),
        *((Place(continent=continent), region) for continent, region in sorted(steering.continents.items())),
        (Place(), steering.default),
    )
    for place, region in entries:
        alone = len(catalogue.regions) == 1
        yield Record(
            name=hosts.api,
            type=kind,
            identifier=place.key,
            target=hosts.origin(catalogue.get(region)) if alone else chain_name(hosts, region, 0),
            follows_health=False,
            place=place,
        )
