import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import dataplane
from local.aws.overlay import Overlay
from local.dataplane import SettingsError
from local.ports import FRONT, KAFKA, POSTGRES, S3, SENTINELS, table
from regions import names
from regions.buckets import BUCKETS
from regions.catalogue import CATALOGUE
from services.contracts import settings as contract
from services.contracts.settings import (
    BucketSettings,
    CacheSettings,
    CellSettings,
    DatabaseSettings,
    Endpoint,
    HostSettings,
    KafkaSettings,
    QueueSettings,
    SecretRef,
    TokenSettings,
)
from services.contracts.workloads import WORKLOADS


def declared(cell: str) -> CellSettings:
    """As a region's stack exports them on AWS."""
    region = CATALOGUE.get(cell)

    def secret(purpose: str) -> SecretRef:
        arn = f"arn:aws:secretsmanager:{region.code}:123456789012:secret:{names.secret(region, purpose)}"
        return SecretRef(arn=arn, region=region.code)

    far = Endpoint(host=f"{cell}.rds.amazonaws.com", port=5432)
    return CellSettings(
        cell=cell,
        region=region.code,
        account="123456789012",
        domain="meridian.example",
        transcoder="ffmpeg",
        rendition_minutes=1_000,
        database=DatabaseSettings(
            name="meridian", writer=far, readers=(far, far), tls="verify-ca", owner=secret("database-owner")
        ),
        cache=CacheSettings(mode="cluster", endpoints=(far,), master_name=names.cache(region), tls=True),
        kafka=KafkaSettings(brokers=(far,), auth="iam", tls=True, replication_factor=3),
        buckets=BucketSettings(uploads=f"u-{cell}", media=f"m-{cell}", page=f"p-{cell}"),
        queues=QueueSettings(transcode="https://sqs/t", transcode_dead="https://sqs/d"),
        tokens=TokenSettings(key_arn="arn:key", issuer="https://api.meridian.example", audience="a"),
        hosts=HostSettings(api="https://api.meridian.example", media="https://m", page="https://w"),
        secrets={name: secret(name) for name in ("context", *(workload.name for workload in WORKLOADS))},
    )


def test_on_this_machine_a_cell_is_on_the_loopback_and_everything_else_stays_as_it_was_declared() -> None:
    ports = table(21_000, ["mumbai", "singapore"])
    before = declared("mumbai")
    after = dataplane.localised(before, ports)
    assert after.database.writer == Endpoint(host="127.0.0.1", port=ports.of(POSTGRES[0], "mumbai"))
    assert [reader.port for reader in after.database.readers] == [ports.of(p, "mumbai") for p in POSTGRES[1:]]
    assert after.database.owner == before.database.owner
    assert after.cache.mode == "sentinel"
    assert [endpoint.port for endpoint in after.cache.endpoints] == [ports.of(p, "mumbai") for p in SENTINELS]
    assert (after.kafka.auth, after.kafka.tls, after.kafka.replication_factor) == ("plain", False, 1)
    assert after.kafka.brokers == (Endpoint(host="127.0.0.1", port=ports.of(KAFKA, "mumbai")),)
    assert after.hosts.api == f"https://localhost:{ports.of(FRONT)}"
    assert after.hosts.s3 == f"https://localhost:{ports.of(S3)}"
    assert {name: len(found) for name, found in after.services.items()} == {
        workload.name: workload.local_instances for workload in WORKLOADS
    }
    changed = {"database", "cache", "kafka", "hosts", "services"}
    assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)
    assert CellSettings.model_validate_json(after.model_dump_json()) == after


@given(cells=st.lists(st.sampled_from(CATALOGUE.names), min_size=1, unique=True))
def test_every_process_knows_every_running_cell_and_all_buckets_are_written_by_one_of_them(cells: list[str]) -> None:
    ports = table(21_000, cells)
    composed = dataplane.platform_settings(tuple(dataplane.localised(declared(cell), ports) for cell in ports.cells))
    assert set(composed) == set(cells)
    for cell, value in composed.items():
        assert value.own.cell == cell
        assert set(value.cells) == set(cells)
        shards = value.shards.map()
        assert {shards.writer_of(bucket) for bucket in range(BUCKETS)} <= set(cells)
        for peer in value.peers.values():
            assert peer.database == composed[peer.cell].own.database


def test_a_settings_file_is_private_and_what_services_load(tmp_path: Path) -> None:
    ports = table(21_000, ["mumbai"])
    composed = dataplane.platform_settings((dataplane.localised(declared("mumbai"), ports),))
    file = dataplane.write_settings(composed, tmp_path)["mumbai"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert contract.load(str(file)) == composed["mumbai"]


def test_settings_that_services_would_not_parse_are_refused_with_the_stack_that_exports_them() -> None:
    broken = declared("mumbai").model_dump(mode="json") | {"database": {"name": "x"}}
    with pytest.raises(SettingsError, match=r"stack mumbai (?s:.*)database.writer"):
        dataplane.parse("mumbai", broken)
    with pytest.raises(SettingsError, match="stack mumbai"):
        dataplane.parse("mumbai", None)


def test_the_provider_reads_the_addresses_of_running_cells_from_the_overlay_and_leaves_others_alone(
    tmp_path: Path,
) -> None:
    ports = table(21_000, ["mumbai"])
    overlay = Overlay(str(dataplane.write_overlay(ports, tmp_path)))
    region = CATALOGUE.get("mumbai")
    token = "aws:rds/instance:Instance"
    emulated = {"address": "emulated", "port": 5432, "arn": "kept"}
    found = overlay.applied(token, region.code, (names.database_replica(region, 2),), emulated)
    port = ports.of(POSTGRES[2], "mumbai")
    assert found == {"address": "127.0.0.1", "endpoint": f"127.0.0.1:{port}", "port": port, "arn": "kept"}
    other = CATALOGUE.get("oregon")
    assert overlay.applied(token, other.code, (names.database(other),), emulated) == emulated


def test_an_unchanged_overlay_is_not_written_again(tmp_path: Path) -> None:
    ports = table(21_000, ["mumbai"])
    file = dataplane.write_overlay(ports, tmp_path)
    before = file.stat()
    dataplane.write_overlay(ports, tmp_path)
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert all(key.count("|") == 2 for key in json.loads(file.read_text()))


def test_the_operators_password_is_made_once_and_private(tmp_path: Path) -> None:
    first = dataplane.operator_password(tmp_path)
    assert len(first) >= 40
    assert dataplane.operator_password(tmp_path) == first
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
