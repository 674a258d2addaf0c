"""What can be reached from outside: load balancers on 443, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from policies.model import Resource, Rule, StackRule, Unknown, Value, is_true, of_type, without_companion

_ANYWHERE: Final = ("0.0.0.0/0", "::/0")
_WEB_PORTS: Final = (80, 443)
_BLOCKS: Final = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _no_public_database(resource: Resource) -> Iterator[str]:
    if resource.type == "aws:rds/instance:Instance" and resource.get("publiclyAccessible") is True:
        yield "can be reached from the internet: set publicly_accessible=False"
    if resource.type == "aws:msk/cluster:Cluster":
        access = resource.get("brokerNodeGroupInfo.connectivityInfo.publicAccess.type")
        if access not in (None, "DISABLED") and not isinstance(access, Unknown):
            yield "brokers can be reached from the internet: disable public access"


def _narrow_ingress(resource: Resource) -> Iterator[str]:
    if resource.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
        source = resource.get("cidrIpv4") or resource.get("cidrIpv6")
        if source in _ANYWHERE and not (
            resource.get("ipProtocol") == "tcp"
            and resource.get("fromPort") in _WEB_PORTS
            and resource.get("toPort") == resource.get("fromPort")
        ):
            yield "lets the whole internet in on more than port 80 or 443: name the addresses"
    elif resource.type == "aws:ec2/securityGroup:SecurityGroup" and resource.items("ingress"):
        yield "declares rules inline, which hides drift: use SecurityGroupIngressRule"


def _private_api(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:eks/cluster:Cluster":
        return
    if not is_true(resource.get("vpcConfig.endpointPrivateAccess")):
        yield "has no private API endpoint: set endpoint_private_access=True"
    open_to = resource.items("vpcConfig.publicAccessCidrs")
    if resource.get("vpcConfig.endpointPublicAccess") is True and (not open_to or set(open_to) & set(_ANYWHERE)):
        yield "has an API endpoint open to the internet: name the addresses in public_access_cidrs"


def _no_public_bucket(resources: tuple[Resource, ...]) -> Iterator[tuple[Resource | None, str]]:
    blocked: list[Value] = []
    for block in of_type(resources, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"):
        missing = [name for name in _BLOCKS if not is_true(block.get(name))]
        if missing:
            yield block, f"leaves {', '.join(missing)} off: all four must be on"
        else:
            blocked.append(block.get("bucket"))
    for bucket in without_companion(resources, blocked):
        yield bucket, "has no public access block: declare BucketPublicAccessBlock for it"


def _wall_before_balancers(resources: tuple[Resource, ...]) -> Iterator[tuple[Resource | None, str]]:
    public = [
        resource
        for resource in of_type(resources, "aws:lb/loadBalancer:LoadBalancer")
        if resource.get("internal") is not True and resource.get("loadBalancerType") in (None, "application")
    ]
    walls = list(of_type(resources, "aws:wafv2/webAclAssociation:WebAclAssociation"))
    if public and len(walls) < len(public):
        yield public[0], "faces the internet without a firewall: declare WebAclAssociation"
    for distribution in of_type(resources, "aws:cloudfront/distribution:Distribution"):
        if distribution.get("webAclId") is None:
            yield distribution, "faces the internet without a firewall: set web_acl_id"


RULES: Final = (
    Rule("NET-1", "No database, cache or broker is public.", "They hold everything.", _no_public_database),
    Rule("NET-2", "The internet reaches ports 80 and 443 only.", "Everything else is ours alone.", _narrow_ingress),
    Rule("NET-3", "The Kubernetes API is not open to the internet.", "It can do everything.", _private_api),
)
STACK_RULES: Final = (
    StackRule("NET-4", "No bucket can be made public.", "One wrong policy would publish it.", _no_public_bucket),
    StackRule(
        "NET-5", "Every public entrance has a firewall.", "It stops known attacks cheaply.", _wall_before_balancers
    ),
)
