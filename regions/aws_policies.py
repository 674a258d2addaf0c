"""AWS's own IAM policies that roles of the platform carry: the roles, the deploy role's limits and law IAM-4 read these.

Owns the names. Who carries which is for the stacks.
"""

from __future__ import annotations

from typing import Final

_PREFIX: Final = "arn:aws:iam::aws:policy/"

CONTROL_PLANE: Final = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
"""What Auto Mode needs (https://docs.aws.amazon.com/eks/latest/userguide/automode-get-started-cli.html)."""
NODES: Final = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")
"""What its machines need (same page)."""
DATABASE_MONITORING: Final = "service-role/AmazonRDSEnhancedMonitoringRole"
READ_EVERYTHING: Final = "ReadOnlyAccess"
CHANGE_EVERYTHING: Final = "PowerUserAccess"
"""All but identities. Of the deploy role alone."""


def arn(name: str) -> str:
    """ARN of AWS's policy ``name``."""
    return _PREFIX + name


OF_SERVICES: Final = tuple(map(arn, (*CONTROL_PLANE, *NODES, DATABASE_MONITORING)))
"""What a role of an AWS service may carry, and what the deploy role may give it."""
OF_DELIVERY: Final = tuple(map(arn, (READ_EVERYTHING, CHANGE_EVERYTHING)))
"""What the roles of the pipelines carry; an administrator gives it, with the stack ``global``."""
