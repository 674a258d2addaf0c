"""What is declared carries the loss of any region: the plan's own sizes pass, and each one that is smaller is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import pytest

from policies.model import UNKNOWN, Resource, Value
from policies.rules import UNION_RULES
from policies.rules.capacity import CONVERTER
from regions import names
from regions.capacity import Sizes, plan
from regions.catalogue import CATALOGUE
from services.contracts.demand import CONTRACT, contract_of

(LAW,) = (rule for rule in UNION_RULES if rule.code == "CAP-1")
MUMBAI, SINGAPORE = CATALOGUE.get("mumbai"), CATALOGUE.get("singapore")
NEED = plan("mumbai", CONTRACT).sizes
DATABASE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
KAFKA = "aws:msk/cluster:Cluster"
SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
COPY = names.database_copy(MUMBAI, SINGAPORE)


def made(stack: str, kind: str, **props: Value) -> Resource:
    return Resource(kind, "it", props, urn=f"urn:pulumi:{stack}::meridian::{kind}::it")


def database(
    stack: str = "mumbai", identifier: str = "meridian-mumbai", size: Value = NEED.database_class, **more: Value
) -> Resource:
    storage: dict[str, Value] = {
        "allocatedStorage": NEED.database_storage,
        "maxAllocatedStorage": NEED.database_max_storage,
    }
    return made(stack, DATABASE, identifier=identifier, instanceClass=size, **{**storage, **more})


def replica(number: int, size: Value = NEED.database_class, **more: Value) -> Resource:
    identifier = f"meridian-mumbai-replica-{number}"
    return database(
        "mumbai", identifier, size, **{"allocatedStorage": None, "replicateSourceDb": "meridian-mumbai", **more}
    )


def resident(**more: Value) -> Resource:
    props: dict[str, Value] = {
        "size": NEED.resident_class,
        "allocatedStorage": NEED.resident_storage,
        "maxAllocatedStorage": NEED.resident_max_storage,
        **more,
    }
    return made(
        "mumbai",
        DATABASE,
        identifier="meridian-mumbai-resident",
        **{("instanceClass" if name == "size" else name): value for name, value in props.items()},
    )


REPLICAS = tuple(replica(number + 1) for number in range(NEED.database_replicas))


def cache(node: Value = NEED.cache_node, shards: Value = NEED.cache_shards, **more: Value) -> Resource:
    props: dict[str, Value] = {"replicasPerNodeGroup": NEED.cache_replicas, **more}
    return made("mumbai", CACHE, nodeType=node, numNodeGroups=shards, **props)


def kafka(
    size: Value = NEED.broker_class, brokers: int = 3 * NEED.brokers_per_zone, volume: int = NEED.broker_storage
) -> Resource:
    group: dict[str, Value] = {"instanceType": size, "storageInfo": {"ebsStorageInfo": {"volumeSize": volume}}}
    return made("mumbai", KAFKA, numberOfBrokerNodes=brokers, brokerNodeGroupInfo=group)


def growth(most: int = NEED.broker_max_storage, dimension: str = "kafka:broker-storage:VolumeSize") -> Resource:
    return made("mumbai", "aws:appautoscaling/target:Target", scalableDimension=dimension, maxCapacity=most)


def scaler(least: int, most: int) -> Resource:
    spec: dict[str, Value] = {"minReplicas": least, "maxReplicas": most}
    return made("mumbai", SCALER, metadata={"name": "gateway"}, spec=spec)


def scaled(least: int, most: int) -> Resource:
    spec: dict[str, Value] = {"minReplicaCount": least, "maxReplicaCount": most}
    return made("mumbai", "kubernetes:keda.sh/v1alpha1:ScaledObject", metadata={"name": "realtime"}, spec=spec)


GATEWAY = NEED.replicas["gateway"]


def findings(*resources: Resource) -> list[str]:
    """Of these; where there is a database of the region's own, its read replicas are there too."""
    own = any(r.stack == "mumbai" and r.type == DATABASE for r in resources)
    return [message for _, message in LAW.judge((*resources, *(REPLICAS if own else ())))]


@pytest.mark.parametrize(
    "resource",
    [
        database(),
        database(identifier="meridian-mumbai-t3"),
        database("links-mumbai-singapore", COPY),
        database(size="db.r8g.12xlarge"),
        database(size=UNKNOWN, maxAllocatedStorage=UNKNOWN),
        database(identifier="meridian-mumbai-t3", allocatedStorage=None),
        resident(),
        cache(),
        cache(shards=UNKNOWN),
        cache(node="cache.r8g.12xlarge", shards=90),
        kafka(),
        growth(),
        growth(1, "kafka:something:Else"),
        scaler(GATEWAY.least, GATEWAY.most),
        scaler(500, 900),
    ],
)
def test_what_is_as_large_as_the_plan_or_larger_passes(resource: Resource) -> None:
    assert findings(resource) == []


