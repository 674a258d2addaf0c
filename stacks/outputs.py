"""The output ``settings`` of a region: what its services need to know, in the shape that they parse.

Owns how declared resources become `services.contracts.settings.CellSettings`. Values are checked when they are known,
so a stack that exports what no service can load fails its own ``up``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from services.contracts.settings import RDS_AUTHORITIES, CellSettings, Endpoint
from services.contracts.topics import REPLICATION_FACTOR
from services.contracts.workloads import PORT, WORKLOADS
from stacks.config import Origins
from stacks.context import CellContext
from stacks.database import DATABASE_NAME, Database
from stacks.media import Media
from stacks.permissions import CONTEXT_SECRET, OWNER_SECRET, PLAYBACK_SECRET
from stacks.vault import Vault

OUTPUT = "settings"
"""Name of the stack output."""


@dataclass(frozen=True, kw_only=True)
class SettingsParts:
    """The components that settings are read from."""

    database: Database
    promoted: bool
    """Whether the partner's copy of the database was promoted, and writes."""
    cache_endpoint: pulumi.Output[str]
    """Host of Valkey's configuration endpoint."""
    cache_port: pulumi.Output[int]
    cache_name: str
    brokers: pulumi.Output[str]
    """MSK's bootstrap string: ``host:port,host:port``."""
    media: Media
    vault: Vault
    token_key_arn: pulumi.Output[str]
    playback_keys: pulumi.Output[dict[str, str]]
    """Ids of the keys that check playback, by fingerprint; empty: media need no cookie."""
    rendition_minutes: int
    """A day's bound on conversions, as capacity computes it."""
    namespace: str
    """Where the services are in the cluster."""


def origins(ctx: CellContext) -> Origins:
    """Where people reach the deployment: as configured, else the domain's hosts over HTTPS."""
    hosts = ctx.hosts
    return ctx.config.origins or Origins(
        api=f"https://{hosts.api}", media=f"https://{hosts.media}", page=f"https://{hosts.page}"
    )


def export_settings(ctx: CellContext, parts: SettingsParts) -> pulumi.Output[dict[str, Any]]:
    """Export the settings of the cell, and return them."""
    database, media = parts.database, parts.media
    public = origins(ctx)
    raw = {
        "cell": ctx.cell.name,
        "region": ctx.region,
        "account": ctx.account,
        "domain": ctx.config.domain,
        "transcoder": ctx.config.transcoder,
        "rendition_minutes": ctx.config.rendition_minutes or parts.rendition_minutes,
        "converter": None
        if media.converter is None
        else {"queue_arn": media.converter.queue_arn, "role_arn": media.converter.role_arn},
        "database": {
            "name": DATABASE_NAME,
            "writer": {"host": _writer(ctx, parts), "port": database.primary.port},
            "readers": [{"host": replica.address, "port": replica.port} for replica in database.replicas],
            # The writer's name is ours and not in its certificate, so the host is not compared.
            "tls": "verify-ca",
            "authorities": RDS_AUTHORITIES,
            "owner": {"arn": parts.vault.arns[OWNER_SECRET], "region": ctx.region},
        },
        "cache": {
            "mode": "cluster",
            "endpoints": [{"host": parts.cache_endpoint, "port": parts.cache_port}],
            "master_name": parts.cache_name,
            "tls": True,
        },
        "kafka": {
            "brokers": parts.brokers.apply(endpoints),
            "auth": "iam",
            "tls": True,
            "replication_factor": REPLICATION_FACTOR,
        },
        "buckets": {
            "uploads": media.uploads.bucket.bucket,
            "media": media.media.bucket.bucket,
            "page": media.page.bucket.bucket,
        },
        "queues": {"transcode": media.queue.url, "transcode_dead": media.dead.url},
        "tokens": {"key_arn": parts.token_key_arn, "issuer": public.api, "audience": public.api},
        "hosts": public.model_dump(),
        "playback": pulumi.Output.all(keys=parts.playback_keys, arn=parts.vault.arns[PLAYBACK_SECRET]).apply(
            lambda got: playback(got["keys"], got["arn"], ctx.region)
        ),
        "services": {
            workload.name: [{"host": f"{workload.name}.{parts.namespace}.svc.cluster.local", "port": PORT}]
            for workload in WORKLOADS
        },
        "secrets": secrets(parts.vault, ctx.region),
    }
    settings = pulumi.Output.from_input(raw).apply(checked)
    pulumi.export(OUTPUT, settings)
    return settings


def _writer(ctx: CellContext, parts: SettingsParts) -> pulumi.Output[str] | str:
    """The own instance; after a promotion the partner's, by the name that ``links`` gives it."""
    return ctx.hosts.writer(ctx.cell) if parts.promoted else parts.database.primary.address


def playback(keys: Mapping[str, str], arn: str, region: str) -> dict[str, object] | None:
    """Settings of signed playback; None without keys."""
    return {"secret": {"arn": arn, "region": region}, "keys": dict(keys)} if keys else None


def secrets(vault: Vault, region: str) -> Mapping[str, Mapping[str, object]]:
    """References to the secrets that services may read."""
    purposes: Sequence[str] = (CONTEXT_SECRET, *(workload.name for workload in WORKLOADS))
    return {purpose: {"arn": vault.arns[purpose], "region": region} for purpose in purposes}


def endpoints(bootstrap: str) -> list[dict[str, object]]:
    """A bootstrap string as endpoints. Raises `pulumi.RunError` for anything else than ``host:port`` in it."""
    result = []
    for part in bootstrap.split(","):
        host, _, port = part.strip().rpartition(":")
        if not host or not port.isdecimal():
            raise pulumi.RunError(f"the brokers' address {part!r} is not host:port; the cluster is not ready")
        result.append(Endpoint(host=host, port=int(port)).model_dump())
    return result


def checked(raw: Mapping[str, Any]) -> dict[str, Any]:
    """``raw`` as services will parse it. Raises `pulumi.RunError` with the key and the cause."""
    try:
        return CellSettings.model_validate(raw).model_dump(mode="json")
    except ValueError as error:
        raise pulumi.RunError(f"the stack's output `{OUTPUT}` is not what services load: {error}") from None
