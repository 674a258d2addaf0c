"""Words are short, and never carry an account, a principal or a secret."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.review.changes import Change, Kind
from ops.review.differences import Difference
from ops.review.words import MAX_VALUE, change_in_words, path_in_words, redact, type_in_words, value_in_words
from policies.model import UNKNOWN, Value

around = st.text(string.ascii_lowercase + " :/-_.\"'{}[],", max_size=40)
accounts = st.text("0123456789", min_size=12, max_size=12)
names = st.text(string.ascii_letters + string.digits + "/_-.", min_size=8, max_size=30).map(lambda text: f"R{text}")
"""With a letter that `around` never has, so that a name found was in the principal."""
secrets = st.text(string.ascii_letters + string.digits, min_size=8, max_size=30)


@settings(deadline=None)
@given(around, accounts, around)
def test_no_account_number_passes(before: str, account: str, after: str) -> None:
    assert account not in redact(before + account + after)
    assert account not in value_in_words("x", before + account + after)


@settings(deadline=None)
@given(around, accounts, names, around)
def test_no_principal_passes(before: str, account: str, name: str, after: str) -> None:
    for arn in (f"arn:aws:iam::{account}:role/{name}", f"arn:aws-cn:sts::{account}:assumed-role/{name}"):
        assert name not in redact(f"{before}{arn}{after[:1]}").replace("[principal]", "")


@settings(deadline=None)
@given(
    secrets, st.sampled_from(["password", "masterPassword", "secretString", "privateKey", "authToken", "auth_token"])
)
def test_no_secret_passes_wherever_it_stands(secret: str, name: str) -> None:
    nested: dict[str, Value] = {"auth": {name: {"value": (secret,)}}}
    held: Value = {name: secret, "list": (nested,)}
    for shown in (value_in_words(name, secret), value_in_words(f"a.{name}.b", secret), value_in_words("x", held)):
        assert secret not in shown


@settings(deadline=None)
@given(secrets)
def test_a_kubernetes_secret_shows_no_data(secret: str) -> None:
    change = Change(
        "mumbai", "workloads", Kind.UPDATE, "kubernetes:core/v1:Secret", "s", "urn",
        (Difference("data.token", secret, secret + "1", forces=False),), {}, {},
    )  # fmt: skip
    assert secret not in "".join(change_in_words(change)).replace("[secret]", "")


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "aws_key=ASIAIOSFODNN7EXAMPLE",
        "AROAJ2UCCR6DPCEXAMPLE:session",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0In0.MEUCIQDexample",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIIrY\n-----END EC PRIVATE KEY-----",
    ],
)
def test_credentials_are_not_shown(text: str) -> None:
    shown = redact(text)
    for part in ("IOSFODNN7EXAMPLE", "J2UCCR6DPC", "MEUCIQDexample", "MHcCAQEEIIrY"):
        assert part not in shown


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda i: st.lists(i).map(tuple)))
def test_a_value_is_one_short_line(value: Value) -> None:
    shown = value_in_words("x", value)
    assert len(shown) <= max(MAX_VALUE, len(str(value)) if isinstance(value, int) else 0)
    assert "\n" not in shown


def test_how_things_read() -> None:
    assert path_in_words("instanceClass") == "instance class"
    assert path_in_words("spec.containers.0.image") == "spec containers #1 image"
    assert type_in_words("aws:rds/instance:Instance") == "rds instance"
    assert type_in_words("aws:elasticache/replicationGroup:ReplicationGroup") == "elasticache replication group"
    assert type_in_words("kubernetes:apps/v1:Deployment") == "Deployment"
    assert [value_in_words("x", v) for v in (None, True, False, UNKNOWN, ("a", 1), {"k": UNKNOWN})] == [
        "(none)", "on", "off", "(known after deployment)", "a, 1", '{"k": "?"}',
    ]  # fmt: skip


def test_values_that_differ_only_where_they_are_cut_say_so() -> None:
    long = "x" * 200
    change = Change(
        "mumbai", "database", Kind.UPDATE, "aws:s3/bucket:Bucket", "b", "urn",
        (Difference("policy", long + "a", long + "b", forces=False),), {}, {},
    )  # fmt: skip
    (line,) = change_in_words(change)
    assert "differs beyond what can be shown" in line
