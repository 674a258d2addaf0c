"""The border to the emulator: cached clients per (service, region), and errors that say what failed.

Owns connections.  Knows nothing of Pulumi and of resource types.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Protocol

from botocore import xform_name
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from local.aws.engine.models import session
from local.aws.engine.wire import Properties

_ABSENT = re.compile(r"NotFound|NoSuch|NotExist|Nonexist|NonExist|^404$|UnknownResource", re.IGNORECASE)
_BARE_AMPERSAND = re.compile(rb"&(?![a-zA-Z]+;|#)")
_ACCOUNT_HOST = re.compile(r"//\d{12}\.")
_PAUSES = (0.2, 0.5, 1.0)
"""Seconds before an operation is tried again whose answer was unreadable."""
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=120,
    retries={"max_attempts": 4, "mode": "standard"},
    max_pool_connections=32,
    s3={"addressing_style": "path"},
    inject_host_prefix=False,
)


class AwsError(Exception):
    """An AWS operation failed.  `code` is the API's error code, or the kind of failure on this side."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation} failed with {code}: {message}")
        self.operation, self.code = operation, code

    @property
    def absent(self) -> bool:
        """True when the error says that the resource does not exist."""
        return bool(_ABSENT.search(self.code))


class EmulatorDownError(AwsError):
    """The endpoint does not answer."""

    def __init__(self, operation: str, endpoint: str, cause: Exception) -> None:
        super().__init__(
            operation,
            "EndpointConnectionError",
            f"the emulated AWS at {endpoint} does not answer ({type(cause).__name__}); "
            "start it with `make up`, or set AWS_ENDPOINT_URL to the one that runs",
        )


class Aws(Protocol):
    """The calls that the lifecycle makes."""

    def call(self, service: str, region: str, operation: str, params: Mapping[str, object]) -> Properties:
        """The answer of one operation; raises AwsError."""

    def read(self, service: str, region: str, operation: str, params: Mapping[str, object]) -> Properties:
        """The same with all pages of a listing together."""

    @property
    def account(self) -> str:
        """The account id of the emulator."""


class Clients:
    """boto3's clients against one endpoint; safe to share between threads."""

    def __init__(self, endpoint: str, *, access_key: str = "test", secret_key: str = "test") -> None:  # noqa: S107 - emulators accept any; the words are their own documented default
        self.endpoint = endpoint
        self._keys = (access_key, secret_key)
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self._account = ""

    def call(self, service: str, region: str, operation: str, params: Mapping[str, object]) -> Properties:
        """One operation; `ResponseMetadata` is taken out of the answer."""
        client = self._client(service, region)
        return self._guarded(operation, lambda: getattr(client, xform_name(operation))(**params))

    def read(self, service: str, region: str, operation: str, params: Mapping[str, object]) -> Properties:
        """One reading operation with all its pages."""
        client, method = self._client(service, region), xform_name(operation)
        if not client.can_paginate(method):
            return self.call(service, region, operation, params)
        pages = client.get_paginator(method)
        return self._guarded(operation, lambda: pages.paginate(**params).build_full_result())

    @property
    def account(self) -> str:
        """The emulator's account id, asked once."""
        if not self._account:
            self._account = str(self.call("sts", "us-east-1", "GetCallerIdentity", {})["Account"])
        return self._account

    def _client(self, service: str, region: str) -> BaseClient:
        with self._lock:
            key = (service, region)
            if key not in self._clients:
                client = session().create_client(
                    service,
                    region_name=region,
                    endpoint_url=self.endpoint,
                    aws_access_key_id=self._keys[0],
                    aws_secret_access_key=self._keys[1],
                    config=_CONFIG,
                )
                # S3 Control puts the account before the host, and no such name exists on the loopback.
                client.meta.events.register("before-sign", _without_account_host)
                client.meta.events.register("before-parse.elasticache", _escaped)
                self._clients[key] = client
            return self._clients[key]

    def _guarded(self, operation: str, action: Action) -> Properties:
        try:
            answer = _readable(action)
        except ClientError as error:
            detail = error.response.get("Error", {})
            raise AwsError(operation, str(detail.get("Code", "")), str(detail.get("Message", ""))) from error
        except (NoConnectionError, HTTPClientError) as error:
            raise EmulatorDownError(operation, self.endpoint, error) from error
        except ResponseParserError as error:
            raise AwsError(
                operation, "Unreadable", f"the emulator's answer is no answer of this operation: {error}"[:400]
            ) from error
        except BotoCoreError as error:
            raise AwsError(operation, type(error).__name__, str(error)) from error
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def _readable(action: Action) -> Mapping[str, object]:
    """An answer that can be read. A crash of the emulator's handler is a page in HTML, which botocore does not try again.

    moto's handlers crash when two of them walk the same dictionary, before they change anything.
    """
    for pause in _PAUSES:
        try:
            return action()
        except ResponseParserError:
            time.sleep(pause)
    return action()


def _without_account_host(request: AWSRequest, **_: object) -> None:
    request.url = _ACCOUNT_HOST.sub("//", request.url, count=1)


def _escaped(response_dict: dict[str, object], **_: object) -> None:
    """MiniStack 1.5.33 puts access strings (`&*`) into its XML as they are."""
    body = response_dict.get("body")
    if isinstance(body, bytes):
        response_dict["body"] = _BARE_AMPERSAND.sub(b"&amp;", body)


class Offline:
    """No emulator at all: enough to check and to preview, everything else fails with the remedy."""

    account = "000000000000"

    def call(self, service: str, region: str, operation: str, params: Mapping[str, object]) -> Properties:  # noqa: ARG002 - the protocol's
        """Raises AwsError."""
        raise AwsError(operation, "Offline", "the provider runs without an emulator; set AWS_ENDPOINT_URL to one")

    read = call


class Action(Protocol):
    """A call that is ready to be made."""

    def __call__(self) -> Properties:
        """The answer."""
