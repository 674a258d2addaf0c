"""Wrong declarations are refused with the resource, the property and what is allowed."""

from __future__ import annotations

import pytest

from tests.local.aws.engine import Engine, RefusedError

BUCKET = "aws:s3/bucketVersioning:BucketVersioning"
QUEUE = "aws:sqs/queue:Queue"


def test_a_value_outside_an_enumeration_is_refused_with_the_allowed_ones(offline: Engine) -> None:
    with pytest.raises(RefusedError) as refusal:
        offline.check(BUCKET, "versions", {"bucket": "b", "versioningConfiguration": {"status": "On"}})
    assert "versions" in str(refusal.value)
    assert "versioningConfiguration.status" in str(refusal.value)
    assert "Enabled, Suspended" in str(refusal.value)


def test_an_unknown_nested_property_is_refused(offline: Engine) -> None:
    with pytest.raises(RefusedError, match=r"versioningConfiguration\.state.*no such member.*Status"):
        offline.check(BUCKET, "versions", {"bucket": "b", "versioningConfiguration": {"state": "Enabled"}})


def test_a_property_that_no_operation_takes_is_refused_rather_than_dropped(offline: Engine) -> None:
    with pytest.raises(RefusedError, match=r"visibilityTimeout_.*mapped to no operation"):
        offline.check(QUEUE, "jobs", {"visibilityTimeout_": 3})


@pytest.mark.parametrize(
    ("token", "inputs", "said"),
    [
        ("aws:ec2/vpc:Vpc", {"cidrBlock": {"a": "b"}}, "must be a string"),
        ("aws:kms/key:Key", {"multiRegion": "perhaps"}, "must be true or false"),
        ("aws:rds/instance:Instance", {"instanceClass": "db.r8g.large", "allocatedStorage": "much"}, "whole number"),
        ("aws:kms/key:Key", {"enableKeyRotation": True, "rotationPeriodInDays": 9}, "at least 90"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", {"comparisonOperator": "Above", "evaluationPeriods": 1}, "Greater"),
        (
            "aws:wafv2/webAcl:WebAcl",
            {
                "scope": "EVERYWHERE",
                "defaultAction": {"allow": {}},
                "visibilityConfig": {
                    "metricName": "m",
                    "cloudwatchMetricsEnabled": True,
                    "sampledRequestsEnabled": True,
                },
            },
            "CLOUDFRONT, REGIONAL",
        ),
    ],
)
def test_a_wrong_value_is_refused(offline: Engine, token: str, inputs: dict[str, object], said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        offline.check(token, "wrong", inputs)


def test_a_missing_required_member_is_refused(offline: Engine) -> None:
    with pytest.raises(RefusedError, match="AssumeRolePolicyDocument"):
        offline.check("aws:iam/role:Role", "role", {"name": "r"})


def test_an_unknown_value_is_checked_later(offline: Engine) -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    checked = offline.check(BUCKET, "versions", {"bucket": unknown, "versioningConfiguration": {"status": "Enabled"}})
    assert checked["bucket"] == unknown


def test_a_type_without_a_table_is_refused_with_the_remedy(offline: Engine) -> None:
    with pytest.raises(RefusedError, match="no table entry"):
        offline.check("aws:glacier/vault:Vault", "v", {})


def test_a_name_is_made_once_and_kept(offline: Engine) -> None:
    first = offline.check(QUEUE, "jobs", {})
    name = first["name"]
    assert isinstance(name, str)
    assert name.startswith("jobs-")
    assert len(name) == len("jobs-") + 7
    assert offline.check(QUEUE, "jobs", {"delaySeconds": 1}, first)["name"] == name


def test_the_region_of_the_provider_is_filled_in_only_where_there_is_one(offline: Engine) -> None:
    assert offline.check(QUEUE, "jobs", {})["region"] == "ap-south-1"
    assert offline.check(QUEUE, "jobs", {"region": "us-west-2"})["region"] == "us-west-2"
    assert "region" not in offline.check("aws:route53/zone:Zone", "zone", {"name": "meridian.test"})


def test_names_and_arns_that_are_predictable_are_known_at_preview(offline: Engine) -> None:
    inputs = offline.check("aws:s3/bucket:Bucket", "media", {"bucket": "media"})
    identity, outputs = offline.preview("aws:s3/bucket:Bucket", "media", inputs)
    assert identity == "media"
    assert outputs["arn"] == "arn:aws:s3:::media"
    assert outputs["bucketRegionalDomainName"] == "media.s3.ap-south-1.amazonaws.com"
    vpc = offline.check("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.0.0.0/16"})
    assert offline.preview("aws:ec2/vpc:Vpc", "vpc", vpc)[0] == ""


INSTANCE = "aws:rds/instance:Instance"
PROMOTED = {"identifier": "copy", "instanceClass": "db.r8g.large", "storageType": "gp3"}


def test_a_promoted_replica_names_no_engine_as_its_source_gave_it_one(offline: Engine) -> None:
    offline.check(INSTANCE, "copy", PROMOTED, olds={**PROMOTED, "replicateSourceDb": "arn:aws:rds:r:1:db:source"})
    offline.check(INSTANCE, "copy", PROMOTED, olds=PROMOTED)


def test_a_new_instance_without_source_or_engine_is_refused(offline: Engine) -> None:
    with pytest.raises(RefusedError, match="Engine"):
        offline.check(INSTANCE, "copy", PROMOTED)


def test_a_wrong_value_of_one_that_exists_is_refused(offline: Engine) -> None:
    with pytest.raises(RefusedError, match="whole number"):
        offline.check(INSTANCE, "copy", {**PROMOTED, "port": "any"}, olds=PROMOTED)
