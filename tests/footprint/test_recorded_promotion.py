"""After a recorded promotion and its deployment nothing is left to do: the real engine says so.

The operator promotes the copy by hand before recording it. The emulator has no copies across regions, so the provider
keeps this one in its ledger (`local.aws.gaps`), and there is nothing to promote by hand here.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from local.engine.results import Result
from local.installation import DISPOSABLE, project
from regions import writers
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
    with (
        emulated("moto", tmp_path) as url,
        # With deletion protection, as on an account.
        attached(tmp_path, project(), name="moto", url=url, writers=record) as deployment,
    ):
        runner = deployment.runner
        runner.up_all(STACKS)
        record.write_text(writers.dumps(writers.lose(Record(), "mumbai")))
        promoted = runner.up_all(STACKS)
        steps = {step.name: step.op for result in promoted for step in result.steps if step.op != "same"}
        assert steps["mumbai-to-singapore-database"] == "update"
        assert steps["mumbai-to-singapore-writer"] == "update"
        assert steps.pop("mumbai-to-singapore-database-lag") == "delete"
        # The services' settings are an immutable config map with another name for other contents.
        replaced = {name for name, op in steps.items() if op not in {"read", "update"}}
        assert replaced
        assert all(name.endswith("configmap-settings") for name in replaced)
        assert set(changes(runner.preview_all(STACKS))) == {"same"}


def test_a_region_that_returned_has_a_successor_with_replicas_and_the_next_preview_is_empty(tmp_path: Path) -> None:
    record = tmp_path / "writers.json"
    record.write_text(writers.dumps(Record()))
    with (
        emulated("moto", tmp_path) as url,
        # Without protection, which an operator takes off the old primary by hand (docs/region-loss.md).
        attached(tmp_path, project(DISPOSABLE), name="moto", url=url, writers=record) as deployment,
    ):
        runner = deployment.runner
        runner.up_all(STACKS)
        lost = writers.lose(Record(), "mumbai")
        record.write_text(writers.dumps(lost))
        runner.up_all(STACKS)
        back = writers.bring_back(lost, "mumbai")
        record.write_text(writers.dumps(back))
        steps = {step.name: step.op for result in runner.up_all(STACKS) for step in result.steps if step.op != "same"}
        instances = {
            name: op for name, op in steps.items() if name.startswith("database-") and "postgresql" not in name
        }
        new, old = ("primary-t2", "replica-1-t2", "replica-2-t2"), ("primary", "replica-1", "replica-2")
        assert {name for name, op in instances.items() if op == "create"} >= {f"database-{name}" for name in new}
        assert {name for name, op in instances.items() if op == "delete"} >= {f"database-{name}" for name in old}
        record.write_text(writers.dumps(writers.settle(back, "mumbai")))
        runner.up_all(STACKS)
        assert set(changes(runner.preview_all(STACKS))) == {"same"}
