"""Steering: from a country to the chain of regions that may serve it, in the order in which they are tried.

Owns which region is first for which country and continent, and the chain behind each region. The declared
DNS records (``stacks/steering``) and the embedded edge's geography (``edge``) both follow from it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from regions.catalogue import CATALOGUE, Catalogue
from regions.countries import CONTINENT_NAMES, CONTINENT_OF
from regions.errors import CatalogueError, refusal

FILE = "regions/steering.py"


@dataclass(frozen=True, slots=True)
class Steering:
    """Where people are sent first: the most specific entry wins, as in Route 53 (country, continent, default)."""

    countries: Mapping[str, str]
    continents: Mapping[str, str]
    default: str


STEERING = Steering(
    countries=MappingProxyType(
        # South Asia and the Gulf reach Mumbai with the fewest hops.
        dict.fromkeys(
            ["AE", "AF", "BD", "BH", "BT", "IN", "IR", "KW", "LK", "MV", "NP", "OM", "PK", "QA", "SA", "YE"], "mumbai"
        )
        # East Africa's cables land in Mumbai and the Gulf.
        | dict.fromkeys(["DJ", "ER", "ET", "KE", "KM", "MG", "MU", "RE", "SC", "SO", "TZ", "UG", "YT"], "mumbai")
        # The Levant, the Caucasus and Central Asia are wired towards Europe.
        | dict.fromkeys(
            ["AM", "AZ", "GE", "IL", "IQ", "JO", "KG", "KZ", "LB", "PS", "SY", "TJ", "TM", "TR", "UZ"], "frankfurt"
        )
    ),
    continents=MappingProxyType(
        {
            "AF": "frankfurt",
            "AN": "singapore",
            "AS": "singapore",
            "EU": "frankfurt",
            "NA": "oregon",
            "OC": "singapore",
            "SA": "oregon",
        }
    ),
    default="oregon",
)
"""The steering that is deployed."""


def check(steering: Steering, catalogue: Catalogue = CATALOGUE) -> None:
    """Raises `CatalogueError` for an unknown country, continent or region, or a continent that nobody serves."""
    for country in steering.countries:
        if country not in CONTINENT_OF:
            raise _wrong(f"countries: {country!r} is no ISO 3166-1 country code; remove it, or write the right one")
    if set(steering.continents) != set(CONTINENT_NAMES):
        unserved = sorted(set(CONTINENT_NAMES) - set(steering.continents))
        strange = sorted(set(steering.continents) - set(CONTINENT_NAMES))
        raise _wrong(
            f"continents must be exactly {', '.join(sorted(CONTINENT_NAMES))}; name a region for "
            f"{', '.join(unserved) or 'each'}, whose countries nobody serves"
            + (f", and remove {', '.join(strange)}" if strange else "")
        )
    places = {**steering.countries, **steering.continents, "the default": steering.default}
    for place, region in places.items():
        if region not in catalogue.names:
            known = ", ".join(catalogue.names)
            raise _wrong(f"{place} is steered to no region {region!r}; the catalogue has {known}: name one of them")


def _wrong(message: str) -> CatalogueError:
    return CatalogueError(refusal(FILE, "UNI-5", f"steering: {message}"))


def chain(first: str, catalogue: Catalogue = CATALOGUE) -> tuple[str, ...]:
    """All regions in the order in which they serve people of ``first``: itself, its partner, the others in order.

    Every region occurs exactly once.
    """
    region = catalogue.get(first)
    rest = (name for name in catalogue.names if name not in (region.name, region.partner))
    head = (region.name,) if region.partner == region.name else (region.name, region.partner)
    return (*head, *rest)


def first_region(country: str | None, steering: Steering = STEERING) -> str:
    """The region that serves ``country`` (ISO code; None or unknown: the default) while all are healthy."""
    if country is None or country not in CONTINENT_OF:
        return steering.default
    return steering.countries.get(country) or steering.continents[CONTINENT_OF[country]]


def resolve(
    country: str | None,
    healthy: Collection[str],
    steering: Steering = STEERING,
    catalogue: Catalogue = CATALOGUE,
) -> str:
    """The region that serves ``country`` when only ``healthy`` regions are up.

    With nothing healthy the answer is as if all were, as Route 53 answers.
    """
    candidates = chain(first_region(country, steering), catalogue)
    return next((name for name in candidates if name in healthy), candidates[0])
