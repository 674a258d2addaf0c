"""Policies and values that components build from plain data."""

from __future__ import annotations

import json

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.topics import TOPICS
from stacks.buckets import bucket_policy
from stacks.keys import Store, key_policy
from stacks.media import announcement_policy
from stacks.outputs import checked, endpoints
from stacks.streaming import topic_config

ACCOUNT = "123456789012"


@pytest.mark.parametrize("store", list(Store))
def test_a_key_is_governed_by_its_own_account_and_opened_to_services_on_a_condition_only(store: Store) -> None:
    first, *rest = json.loads(key_policy(store, ACCOUNT, "eu-central-1"))["Statement"]
    assert first["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    for statement in rest:
        assert set(statement["Principal"]) == {"Service"}
        assert ACCOUNT in json.dumps(statement["Condition"])


def test_the_log_key_serves_the_log_service_of_its_own_region() -> None:
    text = key_policy(Store.LOGS, ACCOUNT, "eu-central-1")
    assert "logs.eu-central-1.amazonaws.com" in text
    assert "us-east-1" not in text


@pytest.mark.parametrize("delivered", [True, False])
def test_a_bucket_refuses_plain_http_and_is_read_by_the_cdn_only_if_delivered(delivered: bool) -> None:
    statements = json.loads(bucket_policy("b", ACCOUNT, delivered=delivered))["Statement"]
    deny = statements[0]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    allowed = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert len(allowed) == delivered
    assert all(statement["Principal"] == {"Service": "cloudfront.amazonaws.com"} for statement in allowed)
    assert all(ACCOUNT in json.dumps(statement["Condition"]) for statement in allowed)


def test_only_the_uploads_bucket_of_the_account_may_write_to_the_queue() -> None:
    (statement,) = json.loads(announcement_policy("arn:aws:sqs:r:a:q", "uploads", ACCOUNT))["Statement"]
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::uploads"},
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
    }


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_topics_configuration_is_text_only_and_never_compacts(topic: object) -> None:
    config = json.loads(topic_config(topic))  # type: ignore[arg-type]  # parametrize hands objects
    assert all(isinstance(value, str) for value in config.values())
    assert config["cleanup.policy"] == "delete"
    assert config["unclean.leader.election.enable"] == "false"


@given(st.lists(st.tuples(st.from_regex(r"[a-z][a-z0-9.-]{0,30}", fullmatch=True), st.integers(1, 65535)), min_size=1))
def test_a_bootstrap_string_gives_its_endpoints_in_order(brokers: list[tuple[str, int]]) -> None:
    text = ",".join(f"{host}:{port}" for host, port in brokers)
    assert [(entry["host"], entry["port"]) for entry in endpoints(text)] == brokers


@pytest.mark.parametrize("text", ["", "host", "host:", ":9098", "host:9098,", "host:port"])
def test_a_bootstrap_string_that_names_no_broker_is_refused(text: str) -> None:
    with pytest.raises(pulumi.RunError, match="is not host:port"):
        endpoints(text)


def test_settings_that_no_service_could_load_fail_the_stack() -> None:
    with pytest.raises(pulumi.RunError, match="database"):
        checked({"cell": "mumbai"})
