"""Changes: what differs is found, what only looks different is not, and what forces a replacement is said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.review.changes import Change, Kind, changes, compared
from ops.review.declared import Declared, declared
from ops.review.differences import Difference, canonical, differences
from ops.review.replacing import forces
from policies.model import UNKNOWN, Value
from tests.ops.review.digests import created, digest, step

INSTANCE = "aws:rds/instance:Instance"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.dictionaries(st.text("abc.", min_size=1, max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def between(before: Value, after: Value) -> list[Difference]:
    return list(differences(before, after, lambda _: False))


def declared_in(*steps: dict[str, object]) -> tuple[Declared, ...]:
    return declared([digest("mumbai", *steps)])


@settings(deadline=None)
@given(values)
def test_a_value_never_differs_from_itself(value: Value) -> None:
    assert between(value, value) == []


@settings(deadline=None)
@given(values, values)
def test_values_that_differ_have_a_difference(one: Value, other: Value) -> None:
    if _bare(one) != _bare(other):  # as Python has it: no property of AWS is a truth here and a number there
        assert between({"x": one}, {"x": other}) != []


@settings(deadline=None)
@given(values, values)
def test_values_that_are_equal_to_every_reader_have_none(one: Value, other: Value) -> None:
    if canonical(one) == canonical(other):
        assert between({"x": one}, {"x": other}) == []


def _bare(value: Value) -> Value:
    """Without what is null: a property that is null is one that is not there."""
    if isinstance(value, dict):
        return {key: inner for key, item in value.items() if (inner := _bare(item)) is not None}
    return tuple(_bare(item) for item in value) if isinstance(value, tuple) else value


def test_documents_are_compared_by_content() -> None:
    one = json.dumps({"Statement": [{"Action": "s3:GetObject", "Effect": "Allow"}]})
    other = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject"}]}, indent=2)
    assert between({"policy": one}, {"policy": other}) == []
    third = one.replace("GetObject", "PutObject")
    assert [d.path for d in between({"policy": one}, {"policy": third})] == ["policy.Statement.0.Action"]


def test_of_a_list_only_the_entries_that_differ_are_told() -> None:
    found = between({"actions": ("a", "b", "c")}, {"actions": ("b", "c", "d", "e")})
    assert found == [Difference("actions", ("a",), ("d", "e"), forces=False)]


def test_another_order_of_a_list_is_a_difference() -> None:
    assert between(("a", "b"), ("b", "a")) == [Difference("", ("a", "b"), ("b", "a"), forces=False)]


def test_what_is_not_known_yet_differs_from_what_is() -> None:
    assert between({"key": UNKNOWN}, {"key": UNKNOWN}) == []
    assert len(between({"key": UNKNOWN}, {"key": "arn"})) == 1


def test_two_declarations_are_compared_resource_by_resource() -> None:
    before = declared_in(
        created("mumbai", INSTANCE, "kept", port=1),
        created("mumbai", INSTANCE, "changed", allocatedStorage=100),
        created("mumbai", INSTANCE, "remade", storageEncrypted=False),
        created("mumbai", INSTANCE, "gone"),
    )
    after = declared_in(
        created("mumbai", INSTANCE, "kept", port=1),
        created("mumbai", INSTANCE, "changed", allocatedStorage=200),
        created("mumbai", INSTANCE, "remade", storageEncrypted=True),
        created("mumbai", INSTANCE, "made"),
    )
    found = {change.name: change.kind for change in compared(before, after, forces)}
    assert found == {"changed": Kind.UPDATE, "remade": Kind.REPLACE, "gone": Kind.REMOVE, "made": Kind.ADD}
    assert compared(after, after, forces) == ()


def test_losing_the_protection_from_removal_is_a_change() -> None:
    before = digest("mumbai", created("mumbai", INSTANCE, "primary"))
    after = json.loads(json.dumps(before))
    before["steps"][0]["new"]["protect"] = True  # type: ignore[index]  # a dictionary that digest() has just made
    (change,) = compared(declared([before]), declared([after]), forces)
    assert [(d.path, d.before, d.after) for d in change.differences] == [("protect", True, False)]


@pytest.mark.parametrize(
    ("kind", "path", "replaces"),
    [
        (INSTANCE, "instanceClass", False),
        (INSTANCE, "storageEncrypted", True),
        (INSTANCE, "dbSubnetGroupName", False),
        (INSTANCE, "region", True),
        ("aws:elasticache/replicationGroup:ReplicationGroup", "port", True),
        ("aws:elasticache/replicationGroup:ReplicationGroup", "nodeType", False),
        ("aws:msk/cluster:Cluster", "brokerNodeGroupInfo.clientSubnets.0", True),
        ("aws:msk/cluster:Cluster", "brokerNodeGroupInfo.instanceType", False),
        ("aws:msk/cluster:Cluster", "brokerNodeGroupInfo", True),
        ("aws:s3/bucket:Bucket", "bucket", True),
        ("aws:s3/bucket:Bucket", "tags.Name", False),
        ("aws:ec2/vpc:Vpc", "cidrBlock", True),
        ("kubernetes:apps/v1:Deployment", "spec.selector.matchLabels.app", True),
        ("kubernetes:apps/v1:Deployment", "spec.replicas", False),
        ("kubernetes:core/v1:ConfigMap", "data.settings", True),
        ("kubernetes:core/v1:Service", "metadata.name", True),
        ("random:index/pet:Pet", "length", False),
    ],
)
def test_what_forces_a_replacement(kind: str, path: str, replaces: bool) -> None:
    assert forces(kind, path) is replaces


def _one(*steps: dict[str, object]) -> Change:
    (change,) = changes([digest("mumbai", *steps)])
    return change


def test_a_replacement_in_several_steps_is_one_change_with_both_sides() -> None:
    old, new = {"storageEncrypted": False}, {"storageEncrypted": True}
    change = _one(
        step("delete-replaced", "mumbai", INSTANCE, "primary", old=old),
        step("replace", "mumbai", INSTANCE, "primary", old=old, new=new, replaced_for=["storageEncrypted"]),
        step("create-replacement", "mumbai", INSTANCE, "primary", old=old, new=new, replaced_for=["storageEncrypted"]),
    )
    assert change.kind is Kind.REPLACE
    assert change.differences == (Difference("storageEncrypted", False, True, forces=True),)


def test_what_stays_and_what_is_read_is_no_change() -> None:
    same = step("same", "mumbai", INSTANCE, "primary", old={"port": 1}, new={"port": 1})
    assert changes([digest("mumbai", same, {**same, "op": "read"})]) == ()


def test_drift_is_told_from_what_was_seen() -> None:
    change = _one(
        step("update", "mumbai", INSTANCE, "primary", old={"port": 1}, new={"port": 1}, changed=["port"], outputs={"port": 2})
    )  # fmt: skip
    assert change.differences == (Difference("port", 2, 1, forces=False),)


def test_defaults_of_the_provider_are_not_what_the_program_declares() -> None:
    made = created("mumbai", INSTANCE, "primary", port=1, name="x-1234567", __defaults=["name"])
    assert dict(declared([digest("mumbai", made)])[0].inputs) == {"port": 1}


def test_unknown_values_and_secrets_are_recognised() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": "x"}
    made = created("mumbai", INSTANCE, "primary", key=UNKNOWN_TEXT, password=secret)
    (entry,) = declared([digest("mumbai", made)])
    assert entry.inputs["key"] is UNKNOWN
    assert entry.inputs["password"] == "[secret]"
    assert entry.place == "database.mumbai"


def test_components_and_providers_are_not_resources() -> None:
    provider = created("mumbai", "pulumi:providers:aws", "aws")
    component = created("mumbai", "meridian:region:Database", "database")
    component["new"] = {"custom": False, "inputs": {}}
    assert declared([digest("mumbai", provider, component)]) == ()
    assert changes([digest("mumbai", provider, component)]) == ()
