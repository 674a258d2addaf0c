"""Aliases of a multi-Region key's members, which moto keeps in one place for all regions."""

from __future__ import annotations

import grpc
import pytest

from tests.local.aws.engine import Declared, Engine

ALIAS = "aws:kms/alias:Alias"
ELSEWHERE = "us-west-2"


def replicated(attached: Engine, name: str) -> tuple[Declared, Declared]:
    """A key and its member in another region."""
    key = attached.create("aws:kms/key:Key", name, {"multiRegion": True, "region": "ap-south-1"})
    member = attached.create(
        "aws:kms/replicaKey:ReplicaKey", name, {"primaryKeyArn": key.outputs["arn"], "region": ELSEWHERE}
    )
    return key, member


def test_each_member_has_the_alias_and_losing_one_does_not_stop_the_other(attached: Engine) -> None:
    key, member = replicated(attached, "tokens")
    one = attached.create(
        ALIAS, "one", {"name": "alias/tokens", "targetKeyId": key.outputs["keyId"], "region": "ap-south-1"}
    )
    other = attached.create(
        ALIAS, "other", {"name": "alias/tokens", "targetKeyId": member.outputs["keyId"], "region": ELSEWHERE}
    )
    assert other.id == one.id == "alias/tokens"
    attached.delete(other)
    attached.delete(one)
    assert attached.read(one) is None


def test_an_alias_of_another_key_is_not_taken_over(attached: Engine) -> None:
    key, member = replicated(attached, "sessions")
    stranger = attached.create("aws:kms/key:Key", "stranger", {"region": "ap-south-1"})
    attached.create(
        ALIAS, "first", {"name": "alias/sessions", "targetKeyId": stranger.outputs["keyId"], "region": "ap-south-1"}
    )
    with pytest.raises(grpc.RpcError, match="AlreadyExists"):
        attached.create(
            ALIAS, "second", {"name": "alias/sessions", "targetKeyId": key.outputs["keyId"], "region": "ap-south-1"}
        )
    assert member.outputs["keyId"] == key.outputs["keyId"]
