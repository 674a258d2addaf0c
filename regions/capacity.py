"""Capacity: from the headline loads, shares and rates to every count and size that the stacks declare.

Owns what a region's plan is, and which share sizes which part. Loads and shares are in ``loads``, rates in ``rates``,
classes in ``machines``, the rules in ``pods`` and ``stores``; whether AWS's quotas allow the result is ``ceilings``.

A region is sized for the largest load that steering and bucket ownership send it when any one region is lost, times
the headroom. Databases are sized by the buckets at home: the partner's copy has the same class, and must carry all of
it alone after a promotion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from regions import pods, rates, stores
from regions.buckets import SHARD_MAP, ShardMap
from regions.catalogue import AZS_PER_REGION, CATALOGUE, Catalogue
from regions.loads import HEADLINE, Loads, Share, home_share, logged, visitors, worst
from regions.sizing import Contract, Line, Replicas


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the stacks take. Storage in GiB."""

    database_class: str
    database_storage: int
    database_max_storage: int
    database_replicas: int
    resident_class: str
    resident_storage: int
    resident_max_storage: int
    cache_node: str
    cache_shards: int
    cache_replicas: int
    """Of each shard."""
    broker_class: str
    brokers_per_zone: int
    broker_storage: int
    broker_max_storage: int
    replicas: Mapping[str, Replicas]
    """By workload."""
    rendition_minutes: int
    """A day's bound on conversions: minutes of video, once for each rung."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The capacity of one region."""

    region: str
    sizes: Sizes
    lines: tuple[Line, ...]


def plan(
    region: str,
    contract: Contract,
    loads: Loads = HEADLINE,
    catalogue: Catalogue = CATALOGUE,
    shard_map: ShardMap = SHARD_MAP,
) -> Plan:
    """What ``region`` needs. Raises `CatalogueError` if no class is large enough or a contract is exceeded.

    Counts that become resources are those of the region that needs most, so that every region has the same shape;
    classes, storage and bounds of pods are the region's own.
    """
    sized = {name: _size(name, contract, loads, catalogue, shard_map) for name in catalogue.names}
    shape = _Shape(
        readers=max(one.database.readers for one in sized.values()),
        shards=max(one.cache.shards for one in sized.values()),
        per_zone=max(one.kafka.brokers // AZS_PER_REGION for one in sized.values()),
    )
    return _size(catalogue.get(region).name, contract, loads, catalogue, shard_map, shape).plan(region)


def plans(
    contract: Contract,
    loads: Loads = HEADLINE,
    catalogue: Catalogue = CATALOGUE,
    shard_map: ShardMap = SHARD_MAP,
) -> tuple[Plan, ...]:
    """The plan of every region, in catalogue order."""
    return tuple(plan(name, contract, loads, catalogue, shard_map) for name in catalogue.names)


@dataclass(frozen=True, slots=True)
class _Shape:
    """Counts that every region has at least."""

    readers: int = AZS_PER_REGION - 1
    shards: int = 3
    per_zone: int = 1


@dataclass(frozen=True, slots=True)
class _Sized:
    """The parts of one region."""

    workloads: pods.Workloads
    database: stores.Database
    cache: stores.Cache
    kafka: stores.Kafka
    nat: Line
    rendition_minutes: int

    def plan(self, region: str) -> Plan:
        """The plan that the parts make."""
        database, cache, kafka = self.database, self.cache, self.kafka
        return Plan(
            region,
            Sizes(
                database_class=database.machine.name,
                database_storage=database.storage,
                database_max_storage=database.max_storage,
                database_replicas=database.readers,
                resident_class=database.resident_machine.name,
                resident_storage=database.resident_storage,
                resident_max_storage=database.resident_max_storage,
                cache_node=cache.machine.name,
                cache_shards=cache.shards,
                cache_replicas=AZS_PER_REGION - 1,
                broker_class=kafka.machine.name,
                brokers_per_zone=kafka.brokers // AZS_PER_REGION,
                broker_storage=kafka.storage,
                broker_max_storage=kafka.max_storage,
                replicas=self.workloads.replicas,
                rendition_minutes=self.rendition_minutes,
            ),
            (*self.workloads.lines, *database.lines, *cache.lines, *kafka.lines, self.nat),
        )


def _size(
    region: str,
    contract: Contract,
    loads: Loads,
    catalogue: Catalogue,
    shard_map: ShardMap,
    shape: _Shape | None = None,
) -> _Sized:
    shape = shape or _Shape()
    people = worst(region, lambda name, lost: visitors(name, lost, catalogue), catalogue)
    events = worst(region, lambda name, lost: logged(name, lost, catalogue), catalogue)
    home = home_share(region, shard_map)
    homes, here = catalogue.homes, catalogue.get(region)
    sources = sum(catalogue.replicates_to(source, here) for source in catalogue.regions)
    return _Sized(
        workloads=pods.workloads(contract, loads, people, homes),
        database=stores.database(loads, Share(home, home, None), readers=shape.readers),
        cache=stores.cache(loads, people, shards=shape.shards),
        kafka=stores.kafka(contract, loads, events, homes=homes, sources=sources, per_zone=shape.per_zone),
        nat=stores.nat(loads, people),
        rendition_minutes=_rendition_minutes(contract, loads, people),
    )


def _rendition_minutes(contract: Contract, loads: Loads, people: Share) -> int:
    """A mean day's uploads while another region is lost, once for each rung, with the headroom of everything else."""
    minutes = loads.source_seconds * people.value / rates.PEAK_TO_MEAN.value * 86_400 / 60
    return math.ceil(minutes * contract.rungs * rates.HEADROOM.value)
