"""The gate: replacing or removing what holds data stops the job until the change names it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ops.review.changes import Change, Kind

STATEFUL: Final = frozenset(
    {
        "aws:rds/instance:Instance",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:msk/cluster:Cluster",
        "aws:msk/topic:Topic",
        "aws:s3/bucket:Bucket",
        "aws:kms/key:Key",
        "aws:kms/replicaKey:ReplicaKey",
        "aws:secretsmanager/secret:Secret",
        "aws:route53/zone:Zone",
        "aws:eks/cluster:Cluster",
        "aws:ec2/vpc:Vpc",
        "aws:sqs/queue:Queue",
        "aws:cloudfront/distribution:Distribution",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:ecr/repository:Repository",
        "aws:backup/vault:Vault",
    }
)
"""What loses data, or an address that others hold, when it is replaced or removed."""

_NAMING: Final = re.compile(r"^Replaces:\s*(\S+)\s*$", re.MULTILINE)


def named_in(text: str) -> frozenset[str]:
    """The places and names that a change's description accepts: lines ``Replaces: database.mumbai/primary``."""
    return frozenset(_NAMING.findall(text))


def label(change: Change) -> str:
    """By which a description names a change: ``database.mumbai/primary``."""
    return f"{change.place}/{change.name}"


def dangerous(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes that replace or remove something stateful."""
    return tuple(c for c in changes if c.type in STATEFUL and c.kind in (Kind.REPLACE, Kind.REMOVE))


def blocked(changes: Iterable[Change], named: frozenset[str]) -> tuple[Change, ...]:
    """Those of the dangerous changes that the description does not name."""
    return tuple(c for c in dangerous(changes) if label(c) not in named)
