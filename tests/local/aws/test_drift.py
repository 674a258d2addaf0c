"""A refresh sees what others did in the emulator, and an import takes over what is there."""

from __future__ import annotations

import pytest

from tests.local.aws.conftest import Client
from tests.local.aws.engine import Engine, RefusedError


def test_a_changed_tag_is_seen(attached: Engine, client: Client) -> None:
    bucket = attached.create("aws:s3/bucket:Bucket", "tags", {"bucket": "tagged", "tags": {"Project": "meridian"}})
    client("s3").put_bucket_tagging(Bucket="tagged", Tagging={"TagSet": [{"Key": "Project", "Value": "other"}]})
    found = attached.read(bucket)
    assert found is not None
    assert found.inputs["tags"] == {"Project": "other"}


def test_an_added_tag_is_seen(attached: Engine, client: Client) -> None:
    vpc = attached.create("aws:ec2/vpc:Vpc", "vpc", {"cidrBlock": "10.9.0.0/16", "tags": {"Project": "meridian"}})
    client("ec2").create_tags(Resources=[vpc.id], Tags=[{"Key": "Who", "Value": "me"}])
    found = attached.read(vpc)
    assert found is not None
    assert found.inputs["tags"] == {"Project": "meridian", "Who": "me"}


def test_a_changed_attribute_is_seen_and_the_next_update_mends_it(attached: Engine, client: Client) -> None:
    queue = attached.create("aws:sqs/queue:Queue", "jobs", {"name": "drifting", "visibilityTimeoutSeconds": 900})
    client("sqs").set_queue_attributes(QueueUrl=queue.id, Attributes={"VisibilityTimeout": "30"})
    found = attached.read(queue)
    assert found is not None
    assert found.inputs["visibilityTimeoutSeconds"] == 30
    attached.update(found, {"name": "drifting", "visibilityTimeoutSeconds": 900})
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue.id, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "900"


def test_a_nested_value_that_changed_is_seen(attached: Engine, client: Client) -> None:
    attached.create("aws:s3/bucket:Bucket", "open", {"bucket": "opened"})
    inputs = {"bucket": "opened", "blockPublicAcls": True, "blockPublicPolicy": True}
    block = attached.create("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "block", inputs)
    client("s3").put_public_access_block(
        Bucket="opened", PublicAccessBlockConfiguration={"BlockPublicAcls": False, "BlockPublicPolicy": True}
    )
    found = attached.read(block)
    assert found is not None
    assert found.inputs["blockPublicAcls"] is False
    assert found.inputs["blockPublicPolicy"] is True


def test_a_deleted_resource_is_gone(attached: Engine, client: Client) -> None:
    topic = attached.create("aws:sns/topic:Topic", "alarms", {"name": "alarms"})
    client("sns").delete_topic(TopicArn=topic.id)
    assert attached.read(topic) is None


def test_deleting_what_is_gone_already_succeeds(attached: Engine, client: Client) -> None:
    group = attached.create("aws:cloudwatch/logGroup:LogGroup", "logs", {"name": "/gone"})
    client("logs").delete_log_group(logGroupName="/gone")
    attached.delete(group)


def test_an_import_takes_over_what_is_there(attached: Engine, client: Client) -> None:
    client("sqs", "us-west-2").create_queue(
        QueueName="found", Attributes={"VisibilityTimeout": "77"}, tags={"Project": "meridian"}
    )
    url = client("sqs", "us-west-2").get_queue_url(QueueName="found")["QueueUrl"]
    inputs = attached.import_("aws:sqs/queue:Queue", "found", f"{url}@us-west-2")
    assert inputs["name"] == "found"
    assert inputs["region"] == "us-west-2"
    assert inputs["tags"] == {"Project": "meridian"}
    assert str(inputs["visibilityTimeoutSeconds"]) == "77"


def test_an_immutable_property_replaces_and_a_verbatim_name_deletes_first(attached: Engine) -> None:
    table = attached.create("aws:sqs/queue:Queue", "fixed", {"name": "fixed"})
    difference = attached.diff(table, {"name": "fixed", "fifoQueue": True})
    assert list(difference.replaces) == ["fifoQueue"]
    assert difference.deleteBeforeReplace
    named = attached.create("aws:sqs/queue:Queue", "free", {})
    assert not attached.diff(named, {"fifoQueue": True}).deleteBeforeReplace
    assert list(attached.diff(named, {"region": "us-west-2"}).replaces) == ["region"]


def test_a_secret_is_rewritten_when_its_version_changes_and_not_before(attached: Engine, client: Client) -> None:
    secret = attached.create("aws:secretsmanager/secret:Secret", "s", {"name": "s", "recoveryWindowInDays": 0})
    version = attached.create(
        "aws:secretsmanager/secretVersion:SecretVersion",
        "v",
        {"secretId": secret.id, "secretStringWo": "one", "secretStringWoVersion": 1},
    )
    same = attached.diff(version, {"secretId": secret.id, "secretStringWo": "two", "secretStringWoVersion": 1})
    assert not same.diffs
    other = attached.diff(version, {"secretId": secret.id, "secretStringWo": "two", "secretStringWoVersion": 2})
    assert list(other.replaces) == ["secretStringWoVersion"]
    assert client("secretsmanager").get_secret_value(SecretId="s")["SecretString"] == "one"


def test_data_sources_answer(attached: Engine) -> None:
    assert attached.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "123456789012"
    zones = attached.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {"region": "us-west-2"})
    assert "us-west-2a" in str(zones["names"])
    password = attached.invoke(
        "aws:secretsmanager/getRandomPassword:getRandomPassword", {"passwordLength": 24, "excludePunctuation": True}
    )
    assert len(str(password["randomPassword"])) == 24
    with pytest.raises(RefusedError, match="not supported"):
        attached.invoke("aws:ec2/getAmi:getAmi", {})
