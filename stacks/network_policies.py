"""Who may talk to whom inside a cell: nobody, except what a workload's access and the routing table ask for.

Pure. Owns the network policies of the namespace. Security groups guard the same ports from outside the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regions.addresses import plan
from regions.catalogue import Catalogue, Region
from services.contracts.routes import Service
from services.contracts.workloads import BY_NAME, MIGRATION, WORKLOADS, Access, Workload
from stacks.manifests import NAMESPACE, Manifest, selector
from stacks.scaled_objects import KEDA, OPERATOR
from stacks.scaling import Summed, scaling_of

GATEWAY = "gateway"
POD_IDENTITY = ("169.254.170.23/32", 80)
"""The agent on the node that hands out credentials (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html)."""
EVENT_SCALER: dict[str, object] = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": KEDA}},
    "podSelector": {"matchLabels": {"app": OPERATOR}},
}
"""Reads the gauges of every pod that scales on one (``event_scaler``)."""
LINK_LOCAL = "169.254.0.0/16"
ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Where the stores of a cell listen."""

    database: int
    cache: int
    kafka: int


def network_policies(cell: Region, catalogue: Catalogue, ports: Ports) -> Iterator[Manifest]:
    """The default that denies everything, then one policy for each workload of ``cell`` and for its migration."""
    yield _policy("default-deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
    for workload in WORKLOADS:
        yield _of(workload, cell, catalogue, ports)
    yield _policy(
        MIGRATION.name,
        {
            "podSelector": {"matchLabels": selector(MIGRATION.name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [],
            "egress": [*_common_egress(), _databases(catalogue, ports)],
        },
    )


def _of(workload: Workload, cell: Region, catalogue: Catalogue, ports: Ports) -> Manifest:
    return _policy(
        workload.name,
        {
            "podSelector": {"matchLabels": selector(workload.name)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": _ingress(workload, cell),
            "egress": [*_common_egress(), *_egress(workload, cell, catalogue, ports)],
        },
    )


def _policy(name: str, spec: dict[str, object]) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }


def _ingress(workload: Workload, cell: Region) -> list[dict[str, object]]:
    """Who reaches which workload: the load balancer, from the public subnets, the public ones; the gateway the services;
    the event scaler its gauges; and the collector of metrics every one, from its interfaces in the private subnets.

    These are the pods' and nodes' subnets too, and the cluster offers no narrower name for the collector: what keeps pods
    of this namespace from each other is what each may send, and what a service believes is signed (``user contexts``).
    """
    sources = _blocks(tuple(str(block) for block in plan(cell).private))
    if workload.public:
        sources.extend(_blocks(tuple(str(block) for block in plan(cell).public)))
    if workload.name in _behind_gateway():
        sources.append(_pods(GATEWAY))
    if isinstance(scaling_of(workload).signal, Summed):
        sources.append(EVENT_SCALER)
    return [{"from": sources, "ports": _tcp(workload.port)}]


def _behind_gateway() -> frozenset[str]:
    return frozenset(service.value for service in Service)


def _common_egress() -> list[dict[str, object]]:
    """Names, credentials, and AWS's own services (S3 has public addresses even through the VPC's endpoint)."""
    agent, agent_port = POD_IDENTITY
    return [
        {"ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]},
        {"to": _blocks((agent,)), "ports": _tcp(agent_port)},
        {"to": [{"ipBlock": {"cidr": ANYWHERE, "except": [LINK_LOCAL]}}], "ports": _tcp(443)},
    ]


def _egress(workload: Workload, cell: Region, catalogue: Catalogue, ports: Ports) -> Iterator[dict[str, object]]:
    own = tuple(str(block) for block in plan(cell).data)
    if Access.DATABASE in workload.access:
        yield _databases(catalogue, ports)
    if Access.CACHE in workload.access:
        yield {"to": _blocks(own), "ports": _tcp(ports.cache)}
    if Access.KAFKA_READ in workload.access or Access.KAFKA_WRITE in workload.access:
        yield {"to": _blocks(own), "ports": _tcp(ports.kafka)}
    if workload.name == GATEWAY:
        for name in sorted(_behind_gateway()):
            yield {"to": [_pods(name)], "ports": _tcp(BY_NAME[name].port)}


def _databases(catalogue: Catalogue, ports: Ports) -> dict[str, object]:
    """Rows are written in their home cell, whichever that is; and after a promotion a cell's writer is its partner's."""
    every = tuple(str(block) for region in catalogue.regions for block in plan(region).data)
    return {"to": _blocks(every), "ports": _tcp(ports.database)}


def _blocks(cidrs: tuple[str, ...]) -> list[dict[str, object]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def _pods(name: str) -> dict[str, object]:
    return {"podSelector": {"matchLabels": selector(name)}}


def _tcp(port: int) -> list[dict[str, object]]:
    return [{"protocol": "TCP", "port": port}]
