"""After a recorded promotion and its deployment nothing is left to do: the real engine on an emulated AWS says so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import boto3

from local.engine.results import Result
from local.installation import project
from regions import writers
from regions.catalogue import CATALOGUE
from regions.writers import Record
from tests.footprint.deployment import attached, emulated

STACKS = ("global", "mumbai", "singapore", "links-mumbai-singapore")
"""What a loss of Mumbai touches."""


def changes(results: tuple[Result, ...]) -> Counter[str]:
    found: Counter[str] = Counter()
    for result in results:
        found.update(result.changes)
    return found


def test_the_promoted_database_is_neither_replaced_nor_destroyed_and_the_next_preview_is_empty(tmp_path: Path) -> None:
    record = tmp_path / "writers.json"
    record.write_text(writers.dumps(Record()))
    with emulated("moto", tmp_path) as url:
        # With deletion protection, as on an account.
        with attached(tmp_path, project(), name="moto", url=url, writers=record) as deployment:
            runner = deployment.runner
            runner.up_all(STACKS)
            rds = boto3.client(
                "rds",
                region_name=CATALOGUE.get("singapore").code,
                endpoint_url=url,
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
            rds.promote_read_replica(DBInstanceIdentifier="meridian-mumbai-in-singapore")
            record.write_text(writers.dumps(writers.lose(Record(), "mumbai")))
            promoted = runner.up_all(STACKS)
            steps = {step.name: step.op for result in promoted for step in result.steps if step.op != "same"}
            assert steps["mumbai-to-singapore-database"] == "update"
            assert steps["mumbai-to-singapore-writer"] == "update"
            assert steps.pop("mumbai-to-singapore-database-lag") == "delete"
            assert not set(steps.values()) & {"delete", "replace", "create-replacement", "delete-replaced"}
            assert set(changes(runner.preview_all(STACKS))) == {"same"}
        (instance,) = rds.describe_db_instances(DBInstanceIdentifier="meridian-mumbai-in-singapore")["DBInstances"]
        assert instance["DeletionProtection"]
        assert not instance.get("ReadReplicaSourceDBInstanceIdentifier")
