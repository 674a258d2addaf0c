"""The settings file of a cell's pods: the cell's own settings, the other cells, and the shard map.

Pure. Other cells are named by contract (hosts, secrets), not by their stacks' outputs: no region's stack waits for
another's. Owns how the file is composed; its shape is `services.contracts.settings.PlatformSettings`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from regions import names
from regions.buckets import SHARD_MAP
from regions.catalogue import CATALOGUE, Catalogue, Region
from regions.writers import RECORD
from services.contracts.settings import (
    CellSettings,
    DatabaseSettings,
    Endpoint,
    Peer,
    PlatformSettings,
    SecretRef,
    Shards,
)
from services.contracts.workloads import WORKLOADS
from stacks.permissions import CONTEXT_SECRET, OWNER_SECRET


def compose(own: Mapping[str, Any], catalogue: Catalogue = CATALOGUE) -> str:
    """The file's text. ``own``: the output ``settings`` of the cell's stack."""
    cell = CellSettings.model_validate(own)
    peers = {region.name: _peer(region, cell) for region in catalogue.regions if region.name != cell.cell}
    shards = Shards.of(SHARD_MAP)
    return PlatformSettings(own=cell, peers=peers, shards=shards, copied=RECORD.copied).model_dump_json()


def fingerprint(text: str) -> str:
    """Changes whenever ``text`` does; short enough for an annotation."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _peer(region: Region, own: CellSettings) -> Peer:
    """Writes go to whatever the writer's name resolves to; reads of another cell's rows go there as well."""
    writer = Endpoint(host=names.Hosts(own.domain).writer(region), port=own.database.writer.port)
    purposes = (CONTEXT_SECRET, *(workload.name for workload in WORKLOADS))
    return Peer(
        cell=region.name,
        region=region.code,
        database=DatabaseSettings(
            name=own.database.name,
            writer=writer,
            readers=(),
            tls=own.database.tls,
            authorities=own.database.authorities,
            owner=_secret(region, OWNER_SECRET, own.account),
        ),
        secrets={purpose: _secret(region, purpose, own.account) for purpose in purposes},
    )


def _secret(region: Region, purpose: str, account: str) -> SecretRef:
    """By an ARN without the six characters that Secrets Manager appends, which it resolves as well."""
    name = names.secret(region, purpose)
    return SecretRef(arn=f"arn:aws:secretsmanager:{region.code}:{account}:secret:{name}", region=region.code)
