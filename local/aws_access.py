"""Access to the emulated AWS: where it listens and the credentials that open nothing.

Owns the environment that turns an AWS client towards the emulator. An account of AWS is never touched: what the caller's
own environment says of AWS is not inherited.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from local.ports import LOOPBACK
from regions.catalogue import HOME_CODE

ACCOUNT = "000000000000"
"""The account of the emulators' dummy credentials, in all three of them."""


RESTART_SECONDS: Final = 60.0
"""How long an emulator that was killed may take until its supervisor has it back."""
_PAUSE: Final = 0.5
_T = TypeVar("_T")


class EmulatorError(Exception):
    """The emulated AWS does not answer as it must; the message says what was asked and what to do."""


class SecretsManager(Protocol):
    """What is used of boto3's client."""

    def get_secret_value(self, *, SecretId: str) -> Mapping[str, str]:  # noqa: N803 - the API's own name
        """The secret's current value."""


class ParameterStore(Protocol):
    """What is used of boto3's client."""

    def get_parameter(self, *, Name: str) -> Mapping[str, Mapping[str, str]]:  # noqa: N803 - the API's own name
        """One parameter."""

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> object:  # noqa: N803 - the same
        """Write one parameter."""


@dataclass(frozen=True, slots=True)
class Emulated:
    """The emulated AWS on ``port``."""

    port: int

    @property
    def endpoint(self) -> str:
        """Its URL, for all services and regions."""
        return f"http://{LOOPBACK}:{self.port}"

    def environment(self, region: str) -> dict[str, str]:
        """Variables that turn boto3 and the AWS CLI towards it; ``region`` is an AWS code."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def secret(self, arn: str, region: str) -> str:
        """A secret's text. Raises `EmulatorError`."""
        client = cast(SecretsManager, self._client("secretsmanager", region))
        return _asked(f"the secret {arn}", lambda: client.get_secret_value(SecretId=arn)["SecretString"])

    def parameter(self, name: str) -> str | None:
        """A parameter of the home region, or None if there is none. Raises `EmulatorError`."""
        client = cast(ParameterStore, self._client("ssm", HOME_CODE))
        try:
            return _patiently(lambda: client.get_parameter(Name=name)["Parameter"]["Value"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ParameterNotFound":
                return None
            raise EmulatorError(f"the emulated AWS does not show the parameter {name}: {error}") from error
        except BotoCoreError as error:
            raise EmulatorError(f"the emulated AWS does not answer: {error}") from error

    def write_parameter(self, name: str, value: str) -> None:
        """Write a parameter of the home region. Raises `EmulatorError`."""
        client = cast(ParameterStore, self._client("ssm", HOME_CODE))
        _asked(
            f"the parameter {name}",
            lambda: client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True),
        )

    def _client(self, service: str, region: str) -> object:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - what every emulator takes
            config=Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard", "max_attempts": 3}),
        )


def _asked(what: str, call: Callable[[], _T]) -> _T:
    try:
        return _patiently(call)
    except (ClientError, BotoCoreError, KeyError) as error:
        raise EmulatorError(f"the emulated AWS does not give {what}: {error}. Repeat `make up`.") from error


def _patiently(call: Callable[[], _T]) -> _T:
    """The answer, also of one that is just being restarted. Raises what ``call`` raises, in the end."""
    end = time.monotonic() + RESTART_SECONDS
    while True:
        try:
            return call()
        except (NoConnectionError, HTTPClientError):
            if time.monotonic() > end:
                raise
            time.sleep(_PAUSE)
