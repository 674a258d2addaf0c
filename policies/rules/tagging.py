"""Tags: whose it is and which stack made it, so that cost and drift can be told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from policies.model import Resource, Rule

REQUIRED: Final = ("Project", "Stack", "ManagedBy")
TAGGED: Final = frozenset(
    {
        "aws:ec2/vpc:Vpc",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/eip:Eip",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:rds/instance:Instance",
        "aws:elasticache/replicationGroup:ReplicationGroup",
        "aws:msk/cluster:Cluster",
        "aws:eks/cluster:Cluster",
        "aws:s3/bucket:Bucket",
        "aws:sqs/queue:Queue",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:kms/key:Key",
        "aws:kms/replicaKey:ReplicaKey",
        "aws:secretsmanager/secret:Secret",
        "aws:iam/role:Role",
        "aws:cloudfront/distribution:Distribution",
        "aws:route53/zone:Zone",
        "aws:route53/healthCheck:HealthCheck",
        "aws:cloudwatch/logGroup:LogGroup",
    }
)
"""What costs money or holds something, and takes tags."""


def _tagged(resource: Resource) -> Iterator[str]:
    if resource.type not in TAGGED:
        return
    tags = resource.get("tags")
    given = tags if isinstance(tags, Mapping) else {}
    missing = [name for name in REQUIRED if name not in given]
    if tags is None or (isinstance(tags, Mapping) and missing):
        yield f"lacks the tags {', '.join(missing)}: pass tags=context.tags"


RULES: Final = (Rule("TAG-1", "What costs money says whose it is.", "Else no bill can be explained.", _tagged),)
