"""What is declared carries the loss of any region: the plan's own sizes pass, and each one that is smaller is named."""

from __future__ import annotations

import pytest

from policies.model import UNKNOWN, Resource, Value
from policies.rules import UNION_RULES
from policies.rules.capacity import CONVERTER
from regions import names
from regions.capacity import plan
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


def database(stack: str = "mumbai", identifier: str = "meridian-mumbai", size: str = NEED.database_class) -> Resource:
    return made(stack, DATABASE, identifier=identifier, instanceClass=size)


def cache(node: str = NEED.cache_node, shards: Value = NEED.cache_shards) -> Resource:
    return made("mumbai", CACHE, nodeType=node, numNodeGroups=shards, replicasPerNodeGroup=NEED.cache_replicas)


def kafka(size: str = NEED.broker_class, brokers: int = 3 * NEED.brokers_per_zone) -> Resource:
    return made("mumbai", KAFKA, numberOfBrokerNodes=brokers, brokerNodeGroupInfo={"instanceType": size})


def scaler(least: int, most: int) -> Resource:
    spec: dict[str, Value] = {"minReplicas": least, "maxReplicas": most}
    return made("mumbai", SCALER, metadata={"name": "gateway"}, spec=spec)


def scaled(least: int, most: int) -> Resource:
    spec: dict[str, Value] = {"minReplicaCount": least, "maxReplicaCount": most}
    return made("mumbai", "kubernetes:keda.sh/v1alpha1:ScaledObject", metadata={"name": "realtime"}, spec=spec)


GATEWAY = NEED.replicas["gateway"]


def findings(*resources: Resource) -> list[str]:
    return [message for _, message in LAW.judge(resources)]


@pytest.mark.parametrize(
    "resource",
    [
        database(),
        database("links-mumbai-singapore", COPY),
        database(size="db.r8g.12xlarge"),
        database(identifier="meridian-mumbai-resident", size="db.r8g.large"),
        database(size="db.x2g.large"),
        cache(),
        cache(shards=UNKNOWN),
        cache(node="cache.r8g.12xlarge", shards=90),
        kafka(),
        scaler(GATEWAY.least, GATEWAY.most),
        scaler(500, 900),
    ],
)
def test_what_is_as_large_as_the_plan_or_larger_passes(resource: Resource) -> None:
    assert findings(resource) == []


@pytest.mark.parametrize(
    ("resource", "says"),
    [
        (database(size="db.r8g.large"), "instanceClass db.r8g.large"),
        (database("links-mumbai-singapore", COPY, "db.r8g.large"), "needs db.r8g."),
        (cache(shards=NEED.cache_shards - 1), "numNodeGroups"),
        (kafka(size="kafka.m7g.large"), "brokerNodeGroupInfo.instanceType"),
        (kafka(brokers=0), "numberOfBrokerNodes 0"),
        (scaler(GATEWAY.least - 1, GATEWAY.most), "spec.minReplicas"),
        (scaler(GATEWAY.least, GATEWAY.most - 1), "spec.maxReplicas"),
        (scaled(NEED.replicas["realtime"].least - 1, 900), "spec.minReplicaCount"),
        (scaled(900, NEED.replicas["realtime"].most - 1), "spec.maxReplicaCount"),
    ],
)
def test_what_is_smaller_is_named_with_what_it_needs(resource: Resource, says: str) -> None:
    (found,) = findings(resource)
    assert says in found
    assert "with one region lost it needs" in found


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
