"""N-1: what the stacks declare carries the headline loads when any one region is lost.

Judged over the union of all previews, because which region gets whose load follows from all of them. What is needed is
``regions.capacity``'s; a larger machine, or more of them, is always allowed. A kind of resource that a region does not
declare at all is not judged here (UNI-6 compares what the regions have).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from policies.model import Resource, StackRule, Unknown, of_type, text
from regions import capacity, names
from regions.capacity import Sizes
from regions.catalogue import AZS_PER_REGION, CATALOGUE, Region
from regions.machines import BROKERS, CACHES, DATABASES, Machine
from regions.stacks import links
from services.contracts.demand import contract_of
from services.contracts.workloads import Transcoder

_DATABASE: Final = "aws:rds/instance:Instance"
_CACHE: Final = "aws:elasticache/replicationGroup:ReplicationGroup"
CONVERTER: Final = "aws:mediaconvert/queue:Queue"
"""A region that has one buys its renditions."""
_KAFKA: Final = "aws:msk/cluster:Cluster"
_GROWTH: Final = "aws:appautoscaling/target:Target"
_BROKER_STORAGE: Final = "kafka:broker-storage:VolumeSize"
_AUTOSCALERS: Final = {
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": ("spec.minReplicas", "spec.maxReplicas"),
    "kubernetes:keda.sh/v1alpha1:ScaledObject": ("spec.minReplicaCount", "spec.maxReplicaCount"),
}
"""Where each kind says its bounds."""

_REMEDY: Final = "take sizes.sizes_of(region)"

_Findings = Iterator[tuple[Resource | None, str]]


@cache
def _needed(transcoder: Transcoder) -> Mapping[str, Sizes]:
    return {plan.region: plan.sizes for plan in capacity.plans(contract_of(transcoder))}


def _carried(resources: tuple[Resource, ...]) -> _Findings:
    for region in CATALOGUE.regions:
        own = tuple(resource for resource in resources if resource.stack == region.name)
        need = _needed("mediaconvert" if any(of_type(own, CONVERTER)) else "ffmpeg")[region.name]
        yield from _databases(resources, region, need)
        yield from _caches(own, need)
        yield from _brokers(own, need)
        yield from _pods(own, need)


def _databases(resources: tuple[Resource, ...], region: Region, need: Sizes) -> _Findings:
    """The region's own instances of whatever term, and the copy that a partner promotes, which must carry as much."""
    copies = {link.stack for link in links() if any(source == region for source, _ in link.replications)}
    prefixes = tuple(names.database_copy(region, other) for other in CATALOGUE.regions if other != region)
    own, replicas = 0, 0
    for instance in of_type(resources, _DATABASE):
        identifier = text(instance.get("identifier")) or ""
        if instance.stack == region.name and identifier == names.resident_database(region):
            yield from _class(instance, "instanceClass", DATABASES, need.resident_class)
            yield from _storage(instance, need.resident_storage, need.resident_max_storage)
        elif instance.stack == region.name or (instance.stack in copies and identifier.startswith(prefixes)):
            own += instance.stack == region.name
            replicas += instance.stack == region.name and "-replica-" in identifier
            yield from _class(instance, "instanceClass", DATABASES, need.database_class)
            yield from _storage(instance, need.database_storage, need.database_max_storage)
    if own and replicas < need.database_replicas:
        yield (
            None,
            f"{region.name} has {replicas} read replicas, with one region lost it needs {need.database_replicas}: "
            f"{_REMEDY}",
        )


def _storage(instance: Resource, least: int, most: int) -> _Findings:
    """A replica takes the storage that its source has."""
    if instance.get("replicateSourceDb") is None and instance.get("allocatedStorage") is not None:
        yield from _count(instance, "allocatedStorage", least)
    yield from _count(instance, "maxAllocatedStorage", most)


def _caches(own: tuple[Resource, ...], need: Sizes) -> _Findings:
    for group in of_type(own, _CACHE):
        yield from _class(group, "nodeType", CACHES, need.cache_node)
        yield from _count(group, "numNodeGroups", need.cache_shards)
        yield from _count(group, "replicasPerNodeGroup", need.cache_replicas)


def _brokers(own: tuple[Resource, ...], need: Sizes) -> _Findings:
    for cluster in of_type(own, _KAFKA):
        yield from _class(cluster, "brokerNodeGroupInfo.instanceType", BROKERS, need.broker_class)
        yield from _count(cluster, "numberOfBrokerNodes", AZS_PER_REGION * need.brokers_per_zone)
        yield from _count(cluster, "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize", need.broker_storage)
    for target in of_type(own, _GROWTH):
        if target.get("scalableDimension") == _BROKER_STORAGE:
            yield from _count(target, "maxCapacity", need.broker_max_storage)


def _pods(own: tuple[Resource, ...], need: Sizes) -> _Findings:
    for scaler in of_type(own, *_AUTOSCALERS):
        bounds = need.replicas.get(text(scaler.get("metadata.name")) or "")
        if bounds is not None:
            least, most = _AUTOSCALERS[scaler.type]
            yield from _count(scaler, least, bounds.least)
            yield from _count(scaler, most, bounds.most)


def _class(resource: Resource, path: str, machines: tuple[Machine, ...], needed: str) -> _Findings:
    """A class of another family is refused: nobody has said how much its sizes carry."""
    sizes = {machine.name: machine.size for machine in machines}
    given = resource.get(path)
    if isinstance(given, Unknown):
        return
    if not isinstance(given, str) or given not in sizes:
        yield (
            resource,
            f"has {path} {given}, of which regions/machines.py does not say what it carries, with one region lost it "
            f"needs {needed}: {_REMEDY}, or add its family there",
        )
    elif sizes[given] < sizes[needed]:
        yield resource, f"has {path} {given}, with one region lost it needs {needed}: {_REMEDY}"


def _count(resource: Resource, path: str, needed: int) -> _Findings:
    given = resource.get(path)
    if isinstance(given, Unknown):
        return
    if isinstance(given, bool) or not isinstance(given, int | float):
        yield resource, f"does not say {path}, with one region lost it needs {needed}: {_REMEDY}"
    elif given < needed:
        yield resource, f"has {path} {given:g}, with one region lost it needs {needed}: {_REMEDY}"


UNION_RULES: Final = (
    StackRule(
        "CAP-1",
        "Every region carries its share when any one is lost.",
        "A partner that is too small fails in the hour in which it is needed.",
        _carried,
    ),
)
