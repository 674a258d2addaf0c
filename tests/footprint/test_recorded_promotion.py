"""After a recorded promotion and its deployment nothing is left to do: the real engine says so.

The operator promotes the copy by hand before recording it. The emulator has no copies across regions, so the provider
keeps this one in its ledger (`local.aws.gaps`), and there is nothing to promote by hand here.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from local.engine.results import Result
from local.installation import project
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
