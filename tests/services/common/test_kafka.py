from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from botocore.credentials import Credentials

from services.common.database import Login
from services.common.kafka import MskTokenProvider, connection_arguments, msk_token, token_expiry
from services.contracts.settings import Endpoint, KafkaSettings
from tests.servers import Aws

BROKERS = (Endpoint(host="b-1.example", port=9098), Endpoint(host="b-2.example", port=9098))


def decoded(token: str) -> str:
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()


def test_the_token_of_msk_is_a_presigned_connect_in_its_region() -> None:
    token = msk_token("eu-central-1", Credentials("AKIDEXAMPLE", "secret", "session"))
    url = urlsplit(decoded(token))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}

    assert "=" not in token
    assert (url.scheme, url.netloc, url.path) == ("https", "kafka.eu-central-1.amazonaws.com", "/")
    assert query["Action"] == "kafka-cluster:Connect"
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Expires"] == "900"
    assert query["X-Amz-SignedHeaders"] == "host"
    assert query["X-Amz-Security-Token"] == "session"
    assert len(query["X-Amz-Signature"]) == 64
    key_id, _, scope = query["X-Amz-Credential"].partition("/")
    assert key_id == "AKIDEXAMPLE"
    assert scope.endswith("/eu-central-1/kafka-cluster/aws4_request")
    assert "secret" not in decoded(token).replace("AKIDEXAMPLE", "")


def test_the_token_ends_after_fifteen_minutes() -> None:
    remaining = token_expiry(msk_token("us-west-2", Credentials("a", "b"))) - datetime.now(UTC)

    assert timedelta(seconds=880) < remaining <= timedelta(seconds=900)


async def test_a_process_signs_with_its_own_credentials(aws: Aws) -> None:
    token = await MskTokenProvider("ap-south-1").token()

    assert "testing%2F" in decoded(token)


async def test_msk_is_reached_by_token_over_tls() -> None:
    settings = KafkaSettings(brokers=BROKERS, auth="iam", tls=True, replication_factor=3)
    arguments = connection_arguments(settings, Login("engagement", "unused"), "ap-south-1", "engagement-0")

    assert arguments["bootstrap_servers"] == ["b-1.example:9098", "b-2.example:9098"]
    assert (arguments["security_protocol"], arguments["sasl_mechanism"]) == ("SASL_SSL", "OAUTHBEARER")
    assert arguments["ssl_context"].check_hostname
    assert "sasl_plain_password" not in arguments


def test_the_local_broker_is_reached_by_password() -> None:
    settings = KafkaSettings(brokers=BROKERS, auth="plain", tls=False, replication_factor=1)
    arguments = connection_arguments(settings, Login("engagement", "word"), "ap-south-1", "engagement-0")

    assert (arguments["security_protocol"], arguments["sasl_mechanism"]) == ("SASL_PLAINTEXT", "PLAIN")
    assert (arguments["sasl_plain_username"], arguments["sasl_plain_password"]) == ("engagement", "word")
