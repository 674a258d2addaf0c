"""The headline loads, and which share of them reaches a region: with all regions up, and with any one lost.

Owns the loads that the platform is built for and the arithmetic of shares. Where people go is ``steering``, who writes
which bucket is ``buckets``; nothing of that is repeated here. What a unit of anything carries is in ``rates``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from regions.buckets import BUCKETS, SHARD_MAP, ShardMap
from regions.catalogue import CATALOGUE, Catalogue
from regions.errors import CatalogueError
from regions.steering import chain


@dataclass(frozen=True, slots=True)
class Loads:
    """Peak load of the whole platform. Requirements, so none of them is measured or assumed."""

    viewers: float = 10_000_000
    """People who stream from the CDN at a time."""
    sessions: float = 1_000_000
    """Of these: hold a session with the API and a socket. Both headlines hold only if read so."""
    api_rps: float = 100_000
    """API requests a second."""
    beacon_rps: float = 100_000
    """Requests a second with engagement events, beside the API's: at least ten events each."""
    events: float = 1_000_000
    """Engagement events a second."""
    source_seconds: float = 60
    """Seconds of video uploaded a second: an hour of it each minute."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise CatalogueError(f"load {field.name} is {value}; it must be positive")

    def times(self, factor: float) -> Loads:
        """Every load multiplied by ``factor``: for a launch that begins smaller, or a year that ends larger."""
        return Loads(**{field.name: getattr(self, field.name) * factor for field in fields(self)})


HEADLINE = Loads()
"""What the deployed footprint carries."""


@dataclass(frozen=True, slots=True)
class Share:
    """The largest part of a load that a region gets when one region is lost, 0 to 1."""

    value: float
    normal: float
    """The part that it gets while all are up."""
    lost: str | None
    """The region whose loss makes it largest; None: no loss adds anything."""


def visitors(region: str, lost: str | None = None, catalogue: Catalogue = CATALOGUE) -> float:
    """Part of all people whom steering sends to ``region`` while ``lost`` is down, 0 to 1."""
    return sum(
        other.weight
        for other in catalogue.regions
        if next((name for name in chain(other.name, catalogue) if name != lost), None) == region
    )


def writes(
    region: str, lost: str | None = None, catalogue: Catalogue = CATALOGUE, shard_map: ShardMap = SHARD_MAP
) -> float:
    """Part of all buckets whose writes ``region`` takes while ``lost`` is down, 0 to 1.

    A bucket whose writer is lost is written by the other one of its home and the home's partner: nobody else has a copy.
    """
    taken = 0
    for part in shard_map.ranges:
        home = catalogue.get(part.home)
        writer = part.writer
        if writer == lost:
            writer = home.partner if writer == home.name else home.name
        if writer == region:
            taken += part.stop - part.start
    return taken / BUCKETS


def logged(region: str, lost: str | None = None, catalogue: Catalogue = CATALOGUE) -> float:
    """Part of all events that ``region``'s Kafka takes in while ``lost`` is down: its own visitors', and its copies."""
    copies = sum(
        visitors(source.name, lost, catalogue)
        for source in catalogue.regions
        if source.name != lost and catalogue.replicates_to(source, catalogue.get(region))
    )
    return visitors(region, lost, catalogue) + copies


def worst(region: str, part: Callable[[str, str | None], float], catalogue: Catalogue = CATALOGUE) -> Share:
    """The largest ``part`` that ``region`` gets over the loss of each other region, or of none."""
    normal = part(region, None)
    found = Share(normal, normal, None)
    for other in catalogue.names:
        if other != region and part(region, other) > found.value:
            found = Share(part(region, other), normal, other)
    return found


def home_share(region: str, shard_map: ShardMap = SHARD_MAP) -> float:
    """Part of all buckets whose rows live in ``region``'s own database, and in the partner's copy of it, 0 to 1."""
    return len(shard_map.buckets_of(region)) / BUCKETS
