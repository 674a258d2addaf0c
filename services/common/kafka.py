"""How Kafka is reached, from the settings: SASL/PLAIN, or a signed token for MSK's IAM.

Owns no client, topic or event: whoever produces or consumes sets the client up for what it promises.
"""

from __future__ import annotations

import base64
import ssl
from datetime import UTC, datetime
from typing import TypedDict
from urllib.parse import parse_qs, urlsplit

import boto3
from aiokafka.abc import AbstractTokenProvider
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from services.common.aws import in_thread
from services.common.database import Login
from services.contracts.settings import KafkaSettings

TOKEN_SECONDS = 900
"""Life of a signed token; what MSK's own signer uses."""


def msk_token(region: str, credentials: Credentials) -> str:
    """The OAUTHBEARER token of MSK: a presigned ``kafka-cluster:Connect`` in unpadded base64url.

    Form: the presigned URL that the MSK IAM SASL signer documents
    (https://github.com/aws/aws-msk-iam-sasl-signer-python), with the client named.
    """
    host = f"kafka.{region}.amazonaws.com"
    request = AWSRequest(method="GET", url=f"https://{host}/?Action=kafka-cluster%3AConnect")
    SigV4QueryAuth(credentials, "kafka-cluster", region, expires=TOKEN_SECONDS).add_auth(request)
    signed = f"{request.url}&User-Agent=meridian"
    return base64.urlsafe_b64encode(signed.encode("ascii")).rstrip(b"=").decode("ascii")


def token_expiry(token: str) -> datetime:
    """When a token of `msk_token` ends."""
    url = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    query = parse_qs(urlsplit(url).query)
    signed_at = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return datetime.fromtimestamp(signed_at.timestamp() + int(query["X-Amz-Expires"][0]), UTC)


class MskTokenProvider(AbstractTokenProvider):  # type: ignore[misc] # aiokafka publishes no types
    """Signs a fresh token for each connection with the credentials of the process."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._session = boto3.session.Session(region_name=region)

    async def token(self) -> str:
        """A token. Raises RuntimeError if the process has no AWS credentials."""
        return await in_thread(self._sign)

    def _sign(self) -> str:
        credentials = self._session.get_credentials()
        if credentials is None:
            raise RuntimeError("no AWS credentials to sign the Kafka token with; give the workload its role")
        frozen = credentials.get_frozen_credentials()
        return msk_token(self._region, Credentials(frozen.access_key, frozen.secret_key, frozen.token))


class ConnectionArguments(TypedDict, total=False):
    """What producer and consumer have in common."""

    bootstrap_servers: list[str]
    client_id: str
    security_protocol: str
    ssl_context: ssl.SSLContext
    sasl_mechanism: str
    sasl_plain_username: str
    sasl_plain_password: str
    sasl_oauth_token_provider: MskTokenProvider


def connection_arguments(settings: KafkaSettings, login: Login, region: str, client_id: str) -> ConnectionArguments:
    """How to connect to the brokers of ``settings``; ``region`` is the AWS code that IAM tokens are signed for."""
    arguments = ConnectionArguments(
        bootstrap_servers=[f"{endpoint.host}:{endpoint.port}" for endpoint in settings.brokers],
        client_id=client_id,
        security_protocol="SASL_SSL" if settings.tls else "SASL_PLAINTEXT",
    )
    if settings.tls:
        arguments["ssl_context"] = ssl.create_default_context()
    if settings.auth == "iam":
        arguments["sasl_mechanism"] = "OAUTHBEARER"
        arguments["sasl_oauth_token_provider"] = MskTokenProvider(region)
    else:
        arguments["sasl_mechanism"] = "PLAIN"
        arguments["sasl_plain_username"] = login.user
        arguments["sasl_plain_password"] = login.password
    return arguments
