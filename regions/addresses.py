"""The address plan: every network of every region, computed from the region's index in reading order.

Owns CIDR blocks. Does not own which subnets get which routes (``stacks/network``).
Sizes: EKS Auto Mode hands /28 prefixes to nodes, so private subnets are /19
(https://docs.aws.amazon.com/eks/latest/userguide/auto-networking.html); EKS wants services outside the VPC block.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from regions.catalogue import AZS_PER_REGION, FILE, Catalogue, Region
from regions.errors import CatalogueError, refusal

SUPERNET = IPv4Network("10.0.0.0/8")
REGION_PREFIX = 16
REGION_STRIDE = 16
"""Region i gets 10.(16*i).0.0/16, which leaves fifteen spare /16 blocks beside each."""

_PRIVATE_PREFIX = 19
_DATA_PREFIX = 24
_PUBLIC_PREFIX = 24


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """The networks of one region; each tuple has one entry per availability zone, in the catalogue's order."""

    vpc: IPv4Network
    private: tuple[IPv4Network, ...]
    """Nodes and pods."""
    data: tuple[IPv4Network, ...]
    """Databases, caches, brokers: no route to the internet."""
    public: tuple[IPv4Network, ...]
    """Load balancers and NAT gateways."""
    services: IPv4Network
    """Kubernetes service addresses: outside the VPC, unique per region."""


def plan(region: Region) -> AddressPlan:
    """The address plan of ``region``. Raises `CatalogueError` if its index leaves no block."""
    second = region.index * REGION_STRIDE
    if not 0 < second < 256:
        told = f"{region.name}: index {region.index} gives no block in {SUPERNET}; use 1 to 15"
        raise CatalogueError(refusal(FILE, "UNI-1", told))
    vpc = IPv4Network(f"10.{second}.0.0/{REGION_PREFIX}")
    large = list(vpc.subnets(new_prefix=_PRIVATE_PREFIX))
    private = tuple(large[:AZS_PER_REGION])
    small = list(large[AZS_PER_REGION].subnets(new_prefix=_DATA_PREFIX))
    data = tuple(small[:AZS_PER_REGION])
    public = tuple(small[AZS_PER_REGION : 2 * AZS_PER_REGION])
    services = IPv4Network(f"10.{second + 1}.0.0/20")
    return AddressPlan(vpc=vpc, private=private, data=data, public=public, services=services)


def plans(catalogue: Catalogue) -> dict[str, AddressPlan]:
    """The plan of every region by name. Raises `CatalogueError` on any overlap."""
    result = {region.name: plan(region) for region in catalogue.regions}
    blocks = [(name, block) for name, p in result.items() for block in (p.vpc, p.services)]
    for i, (name, block) in enumerate(blocks):
        for other_name, other in blocks[i + 1 :]:
            if block.overlaps(other):
                told = f"{name} {block} overlaps {other_name} {other}; change one region's index"
                raise CatalogueError(refusal(FILE, "UNI-1", told))
    return result
