"""What the sized parts of every region cost a month by standing there, from the plan alone, without a preview.

Owns which resources a plan becomes, as far as their price goes; a test holds it against what the stacks declare. What
every cell has at any load (gateways, endpoints, keys, alarms) is not here: the report of a preview prices that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from regions import names
from regions.capacity import Plan, Sizes
from regions.catalogue import AZS_PER_REGION, CATALOGUE, Catalogue, Region, ResidencyZone
from regions.charges import Properties
from regions.cost import Bill, Item, bill
from regions.sizing import Contract, Pod, Replicas

DATABASE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
KAFKA = "aws:msk/cluster:Cluster"
REPLICATOR = "aws:msk/replicator:Replicator"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"


def monthly(plans: Sequence[Plan], contract: Contract, catalogue: Catalogue = CATALOGUE) -> Bill:
    """The bill of every region's sized parts; a copy is billed where it stands. Raises `PriceError`."""
    sizes = {plan.region: plan.sizes for plan in plans}
    items = [item for plan in plans for item in _items(catalogue.get(plan.region), sizes, contract, catalogue)]
    return bill(items)


def _items(region: Region, sizes: Mapping[str, Sizes], contract: Contract, catalogue: Catalogue) -> Iterator[Item]:
    own = sizes[region.name]
    yield from _databases(region, own)
    yield from _stores(region, own)
    for source in catalogue.regions:
        if catalogue.replicates_to(source, region):
            copy = {**_replica(names.database(source), sizes[source.name]), "multiAz": True}
            yield Item(DATABASE, names.database_copy(source, region), region.code, copy)
            yield Item(REPLICATOR, f"{source.name}-to-{region.name}", region.code, {})
    for name, pod in contract.pods.items():
        yield from _pods(region, name, pod, own.replicas[name])


def _databases(region: Region, own: Sizes) -> Iterator[Item]:
    primary = names.database(region)
    yield Item(DATABASE, primary, region.code, _writable(primary, own.database_class, own.database_storage))
    for number in range(own.database_replicas):
        yield Item(DATABASE, names.database_replica(region, number + 1), region.code, _replica(primary, own))
    if region.residency is not ResidencyZone.NONE:
        resident = names.resident_database(region)
        yield Item(DATABASE, resident, region.code, _writable(resident, own.resident_class, own.resident_storage))


def _writable(identifier: str, instance_class: str, storage: int) -> Properties:
    return {
        "identifier": identifier,
        "instanceClass": instance_class,
        "multiAz": True,
        "allocatedStorage": storage,
    }


def _replica(source: str, sizes: Sizes) -> Properties:
    return {"instanceClass": sizes.database_class, "replicateSourceDb": source}


def _stores(region: Region, own: Sizes) -> Iterator[Item]:
    cache = {
        "nodeType": own.cache_node,
        "numNodeGroups": own.cache_shards,
        "replicasPerNodeGroup": own.cache_replicas,
    }
    yield Item(CACHE, names.cache(region), region.code, cache)
    kafka = {
        "numberOfBrokerNodes": AZS_PER_REGION * own.brokers_per_zone,
        "brokerNodeGroupInfo": {
            "instanceType": own.broker_class,
            "storageInfo": {"ebsStorageInfo": {"volumeSize": own.broker_storage}},
            "connectivityInfo": {"vpcConnectivity": {"clientAuthentication": {}}},
        },
    }
    yield Item(KAFKA, names.kafka(region), region.code, kafka)


def _pods(region: Region, name: str, pod: Pod, bounds: Replicas) -> Iterator[Item]:
    container = {"resources": {"requests": {"cpu": f"{pod.cores * 1_000:.0f}m", "memory": f"{pod.memory:.0f}"}}}
    metadata = {"name": name}
    claim = {"spec": {"resources": {"requests": {"storage": f"{pod.disk:g}Gi"}}}}
    volumes = [{"ephemeral": {"volumeClaimTemplate": claim}}] if pod.disk else []
    template = {"spec": {"containers": [container], "volumes": volumes}}
    yield Item(DEPLOYMENT, name, region.code, {"metadata": metadata, "spec": {"template": template}})
    yield Item(AUTOSCALER, name, region.code, {"metadata": metadata, "spec": {"minReplicas": bounds.least}})
