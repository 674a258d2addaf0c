"""The catalogue of regions: which there are, and who stands in for whom.

Owns identity, AWS code, availability zones, partner, residency zone and load weight of each region.
Does not own addresses (``addresses``), steering (``steering``), buckets (``buckets``) or names (``names``).
A further region is one more entry in ``REGIONS`` (and its stack's configuration file).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from regions.errors import CatalogueError, refusal

FILE = "regions/catalogue.py"
AZS_PER_REGION = 3
"""Zones a cell spreads over. Each region offers at least three (AWS general reference)."""


class ResidencyZone(StrEnum):
    """Where data of a bound class must stay. ``NONE``: nothing in the region is bound by law."""

    INDIA = "in"
    EUROPE = "eu"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Region:
    """One region, which is one cell of the platform."""

    name: str
    """Stack name and cell name, for example ``mumbai``."""
    code: str
    """AWS region code, for example ``ap-south-1``."""
    title: str
    """For people, for example ``Mumbai``."""
    index: int
    """Position in the address plan. Never reused and never changed: addresses follow from it."""
    zone_ids: tuple[str, ...]
    """Availability zone *ids* (stable over accounts, unlike zone names)."""
    partner: str
    """The region that holds this region's copies and takes over first. A directed relation."""
    residency: ResidencyZone
    weight: float
    """Share of the load that steering is expected to bring here; all weights sum to 1."""
    health_checkers: tuple[str, ...] = ("us-west-2", "eu-west-1", "ap-southeast-1")
    """Route 53 checker regions (ap-south-1 and eu-central-1 are none; at least three are required)."""

    @property
    def home_number(self) -> int:
        """Number of its group of partitions, from 0. As ``index``, never another: what is in a log stays where it is."""
        return self.index - 1


REGIONS: tuple[Region, ...] = (
    Region(
        name="mumbai",
        code="ap-south-1",
        title="Mumbai",
        index=1,
        zone_ids=("aps1-az1", "aps1-az2", "aps1-az3"),
        partner="singapore",
        residency=ResidencyZone.INDIA,
        weight=0.40,
    ),
    Region(
        name="oregon",
        code="us-west-2",
        title="Oregon",
        index=2,
        zone_ids=("usw2-az1", "usw2-az2", "usw2-az3"),
        partner="frankfurt",
        residency=ResidencyZone.NONE,
        weight=0.25,
    ),
    Region(
        name="frankfurt",
        code="eu-central-1",
        title="Frankfurt",
        index=3,
        zone_ids=("euc1-az1", "euc1-az2", "euc1-az3"),
        partner="oregon",
        residency=ResidencyZone.EUROPE,
        weight=0.20,
    ),
    Region(
        name="singapore",
        code="ap-southeast-1",
        title="Singapore",
        index=4,
        zone_ids=("apse1-az1", "apse1-az2", "apse1-az3"),
        partner="mumbai",
        residency=ResidencyZone.NONE,
        weight=0.15,
    ),
)

HOME_CODE = "ap-south-1"
"""Where resources of the ``global`` stack live that need some region but belong to none."""

EDGE_CODE = "us-east-1"
"""Where AWS wants certificates, firewalls and alarms of CloudFront and Route 53."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A validated set of regions, in order. Every function of ``regions`` takes one, so a test can pass another."""

    regions: tuple[Region, ...]

    def __post_init__(self) -> None:
        _validate(self.regions)

    @property
    def homes(self) -> int:
        """Groups of partitions that a topic needs: one for each number that was ever given, also to a region since gone."""
        return max(region.home_number for region in self.regions) + 1

    @property
    def by_name(self) -> Mapping[str, Region]:
        """Region by its name."""
        return MappingProxyType({region.name: region for region in self.regions})

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in catalogue order."""
        return tuple(region.name for region in self.regions)

    def get(self, name: str) -> Region:
        """The region called ``name``. Raises `CatalogueError` that lists the names there are."""
        for region in self.regions:
            if region.name == name:
                return region
        raise CatalogueError(f"no region {name!r}; the catalogue has {', '.join(self.names)}")

    def partner(self, region: Region) -> Region:
        """The region that holds ``region``'s copies."""
        return self.get(region.partner)

    def replicates_to(self, source: Region, target: Region) -> bool:
        """Whether ``target`` holds the copies of ``source``."""
        return source.partner == target.name


def _validate(regions: tuple[Region, ...]) -> None:
    if not regions:
        raise _wrong("UNI-6", "the catalogue is empty; it needs at least one region")
    for field in ("name", "code", "index"):
        values = [getattr(region, field) for region in regions]
        twice = {value for value in values if values.count(value) > 1}
        if twice:
            holders = ", ".join(region.name for region in regions if getattr(region, field) in twice)
            told = (
                f"{field} {sorted(twice)} stands twice in the catalogue; each region needs its own, but {holders} share"
            )
            raise _wrong("UNI-1", told)
    names = {region.name for region in regions}
    for region in regions:
        if len(set(region.zone_ids)) != AZS_PER_REGION:
            told = f"needs {AZS_PER_REGION} different zone ids, has {region.zone_ids}; name zones that it has"
            raise _wrong("OFF-4", f"{region.name}: {told}")
        if len(regions) > 1 and region.partner == region.name:
            raise _wrong("UNI-3", f"{region.name}: is its own partner; name another region")
        if region.partner not in names:
            told = f"partner {region.partner!r} is not in the catalogue; name one of {', '.join(sorted(names))}"
            raise _wrong("UNI-3", f"{region.name}: {told}")
        if region.weight <= 0:
            raise _wrong("CAP-1", f"{region.name}: weight {region.weight} must be positive; name its share of the load")
        if len(set(region.health_checkers)) < 3:
            told = "Route 53 wants at least three checker regions; name more in health_checkers"
            raise _wrong("DNS-2", f"{region.name}: {told}")
    total = sum(region.weight for region in regions)
    if abs(total - 1) > 1e-9:
        raise _wrong("CAP-1", f"the weights sum to {total}, not to 1; adjust them")


def _wrong(law: str, message: str) -> CatalogueError:
    return CatalogueError(refusal(FILE, law, message))


CATALOGUE = Catalogue(REGIONS)
"""The catalogue that is deployed."""
