"""A provider that drops a property is caught by the same checks that look at the footprint."""

from pathlib import Path

from local.engine.pulumi import Project
from tests.footprint import deployment, dropping, expected
from tests.footprint.asking import Boto, mismatches
from tests.footprint.checks import CHECKS

DROPPED = {
    ("aws:cloudwatch/logGroup:LogGroup", "retentionInDays"),
    ("aws:ec2/subnet:Subnet", "mapPublicIpOnLaunch"),
    ("aws:iam/role:Role", "description"),
    ("aws:kms/key:Key", "enableKeyRotation"),
    ("aws:s3/bucket:Bucket", "tags"),
    ("aws:secretsmanager/secret:Secret", "description"),
    ("aws:sqs/queue:Queue", "visibilityTimeoutSeconds"),
}

PROJECT = """\
name: meridian
runtime: python
config:
  pulumi:disable-default-providers:
    value: [aws, kubernetes]
"""

# Without the SDK of the package: importing it would take most of the run.
PROGRAM = """\
import json

import pulumi


class Cloud(pulumi.ProviderResource):
    def __init__(self):
        super().__init__("aws", "aws", {"region": "ap-south-1"})


class Thing(pulumi.CustomResource):
    def __init__(self, token, resource, /, **given):
        super().__init__(token, resource, {**given, "id": None, "arn": None}, pulumi.ResourceOptions(provider=cloud))


cloud = Cloud()
here = {"region": "ap-south-1"}
trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
network = Thing("aws:ec2/vpc:Vpc", "vpc", cidrBlock="10.0.0.0/16", enableDnsHostnames=True, **here)
Thing("aws:ec2/subnet:Subnet", "subnet", vpcId=network.id, cidrBlock="10.0.1.0/24", mapPublicIpOnLaunch=True, **here)
Thing("aws:cloudwatch/logGroup:LogGroup", "log", name="/meridian/log", retentionInDays=30, **here)
Thing("aws:kms/key:Key", "key", description="of data", enableKeyRotation=True, **here)
Thing("aws:s3/bucket:Bucket", "bucket", bucket="meridian-kept-and-lost", tags={"Project": "meridian"}, **here)
Thing("aws:secretsmanager/secret:Secret", "secret", name="meridian/secret", description="of a service", **here)
Thing("aws:sqs/queue:Queue", "queue", name="jobs", visibilityTimeoutSeconds=300, messageRetentionSeconds=1209600, **here)
Thing(
    "aws:iam/role:Role",
    "role",
    name="worker",
    description="works",
    maxSessionDuration=7200,
    assumeRolePolicy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
)
"""


def test_every_dropped_property_is_found_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "project"
    source.mkdir()
    (source / "Pulumi.yaml").write_text(PROJECT)
    (source / "__main__.py").write_text(PROGRAM)
    project = Project(source, (("small",),), policy_pack=None)
    drop = {dropping.VARIABLE: ",".join(sorted(f"{token}.{name}" for token, name in DROPPED))}
    with (
        deployment.emulated("moto", tmp_path) as url,
        deployment.attached(
            tmp_path, project, name="moto", url=url, aws_module="tests.footprint.dropping", settings=drop
        ) as attached,
    ):
        declared = expected.previewed([attached.runner.preview("small")])
        attached.runner.up("small")
        idle = attached.runner.up("small")
        assert idle.changed == 0, "the engine believes the provider"
        cloud = Boto(url)
        found = {
            (subject.type, mismatch.property)
            for subject in expected.subjects(declared, [idle])
            for mismatch in mismatches(CHECKS[subject.type], subject, cloud)
        }
    assert found == DROPPED
