"""The geography of the embedded front, in place of GeoDNS: from a country or an address to a chain of running cells.

Owns the translation of `regions.steering` into tables that nginx reads. Does not own who is steered where. On AWS the
declared DNS records decide, and none of this is rendered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from regions import steering
from regions.addresses import REGION_PREFIX, REGION_STRIDE, plan
from regions.catalogue import CATALOGUE, Catalogue
from regions.countries import COUNTRIES
from regions.errors import CatalogueError
from regions.steering import STEERING, Steering

LOOPBACK_NETWORK = 127


@dataclass(frozen=True, slots=True)
class Geography:
    """What the front needs to choose a cell."""

    countries: Mapping[str, str]
    """First region by country, whether or not it runs."""
    networks: Mapping[IPv4Network, str]
    """First region by the caller's address, where no country is stated."""
    default: str
    chains: Mapping[str, tuple[str, ...]]
    """By first region: the running cells in the order in which they are tried. Never empty."""


def geography(running: Sequence[str], deployed: Steering = STEERING, catalogue: Catalogue = CATALOGUE) -> Geography:
    """The tables for a machine on which ``running`` cells run. Raises `CatalogueError` if none does."""
    if not running:
        raise CatalogueError("no cell runs, so nobody can be steered; name at least one in CELLS")
    for name in running:
        catalogue.get(name)
    return Geography(
        countries={country: steering.first_region(country, deployed) for country in COUNTRIES},
        networks={network: name for name in catalogue.names for network in _networks(name, catalogue)},
        default=deployed.default,
        chains={
            name: tuple(cell for cell in steering.chain(name, catalogue) if cell in running) for name in catalogue.names
        },
    )


def loopback_network(name: str, catalogue: Catalogue = CATALOGUE) -> IPv4Network:
    """Addresses of this machine that stand for people near a region: its private network under 127 instead of 10.

    ``curl --interface 127.16.0.1`` is somebody near Mumbai; 127.0.0.1 is nowhere in particular.
    """
    second = catalogue.get(name).index * REGION_STRIDE
    return IPv4Network(f"{LOOPBACK_NETWORK}.{second}.0.0/{REGION_PREFIX}")


def _networks(name: str, catalogue: Catalogue) -> tuple[IPv4Network, IPv4Network]:
    return plan(catalogue.get(name)).vpc, loopback_network(name, catalogue)