SMALLER: Mapping[str, tuple[tuple[Resource, str], ...]] = {
    "database_class": (
        (database(size="db.r8g.large"), "instanceClass db.r8g.large"),
        (database(identifier="meridian-mumbai-t3", size="db.r8g.large"), "instanceClass db.r8g.large"),
        (replica(9, "db.r8g.large"), "instanceClass db.r8g.large"),
        (database("links-mumbai-singapore", COPY, "db.r8g.large"), "needs db.r8g."),
        (database("links-mumbai-singapore", f"{COPY}-t2", "db.r8g.large"), "needs db.r8g."),
        (database(size="db.t4g.micro"), "has instanceClass db.t4g.micro, of which regions/machines.py does not say"),
        (database(size="db.x2g.16xlarge"), "add its family there"),
        (database(size=None), "has instanceClass None"),
    ),
    "database_storage": ((database(allocatedStorage=20), "allocatedStorage 20"),),
    "database_max_storage": (
        (database(maxAllocatedStorage=NEED.database_storage), "maxAllocatedStorage"),
        (database(maxAllocatedStorage=None), "does not say maxAllocatedStorage"),
        (replica(9, maxAllocatedStorage=1), "maxAllocatedStorage 1"),
    ),
    "resident_class": (
        (resident(size="db.r8g.large"), "needs db.r8g."),
        (resident(size="db.t4g.micro"), "instanceClass db.t4g.micro"),
    ),
    "resident_storage": ((resident(allocatedStorage=20), "allocatedStorage 20"),),
    "resident_max_storage": ((resident(maxAllocatedStorage=20), "maxAllocatedStorage 20"),),
    "cache_node": ((cache("cache.t4g.micro"), "nodeType cache.t4g.micro"),),
    "cache_shards": (
        (cache(shards=NEED.cache_shards - 1), "numNodeGroups"),
        (cache(shards=None), "does not say numNodeGroups"),
    ),
    "cache_replicas": ((cache(replicasPerNodeGroup=0), "replicasPerNodeGroup 0"),),
    "broker_class": (
        (kafka(size="kafka.m7g.large"), "brokerNodeGroupInfo.instanceType"),
        (kafka(size="kafka.t3.small"), "brokerNodeGroupInfo.instanceType kafka.t3.small"),
    ),
    "brokers_per_zone": ((kafka(brokers=0), "numberOfBrokerNodes 0"),),
    "broker_storage": ((kafka(volume=1), "volumeSize 1"),),
    "broker_max_storage": ((growth(1), "maxCapacity 1"),),
    "replicas": (
        (scaler(GATEWAY.least - 1, GATEWAY.most), "spec.minReplicas"),
        (scaler(GATEWAY.least, GATEWAY.most - 1), "spec.maxReplicas"),
        (scaled(NEED.replicas["realtime"].least - 1, 900), "spec.minReplicaCount"),
        (scaled(900, NEED.replicas["realtime"].most - 1), "spec.maxReplicaCount"),
    ),
}
"""By the field of the plan that is not kept. The number of read replicas has a test of its own."""


@pytest.mark.parametrize(("resource", "says"), [case for cases in SMALLER.values() for case in cases])
def test_what_is_smaller_or_not_said_is_named_with_what_it_needs(resource: Resource, says: str) -> None:
    (found,) = findings(resource)
    assert says in found
    assert "with one region lost it needs" in found


def test_a_region_with_too_few_read_replicas_is_named() -> None:
    few = (database(), *REPLICAS[1:])
    assert [message for _, message in LAW.judge(few)] == [
        f"mumbai has {NEED.database_replicas - 1} read replicas, with one region lost it needs {NEED.database_replicas}: "
        "take sizes.sizes_of(region)"
    ]


NO_STORE = {"rendition_minutes"}
"""A bound that an owner may set otherwise; it makes no resource, and is in the settings only once their other parts exist."""


def test_every_size_of_the_plan_is_compared() -> None:
    assert {field.name for field in fields(Sizes)} == {*SMALLER, "database_replicas", *NO_STORE}


def test_a_region_that_buys_its_renditions_needs_fewer_pods_for_them() -> None:
    bought = plan("mumbai", contract_of("mediaconvert")).sizes.replicas["transcoder"]
    spec: dict[str, Value] = {"minReplicaCount": bought.least, "maxReplicaCount": bought.most}
    scaler = made("mumbai", "kubernetes:keda.sh/v1alpha1:ScaledObject", metadata={"name": "transcoder"}, spec=spec)
    assert findings(scaler, made("mumbai", CONVERTER)) == []
    assert findings(scaler)
    assert findings(scaler, made("oregon", CONVERTER))


def test_a_region_is_judged_by_its_own_share() -> None:
    oregon = plan("oregon", CONTRACT).sizes.replicas["gateway"]
    assert oregon.most < GATEWAY.most
    spec: dict[str, Value] = {"minReplicas": oregon.least, "maxReplicas": oregon.most}
    assert findings(made("oregon", SCALER, metadata={"name": "gateway"}, spec=spec)) == []
    assert findings(made("mumbai", SCALER, metadata={"name": "gateway"}, spec=spec))
