"""What is declared exists in each region: held against CloudFormation's data, which cfn-lint's maintainers refresh."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from regions.catalogue import CATALOGUE, HOME_CODE
from tests.stacks.recording import Footprint, cell

CFN_NAME = {
    # where CloudFormation calls a type differently, or has it as a property of another
    "aws:acm/certificate:Certificate": "AWS::CertificateManager::Certificate",
    "aws:cloudwatch/logGroup:LogGroup": "AWS::Logs::LogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "AWS::CloudWatch::Alarm",
    "aws:lb/loadBalancer:LoadBalancer": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "aws:rds/instance:Instance": "AWS::RDS::DBInstance",
    "aws:ec2/vpc:Vpc": "AWS::EC2::VPC",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "AWS::EC2::VPCEndpoint",
    "aws:wafv2/webAcl:WebAcl": "AWS::WAFv2::WebACL",
    "aws:msk/cluster:Cluster": "AWS::MSK::Cluster",
    "aws:msk/topic:Topic": "AWS::MSK::Topic",
    "aws:elasticache/replicationGroup:ReplicationGroup": "AWS::ElastiCache::ReplicationGroup",
    "aws:elasticache/user:User": "AWS::ElastiCache::User",
    "aws:eks/cluster:Cluster": "AWS::EKS::Cluster",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "AWS::EKS::PodIdentityAssociation",
    "aws:kms/key:Key": "AWS::KMS::Key",
    "aws:mediaconvert/queue:Queue": "AWS::MediaConvert::Queue",
    "aws:secretsmanager/secret:Secret": "AWS::SecretsManager::Secret",
    "aws:sqs/queue:Queue": "AWS::SQS::Queue",
}

every_region = pytest.mark.parametrize("name", CATALOGUE.names)


@cache
def data(path: str) -> Any:
    return json.loads(files("cfnlint.data.schemas").joinpath(*path.split("/")).read_text())


@cache
def footprint(name: str) -> Footprint:
    return cell(name, transcoder="mediaconvert")


def classes(rules: Any, engine: str) -> set[str]:
    """Every instance class that the rules allow for ``engine``."""
    found: set[str] = set()
    for rule in rules["allOf"]:
        if rule["if"]["properties"].get("Engine", {}).get("const") == engine:
            found |= set(rule["then"]["properties"]["DBInstanceClass"]["enum"])
    return found


@every_region
def test_the_region_offers_every_type_that_its_stack_declares(name: str) -> None:
    offered = data(f"providers/{CATALOGUE.get(name).code}.json")
    declared = {item.type for item in footprint(name).aws}
    assert set(CFN_NAME) <= declared
    assert [token for token in CFN_NAME if CFN_NAME[token] not in offered] == []


@every_region
def test_the_region_offers_every_database_class(name: str) -> None:
    offered = classes(
        data("extensions/aws_rds_dbinstance/dbinstanceclass_enum.json")[CATALOGUE.get(name).code], "postgres"
    )
    used = {item.inputs["instanceClass"] for item in footprint(name).of("aws:rds/instance:Instance")}
    assert used
    assert used <= offered


@every_region
def test_the_region_offers_the_cache_nodes(name: str) -> None:
    offered = data("extensions/aws_elasticache_cachecluster/cachenodetype_enum.json")[CATALOGUE.get(name).code]["enum"]
    (group,) = footprint(name).of("aws:elasticache/replicationGroup:ReplicationGroup")
    assert group.inputs["nodeType"] in offered


def versions(path: str, engine: str) -> set[str]:
    for rule in data(path)["allOf"]:
        if rule["if"]["properties"].get("Engine", {}).get("const") == engine:
            return set(rule["then"]["properties"]["EngineVersion"]["enum"])
    raise AssertionError(f"no versions of {engine} in {path}")


def test_the_engine_versions_are_offered() -> None:
    found = footprint("mumbai")
    postgres = versions("extensions/aws_rds_dbinstance/engine_version.json", "postgres")
    pinned = {item.inputs["engineVersion"] for item in found.of("aws:rds/instance:Instance") if "engine" in item.inputs}
    assert pinned <= postgres
    (group,) = found.of("aws:elasticache/replicationGroup:ReplicationGroup")
    valkey = versions("extensions/aws_elasticache_cachecluster/engine_version.json", "valkey")
    assert group.inputs["engineVersion"] in valkey


@every_region
def test_secrets_names_and_identifiers_stay_within_awss_limits(name: str) -> None:
    found = footprint(name)
    (balancer,) = found.of("aws:lb/loadBalancer:LoadBalancer")
    assert re.fullmatch(r"[A-Za-z0-9-]{1,32}", balancer.inputs["name"])
    (group,) = found.of("aws:elasticache/replicationGroup:ReplicationGroup")
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,39}", group.inputs["replicationGroupId"])
    for bucket in found.of("aws:s3/bucket:Bucket"):
        assert re.fullmatch(r"[a-z0-9-]{3,63}", bucket.inputs["bucket"])
    for target in found.of("aws:lb/targetGroup:TargetGroup"):
        assert len(target.inputs["namePrefix"]) <= 6
    for user in found.of("aws:elasticache/user:User"):
        assert re.fullmatch(r"[a-z][a-z0-9-]{0,39}", user.inputs["userId"])


def test_the_token_keys_home_is_a_region_of_the_catalogue() -> None:
    assert HOME_CODE in {region.code for region in CATALOGUE.regions}
