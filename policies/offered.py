"""What CloudFormation's region data says a region offers: resource types, instance classes, engine versions.

Owns the look-up in the data that cfn-lint carries, which its maintainers refresh from AWS. Where the data is silent
the answer is None; facts for those cases are in ``regions/offers.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from regions.catalogue import CATALOGUE, EDGE_CODE

_SERVICES: Final = MappingProxyType(
    {
        "acm": "certificatemanager",
        "amp": "aps",
        "appautoscaling": "applicationautoscaling",
        "costexplorer": "ce",
        "lb": "elasticloadbalancingv2",
        "vpc": "ec2",
    }
)
"""CloudFormation's name of a service where pulumi-aws has another."""

_TYPES: Final = MappingProxyType(
    {
        "acm/CertificateValidation": "CertificateManager::Certificate",
        "amp/AlertManagerDefinition": "APS::Workspace",
        "amp/RuleGroupNamespace": "APS::RuleGroupsNamespace",
        "appautoscaling/Policy": "ApplicationAutoScaling::ScalingPolicy",
        "appautoscaling/Target": "ApplicationAutoScaling::ScalableTarget",
        "cloudwatch/LogDelivery": "Logs::Delivery",
        "cloudwatch/LogDeliveryDestination": "Logs::DeliveryDestination",
        "cloudwatch/LogDeliverySource": "Logs::DeliverySource",
        "cloudwatch/LogGroup": "Logs::LogGroup",
        "cloudwatch/LogResourcePolicy": "Logs::ResourcePolicy",
        "cloudwatch/MetricAlarm": "CloudWatch::Alarm",
        "ec2/DefaultSecurityGroup": "EC2::SecurityGroup",
        "ec2/RouteTableAssociation": "EC2::SubnetRouteTableAssociation",
        "ec2/VpcPeeringConnectionAccepter": "EC2::VPCPeeringConnection",
        "ecr/LifecyclePolicy": "ECR::Repository",
        "eks/AccessPolicyAssociation": "EKS::AccessEntry",
        "iam/OpenIdConnectProvider": "IAM::OIDCProvider",
        "iam/Policy": "IAM::ManagedPolicy",
        "iam/RolePolicyAttachment": "IAM::Role",
        "rds/Instance": "RDS::DBInstance",
        "rds/InstanceAutomatedBackupsReplication": "RDS::DBInstance",
        "rds/ParameterGroup": "RDS::DBParameterGroup",
        "rds/SubnetGroup": "RDS::DBSubnetGroup",
        "route53/Record": "Route53::RecordSet",
        "route53/Zone": "Route53::HostedZone",
        "s3/AccountPublicAccessBlock": "S3::Bucket",
        "secretsmanager/SecretVersion": "SecretsManager::Secret",
        "sns/TopicSubscription": "SNS::Subscription",
        "sqs/RedriveAllowPolicy": "SQS::Queue",
        "vpc/SecurityGroupEgressRule": "EC2::SecurityGroupEgress",
        "vpc/SecurityGroupIngressRule": "EC2::SecurityGroupIngress",
        "wafv2/WebAclLoggingConfiguration": "WAFv2::LoggingConfiguration",
    }
)
"""CloudFormation's type of a resource that it names otherwise, or has as a part of another."""
_PART_OF_A_BUCKET: Final = "s3/Bucket"

POSTGRES, VALKEY = "postgres", "valkey"


def type_of(token: str) -> str | None:
    """CloudFormation's type of ``aws:service/thing:Thing``; None if it has none that is known by name."""
    parts = token.split(":")
    if len(parts) != 3 or parts[0] != "aws":
        return None
    service, kind = parts[1].split("/")[0], parts[2]
    named = _TYPES.get(f"{service}/{kind}")
    if named is None and f"{service}/{kind}".startswith(_PART_OF_A_BUCKET) and kind != "BucketPolicy":
        named = "S3::Bucket"
    wanted = f"aws::{named}".lower() if named else f"aws::{_SERVICES.get(service, service)}::{kind}".lower()
    return _ours().get(wanted) or _everywhere().get(wanted)


def offers_type(region: str, cloudformation_type: str) -> bool | None:
    """Whether a region offers a type; None if the data knows no such region."""
    types = _types(region)
    return None if types is None else cloudformation_type in types


def services(region: str) -> frozenset[str]:
    """Services of which a region offers some type, as CloudFormation names them; none if the data knows no such region."""
    return frozenset(name.split("::")[1] for name in _types(region) or ())


def database_classes(region: str) -> frozenset[str] | None:
    """Instance classes for PostgreSQL; None if the data knows no such region."""
    rules = _json("extensions/aws_rds_dbinstance/dbinstanceclass_enum.json").get(region)
    return None if rules is None else frozenset(_enumerated(rules, POSTGRES, "DBInstanceClass"))


def cache_nodes(region: str) -> frozenset[str] | None:
    """Node types of ElastiCache; None if the data knows no such region."""
    found = _json("extensions/aws_elasticache_cachecluster/cachenodetype_enum.json").get(region)
    return None if found is None else frozenset(found["enum"])


def database_versions() -> frozenset[str]:
    """Versions of PostgreSQL that RDS has."""
    return frozenset(_enumerated(_json("extensions/aws_rds_dbinstance/engine_version.json"), POSTGRES, "EngineVersion"))


def cache_versions() -> frozenset[str]:
    """Versions of Valkey that ElastiCache has."""
    path = "extensions/aws_elasticache_cachecluster/engine_version.json"
    return frozenset(_enumerated(_json(path), VALKEY, "EngineVersion"))


def _enumerated(rules: Mapping[str, Any], engine: str, name: str) -> list[str]:
    found: list[str] = []
    for rule in rules["allOf"]:
        if rule["if"]["properties"].get("Engine", {}).get("const") == engine:
            found += rule["then"]["properties"][name]["enum"]
    return found


@cache
def _schemas() -> Path:
    """Where the data is. Found without importing cfn-lint, which takes half a second."""
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise LookupError("cfn-lint is not installed, so nobody knows what regions offer; run `make install`")
    return Path(spec.origin).parent / "data" / "schemas"


@cache
def _ours() -> Mapping[str, str]:
    return _by_name(EDGE_CODE, *(region.code for region in CATALOGUE.regions))


@cache
def _everywhere() -> Mapping[str, str]:
    """Of all regions: what none of ours has."""
    return _by_name(*(path.stem for path in (_schemas() / "providers").glob("*.json")))


def _by_name(*regions: str) -> Mapping[str, str]:
    """Every type of these regions by its name in lower case."""
    return {name.lower(): name for region in regions for name in _types(region) or ()}


@cache
def _types(region: str) -> frozenset[str] | None:
    path = _schemas() / "providers" / f"{region}.json"
    return frozenset(json.loads(path.read_text())) if path.is_file() else None


@cache
def _json(path: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((_schemas() / path).read_text())
    return found
