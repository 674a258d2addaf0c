"""What a region offers: a type, a class, a version or a zone that it lacks is found before deployment, not in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from policies import offered
from policies.model import Resource, Rule, text
from policies.rules.regions import has_region
from regions.offers import BROKER_CLASSES, ZONES

_DATABASE: Final = "aws:rds/instance:Instance"
_CACHE: Final = "aws:elasticache/replicationGroup:ReplicationGroup"
_KAFKA: Final = "aws:msk/cluster:Cluster"
_SUBNET: Final = "aws:ec2/subnet:Subnet"


def _type(resource: Resource) -> Iterator[str]:
    region = text(resource.get("region"))
    if region is None or not has_region(resource.type):
        return
    name = offered.type_of(resource.type)
    if name is not None and offered.offers_type(region, name) is False:
        yield f"is a {name}, which {region} does not offer: declare it in another region, or do without it there"


def _machine(resource: Resource) -> Iterator[str]:
    region = text(resource.get("region"))
    if region is None:
        return
    if resource.type == _DATABASE:
        yield from _known(text(resource.get("instanceClass")), offered.database_classes(region), region)
    elif resource.type == _CACHE:
        yield from _known(text(resource.get("nodeType")), offered.cache_nodes(region), region)
    elif resource.type == _KAFKA:
        yield from _known(text(resource.get("brokerNodeGroupInfo.instanceType")), BROKER_CLASSES, region)


def _known(name: str | None, choices: frozenset[str] | None, region: str) -> Iterator[str]:
    if name is not None and choices is not None and name not in choices:
        family = name.rsplit(".", 1)[0]
        near = sorted(choice for choice in choices if choice.startswith(f"{family}.")) or sorted(choices)
        yield f"is of class {name}, which {region} does not offer; take one of regions/machines.py, it has {', '.join(near[:4])}"


def _version(resource: Resource) -> Iterator[str]:
    version = text(resource.get("engineVersion"))
    engine = text(resource.get("engine"))
    if version is None:
        return
    choices: frozenset[str] = frozenset()
    if (resource.type, engine) == (_DATABASE, offered.POSTGRES):
        choices = offered.database_versions()
    elif (resource.type, engine) == (_CACHE, offered.VALKEY):
        choices = offered.cache_versions()
    if choices and version not in choices:
        yield f"asks for {engine} {version}, which AWS does not have; name a version it has, with its minor number"


def _zone(resource: Resource) -> Iterator[str]:
    zone, zones = text(resource.get("availabilityZoneId")), ZONES.get(text(resource.get("region")) or "")
    if resource.type == _SUBNET and zone is not None and zones is not None and zone not in zones:
        yield f"is in zone {zone}, but its region has {', '.join(zones)}: correct zone_ids in the catalogue"


RULES: Final = (
    Rule(
        "OFF-1", "A region is asked only for types that it offers.", "Else up fails half-way, region by region.", _type
    ),
    Rule("OFF-2", "A class of machine exists in its region.", "Families differ between regions.", _machine),
    Rule("OFF-3", "An engine's version exists.", "A version that AWS withdrew cannot be made again.", _version),
    Rule("OFF-4", "A zone is one of its region's.", "Ids of zones are stable, but only three or four exist.", _zone),
)
