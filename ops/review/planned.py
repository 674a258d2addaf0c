"""Whether a value is the one that capacity plans for a region: then the catalogue explains why regions differ. Pure.

Owns which declared properties follow from the plan. The plan itself is ``regions.capacity``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from policies.model import Value
from regions.capacity import Sizes, plans
from regions.catalogue import AZS_PER_REGION, Catalogue
from services.contracts.demand import contract_of

_Values = Callable[[Sizes], tuple[object, ...]]

_OWNED: Final[Mapping[tuple[str, str], _Values]] = {
    ("aws:rds/instance:Instance", "instanceClass"): lambda s: (s.database_class,),
    ("aws:rds/instance:Instance", "allocatedStorage"): lambda s: (s.database_storage,),
    ("aws:rds/instance:Instance", "maxAllocatedStorage"): lambda s: (s.database_max_storage,),
    ("aws:elasticache/replicationGroup:ReplicationGroup", "nodeType"): lambda s: (s.cache_node,),
    ("aws:elasticache/replicationGroup:ReplicationGroup", "numNodeGroups"): lambda s: (s.cache_shards,),
    ("aws:msk/cluster:Cluster", "brokerNodeGroupInfo.instanceType"): lambda s: (s.broker_class,),
    ("aws:msk/cluster:Cluster", "brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize"): lambda s: (
        s.broker_storage,
    ),
    ("aws:msk/cluster:Cluster", "numberOfBrokerNodes"): lambda s: (AZS_PER_REGION * s.brokers_per_zone,),
    ("aws:appautoscaling/target:Target", "maxCapacity"): lambda s: (s.broker_max_storage,),
}
_RESIDENT: Final[Mapping[str, _Values]] = {
    "instanceClass": lambda s: (s.resident_class,),
    "allocatedStorage": lambda s: (s.resident_storage,),
    "maxAllocatedStorage": lambda s: (s.resident_max_storage,),
}
"""Of the instance for bound data, whose name ends so."""
_BOUNDS: Final[Mapping[str, tuple[str, ...]]] = {
    "kubernetes:autoscaling/v2:HorizontalPodAutoscaler": ("spec.minReplicas", "spec.maxReplicas"),
    "kubernetes:keda.sh/v1alpha1:ScaledObject": (
        "spec.minReplicaCount",
        "spec.maxReplicaCount",
        "spec.fallback.replicas",
    ),
}


class Planned(Protocol):
    """Says why a region has a value that others have not; None where nothing plans it."""

    def __call__(self, region: str, type_token: str, name: str, path: str, value: Value) -> str | None:
        """The reason for ``value`` of a property, by region, type, resource and dotted path."""


def by_capacity(catalogue: Catalogue) -> Planned:
    """The reasons that the plan of ``catalogue`` gives."""
    made, bought = (
        {plan.region: plan.sizes for plan in plans(contract_of(transcoder), catalogue=catalogue)}
        for transcoder in ("ffmpeg", "mediaconvert")
    )

    def reason(region: str, type_token: str, name: str, path: str, value: Value) -> str | None:
        if region not in made:
            return None
        weight = f"as planned for its weight of {catalogue.get(region).weight:g}"
        if value in _planned(made[region], type_token, name, path):
            return weight
        return f"{weight}, renditions bought" if value in _planned(bought[region], type_token, name, path) else None

    return reason


def _planned(sizes: Sizes, type_token: str, name: str, path: str) -> tuple[object, ...]:
    if path in _BOUNDS.get(type_token, ()):
        bounds = sizes.replicas.get(name.rpartition("-")[2])
        if bounds is None:
            return ()
        return (bounds.most,) if "max" in path else (bounds.least,)
    resident = type_token.startswith("aws:rds/") and name.endswith("resident")
    owned = _RESIDENT.get(path) if resident else _OWNED.get((type_token, path))
    return owned(sizes) if owned else ()
