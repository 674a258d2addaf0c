"""The meeting of what is declared and what runs: addresses for the stacks, settings and passwords for the processes.

Owns the overlay (what the stacks see as endpoints of their databases, caches, brokers and load balancers), the settings
file of each running cell, and the passwords that its servers are initialised with. Does not own ports (``ports``) nor
how a server is started (``processes``).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from local import paths
from local.aws_access import Emulated, EmulatorError
from local.ports import (
    EDGE,
    FRONT,
    KAFKA,
    LOOPBACK,
    POSTGRES,
    POSTGRES_COPY,
    S3,
    SENTINELS,
    VALKEY,
    PortTable,
    instance_name,
)
from local.processes.credentials import CellCredentials, Login, WorkloadPasswords
from regions import names
from regions.buckets import HOMES, deal, written
from regions.catalogue import CATALOGUE
from regions.writers import Record
from services.common.secrets import OwnerSecret, WorkloadSecret
from services.contracts.settings import (
    CacheSettings,
    CellSettings,
    DatabaseSettings,
    Endpoint,
    HostSettings,
    KafkaSettings,
    Peer,
    PlatformSettings,
    SecretRef,
    Shards,
)
from services.contracts.workloads import WORKLOADS

BROWSER_HOST = "localhost"
"""Browsers treat it as secure, and the certificate names it."""


class SettingsError(Exception):
    """A region stack's output ``settings`` is not what services parse."""


def overlay(ports: PortTable, record: Record | None = None) -> dict[str, dict[str, JsonValue]]:
    """What the declared resources of the running cells report as their endpoints; see ``local.aws.overlay``."""
    table: dict[str, dict[str, JsonValue]] = {}
    for name in ports.cells:
        region = CATALOGUE.get(name)
        built = (record or Record()).seats(name).built_in(name)
        databases = [
            (names.database(region, built), POSTGRES[0]),
            (names.database_replica(region, 1, built), POSTGRES[1]),
            (names.database_replica(region, 2, built), POSTGRES[2]),
        ]
        for home in CATALOGUE.regions:
            if CATALOGUE.replicates_to(home, region) and home.name in ports.cells:
                term = (record or Record()).seats(home.name).built_in(name)
                databases.append((names.database_copy(home, region, term), POSTGRES_COPY))
        for identifier, part in databases:
            port = ports.of(part, name)
            table[f"aws:rds/instance:Instance|{region.code}|{identifier}"] = {
                "address": LOOPBACK,
                "endpoint": f"{LOOPBACK}:{port}",
                "port": port,
            }
        cache = ports.of(VALKEY[0], name)
        table[f"aws:elasticache/replicationGroup:ReplicationGroup|{region.code}|{names.cache(region)}"] = {
            "primaryEndpointAddress": LOOPBACK,
            "readerEndpointAddress": LOOPBACK,
            "configurationEndpointAddress": LOOPBACK,
            "port": cache,
        }
        table[f"aws:msk/cluster:Cluster|{region.code}|{names.kafka(region)}"] = {
            "bootstrapBrokersSaslIam": f"{LOOPBACK}:{ports.of(KAFKA, name)}",
        }
        table[f"aws:lb/loadBalancer:LoadBalancer|{region.code}|{names.load_balancer(region)}"] = {
            "dnsName": BROWSER_HOST,
        }
    return table


def write_overlay(ports: PortTable, home: Path, record: Record | None = None) -> Path:
    """The overlay as a file. An unchanged one is left alone."""
    file = home / "dataplane.json"
    content = json.dumps(overlay(ports, record), indent=1, sort_keys=True)
    if not file.is_file() or file.read_text(encoding="utf-8") != content:
        paths.write_private(file, content)
    return file


def parse(cell: str, output: object) -> CellSettings:
    """The stack's output ``settings``. Raises `SettingsError`."""
    try:
        return CellSettings.model_validate(output)
    except ValidationError as error:
        raise SettingsError(f"the output `settings` of stack {cell} is not what services parse: {error}") from error


