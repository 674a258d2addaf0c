"""The secrets of a region: generated once, kept in Secrets Manager, never in the clear in the engine's state.

Owns names and contents of secrets. Does not own who may read which (``identity``).
A value is written through a write-only argument, which the provider sends only when its version number changes; so
the fresh random value of every later run goes nowhere. Whoever needs a value in a resource reads it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pulumi
import pulumi_aws as aws

from regions import names
from services.contracts.workloads import WORKLOADS
from stacks.context import CellContext
from stacks.permissions import CONTEXT_SECRET, OWNER_SECRET, PLAYBACK_SECRET

OWNER_USERNAME = "meridian_owner"
PASSWORD_LENGTH = 40
WORKLOAD_FIELDS = ("database_password", "cache_password", "kafka_password")


@dataclass(frozen=True, kw_only=True)
class VaultArgs:
    """What secrets are made with."""

    key_arn: pulumi.Output[str]


class Vault(pulumi.ComponentResource):
    """One region's secrets: ``database-owner``, ``context``, one for each workload, and ``playback``, which is empty."""

    arns: Mapping[str, pulumi.Output[str]]
    """By purpose."""

    def __init__(self, name: str, ctx: CellContext, args: VaultArgs) -> None:
        super().__init__("meridian:region:Vault", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._key_arn = args.key_arn
        self._versions: dict[str, aws.secretsmanager.SecretVersion] = {}
        passwords = ctx.config.passwords
        arns = {
            OWNER_SECRET: self._create_secret(OWNER_SECRET, self._owner(), passwords),
            CONTEXT_SECRET: self._create_secret(CONTEXT_SECRET, self._random(), ctx.config.context_key),
        }
        for workload in WORKLOADS:
            arns[workload.name] = self._create_secret(workload.name, self._workload(), passwords)
        arns[PLAYBACK_SECRET] = self._create_empty(PLAYBACK_SECRET).arn
        self.arns = MappingProxyType(arns)
        self.register_outputs({"arns": dict(arns)})

    def read(self, purpose: str, item: str) -> pulumi.Output[str]:
        """One field of the secret ``purpose`` as it is stored now, marked secret; unknown until it is stored."""
        version = self._versions[purpose]
        stored = aws.secretsmanager.get_secret_version_output(
            secret_id=version.secret_id,
            version_id=version.version_id,
            region=self._ctx.region,
            opts=self._ctx.lookup_output(depends_on=[version]),
        )
        return pulumi.Output.secret(stored.secret_string.apply(lambda text: _field(text, purpose, item)))

    def _owner(self) -> pulumi.Output[str]:
        return self._random().apply(lambda value: json.dumps({"username": OWNER_USERNAME, "password": value}))

    def _workload(self) -> pulumi.Output[str]:
        values = [self._random() for _ in WORKLOAD_FIELDS]
        return pulumi.Output.all(*values).apply(lambda got: json.dumps(dict(zip(WORKLOAD_FIELDS, got, strict=True))))

    def _random(self) -> pulumi.Output[str]:
        result = aws.secretsmanager.get_random_password_output(
            password_length=PASSWORD_LENGTH,
            exclude_punctuation=True,
            require_each_included_type=True,
            region=self._ctx.region,
            opts=self._ctx.lookup_output(),
        )
        return pulumi.Output.secret(result.random_password)

    def _create_empty(self, purpose: str) -> aws.secretsmanager.Secret:
        """A secret whose content no stack knows: for ``playback`` an operator puts private keys in."""
        return aws.secretsmanager.Secret(
            f"{self._name}-{purpose}",
            name=names.secret(self._ctx.cell, purpose),
            description=f"{purpose} of {self._ctx.cell.name}",
            kms_key_id=self._key_arn,
            recovery_window_in_days=30 if self._ctx.protect else 0,
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.stateful(),
        )

    def _create_secret(self, purpose: str, content: pulumi.Output[str], generation: int) -> pulumi.Output[str]:
        secret = self._create_empty(purpose)
        self._versions[purpose] = aws.secretsmanager.SecretVersion(
            f"{self._name}-{purpose}",
            secret_id=secret.id,
            secret_string_wo=content,
            secret_string_wo_version=generation,
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        return secret.arn


def _field(text: str, purpose: str, item: str) -> str:
    value = json.loads(text).get(item)
    if not isinstance(value, str):
        raise pulumi.RunError(
            f"secret {purpose!r} has no field {item!r}: it was changed by hand; raise meridian:passwords to replace it"
        )
    return value
