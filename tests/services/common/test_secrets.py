from __future__ import annotations

import json
import secrets as entropy

import boto3
import pytest

from services.common.aws import AwsClients
from services.common.secrets import CACHE_SECONDS, SecretError, SecretReader
from services.contracts.settings import SecretRef
from tests.servers import Aws

REGION = "ap-south-1"
PASSWORDS = {"database_password": "one", "cache_password": "two", "kafka_password": "three"}


def make(aws: Aws, value: str) -> SecretRef:
    client = boto3.client("secretsmanager", region_name=REGION, endpoint_url=aws.endpoint)
    arn = client.create_secret(Name=f"test/{entropy.token_hex(8)}", SecretString=value)["ARN"]
    return SecretRef(arn=arn, region=REGION)


def change(aws: Aws, ref: SecretRef, value: str) -> None:
    client = boto3.client("secretsmanager", region_name=REGION, endpoint_url=aws.endpoint)
    client.put_secret_value(SecretId=ref.arn, SecretString=value)


async def test_passwords_are_read_and_shown_nowhere(aws: Aws) -> None:
    secret = await SecretReader(AwsClients(REGION)).workload(make(aws, json.dumps(PASSWORDS)))

    assert secret.kafka_password.get_secret_value() == "three"
    assert not any(password in repr(secret) + str(secret) for password in PASSWORDS.values())


async def test_a_secret_is_kept_for_five_minutes_and_read_again_afterwards(aws: Aws) -> None:
    now = [0.0]
    reader = SecretReader(AwsClients(REGION), lambda: now[0])
    ref = make(aws, "first")
    assert await reader.text(ref) == "first"
    change(aws, ref, "second")
    assert await reader.text(ref) == "first"
    now[0] += CACHE_SECONDS + 1
    assert await reader.text(ref) == "second"


async def test_a_context_key_is_plain_text_or_a_pair(aws: Aws) -> None:
    reader = SecretReader(AwsClients(REGION))
    plain = await reader.context_keys(make(aws, "k" * 48))
    pair = await reader.context_keys(make(aws, json.dumps({"current": "n" * 48, "previous": "k" * 48})))

    assert plain.accepted == (b"k" * 48,)
    assert pair.accepted == (b"n" * 48, b"k" * 48)


async def test_a_context_key_that_was_replaced_stays_valid_until_the_next_one(aws: Aws) -> None:
    ref = make(aws, "a" * 48)
    assert (await SecretReader(AwsClients(REGION)).context_keys(ref)).accepted == (b"a" * 48,)
    change(aws, ref, "b" * 48)
    assert (await SecretReader(AwsClients(REGION)).context_keys(ref)).accepted == (b"b" * 48, b"a" * 48)
    change(aws, ref, "c" * 48)
    assert (await SecretReader(AwsClients(REGION)).context_keys(ref)).accepted == (b"c" * 48, b"b" * 48)


@pytest.mark.parametrize("value", ['{"database_password": "hidden"}', "hidden", "[1, 2]", '{"hidden'])
async def test_a_secret_of_another_form_is_refused_without_being_shown(aws: Aws, value: str) -> None:
    with pytest.raises(SecretError) as refusal:
        await SecretReader(AwsClients(REGION)).workload(make(aws, value))

    assert "hidden" not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__


async def test_a_secret_that_does_not_exist_is_named_with_a_remedy(aws: Aws) -> None:
    missing = SecretRef(arn="arn:aws:secretsmanager:ap-south-1:123456789012:secret:none", region=REGION)

    with pytest.raises(SecretError, match="deploy the region's stack"):
        await SecretReader(AwsClients(REGION)).text(missing)
