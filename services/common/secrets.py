"""Secrets of a process: read from Secrets Manager by ARN, kept for five minutes. Owns no secret.

A value never appears in a log, an error or a repr.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from services.common.aws import AwsClients, in_thread
from services.common.context import ContextKeys
from services.contracts.settings import SecretRef

CACHE_SECONDS = 300

_M = TypeVar("_M", bound=BaseModel)


class SecretError(RuntimeError):
    """A secret cannot be read or has not the form that it must have. The message names the ARN, never the value."""


class WorkloadSecret(BaseModel):
    """Passwords of one workload; its user name everywhere is its workload name."""

    model_config = ConfigDict(frozen=True)

    database_password: SecretStr
    cache_password: SecretStr
    kafka_password: SecretStr


class OwnerSecret(BaseModel):
    """The role that owns the schemas of a cell's database; used by migrations only."""

    model_config = ConfigDict(frozen=True)

    username: str
    password: SecretStr


class _KeyPair(BaseModel):
    model_config = ConfigDict(frozen=True)

    current: SecretStr
    previous: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    value: str
    read_at: float

    def __repr__(self) -> str:
        return "_Entry(value=…)"


class SecretReader:
    """Reads secrets, several callers of one secret share one request."""

    def __init__(self, aws: AwsClients, clock: Callable[[], float] = time.monotonic) -> None:
        self._aws = aws
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def text(self, ref: SecretRef) -> str:
        """The secret string of ``ref``. Raises `SecretError`."""
        lock = self._locks.setdefault(ref.arn, asyncio.Lock())
        async with lock:
            entry = self._entries.get(ref.arn)
            if entry is None or self._clock() - entry.read_at > CACHE_SECONDS:
                entry = _Entry(await in_thread(self._read, ref), self._clock())
                self._entries[ref.arn] = entry
            return entry.value

    def _previous(self, ref: SecretRef) -> str | None:
        """What the secret held before it was last replaced: Secrets Manager keeps it. None: nothing, or not for us."""
        client = self._aws.client("secretsmanager", ref.region)
        try:
            value = client.get_secret_value(SecretId=ref.arn, VersionStage="AWSPREVIOUS").get("SecretString")
        except (BotoCoreError, ClientError):
            return None
        return value if isinstance(value, str) and value else None

    def _read(self, ref: SecretRef) -> str:
        client = self._aws.client("secretsmanager", ref.region)
        try:
            value = client.get_secret_value(SecretId=ref.arn).get("SecretString")
        except (BotoCoreError, ClientError) as error:
            raise SecretError(
                f"secret {ref.arn} in {ref.region} cannot be read ({type(error).__name__}); "
                "deploy the region's stack and allow this workload secretsmanager:GetSecretValue on it"
            ) from error
        if not isinstance(value, str) or not value:
            raise SecretError(f"secret {ref.arn} in {ref.region} holds no text; deploy the region's stack again")
        return value

    async def workload(self, ref: SecretRef) -> WorkloadSecret:
        """The passwords in ``ref``. Raises `SecretError`."""
        return parsed(WorkloadSecret, await self.text(ref), ref)

    async def owner(self, ref: SecretRef) -> OwnerSecret:
        """The owner's credentials in ``ref``. Raises `SecretError`."""
        return parsed(OwnerSecret, await self.text(ref), ref)

    async def context_keys(self, ref: SecretRef) -> ContextKeys:
        """The context keys in ``ref``: a plain string, or JSON {"current", "previous"}. Raises `SecretError`.

        A plain one that replaced another is joined by that: what was signed before the rotation stays valid.
        """
        text = await self.text(ref)
        if not text.lstrip().startswith("{"):
            before = await in_thread(self._previous, ref)
            if before is None or before == text or before.lstrip().startswith("{"):
                return ContextKeys(text.encode("utf-8"))
            return ContextKeys(text.encode("utf-8"), before.encode("utf-8"))
        pair = parsed(_KeyPair, text, ref)
        previous = pair.previous.get_secret_value().encode("utf-8") if pair.previous else None
        return ContextKeys(pair.current.get_secret_value().encode("utf-8"), previous)


def parsed(model: type[_M], text: str, ref: SecretRef) -> _M:
    """``text`` of the secret ``ref`` as ``model``. Raises `SecretError`, which shows nothing of it."""
    try:
        return model.model_validate(json.loads(text))
    except (ValueError, ValidationError):
        # The cause would quote the value.
        fields = ", ".join(model.model_fields)
        raise SecretError(f"secret {ref.arn} is not JSON with {fields}; deploy the region's stack again") from None