def localised(declared: CellSettings, ports: PortTable, record: Record | None = None) -> CellSettings:
    """A cell's settings as they are on this machine, by what was recorded of its database. Repeatable.
    Every difference from AWS stands here, and nowhere else.

    Databases, brokers and caches are the loopback's, without TLS; Valkey is found through Sentinel instead of a
    cluster's configuration endpoint, and Kafka takes passwords instead of IAM's tokens; people come through the front.
    """
    cell, known = declared.cell, record or Record()
    seats = known.seats(cell)

    def at(part: str, where: str = cell) -> Endpoint:
        return Endpoint(host=LOOPBACK, port=ports.of(part, where))

    promoted = seats.writer != cell
    here = () if cell in known.lost else POSTGRES if promoted else POSTGRES[1:]

    front = f"https://{BROWSER_HOST}:{ports.of(FRONT)}"
    return declared.model_copy(
        update={
            "database": DatabaseSettings(
                name=declared.database.name,
                writer=at(POSTGRES_COPY, seats.writer) if promoted else at(POSTGRES[0]),
                readers=tuple(at(part) for part in here),
                tls="disable",
                owner=declared.database.owner,
            ),
            "cache": CacheSettings(
                mode="sentinel",
                endpoints=tuple(at(part) for part in SENTINELS),
                master_name=declared.cache.master_name,
                tls=False,
            ),
            "kafka": KafkaSettings(brokers=(at(KAFKA),), auth="plain", tls=False, replication_factor=1),
            "hosts": HostSettings(api=front, media=front, page=front, s3=f"https://{BROWSER_HOST}:{ports.of(S3)}"),
            "services": {
                workload.name: tuple(
                    at(instance_name(workload.name, number, workload.local_instances))
                    for number in range(workload.local_instances)
                )
                for workload in WORKLOADS
            },
        }
    )


def platform_settings(cells: Sequence[CellSettings], record: Record | None = None) -> dict[str, PlatformSettings]:
    """What each cell's processes are started with, by cell. ``cells`` are localised; the buckets of cells that this
    installation does not have are dealt among them."""
    known = record or Record()
    shards = Shards.of(deal(tuple(cell.cell for cell in cells), written(HOMES, known)))
    return {
        own.cell: PlatformSettings(
            own=own,
            peers={
                peer.cell: Peer(cell=peer.cell, region=peer.region, database=peer.database, secrets=peer.secrets)
                for peer in cells
                if peer.cell != own.cell
            },
            shards=shards,
            copied=known.copied,
        )
        for own in cells
    }


def write_settings(settings: Mapping[str, PlatformSettings], home: Path) -> dict[str, Path]:
    """The settings file of each cell, by cell; only the owner may read them."""
    directory = paths.private_directory(home / "settings")
    files: dict[str, Path] = {}
    for cell, value in settings.items():
        files[cell] = directory / f"{cell}.json"
        paths.write_private(files[cell], value.model_dump_json(indent=1))
    return files


def operator_password(home: Path) -> str:
    """The password of this installation's own access to its servers, made once."""
    file = home / "operator.password"
    if not file.is_file():
        paths.write_private(file, secrets.token_urlsafe(32))
    return file.read_text(encoding="utf-8")


def credentials(own: CellSettings, aws: Emulated, operator: str) -> CellCredentials:
    """The passwords in the cell's secrets. Raises `local.aws_access.EmulatorError`."""
    owner = _read(OwnerSecret, own.database.owner, aws)
    workloads = {
        workload.name: _read(WorkloadSecret, own.secrets[workload.name], aws)
        for workload in WORKLOADS
        if workload.name in own.secrets
    }
    return CellCredentials(
        owner=Login(owner.username, owner.password.get_secret_value()),
        workloads={
            name: WorkloadPasswords(
                database=secret.database_password.get_secret_value(),
                cache=secret.cache_password.get_secret_value(),
                kafka=secret.kafka_password.get_secret_value(),
            )
            for name, secret in workloads.items()
        },
        operator=operator,
    )


_S = TypeVar("_S", OwnerSecret, WorkloadSecret)


def _read(model: type[_S], ref: SecretRef, aws: Emulated) -> _S:
    text = aws.secret(ref.arn, ref.region)
    try:
        return model.model_validate_json(text)
    except ValidationError:
        # The cause would quote the secret.
        fields = ", ".join(model.model_fields)
        raise EmulatorError(
            f"the secret {ref.arn} is not JSON with {fields}; deploy the region's stack again"
        ) from None


def urls(ports: PortTable) -> dict[str, str]:
    """What a person may open: the front, and each cell directly."""
    found = {FRONT: f"https://{BROWSER_HOST}:{ports.of(FRONT)}"}
    for cell in ports.cells:
        found[cell] = f"https://{BROWSER_HOST}:{ports.of(EDGE, cell)}"
    return found
