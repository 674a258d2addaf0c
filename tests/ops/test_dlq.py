"""``meridian dlq`` on real databases: what it prints, what it changes, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner, Result

from ops.cli import app
from services.contracts import events
from services.contracts.events import Stamp
from services.counters.dead import DeadLetterError
from tests.servers import Cells
from tests.services.counters.platform import Stores, viewed

ONE = UUID(int=1)


@pytest.fixture
def stores(cells: Cells) -> Stores:
    return Stores(cells)


@pytest.fixture
def file(stores: Stores, tmp_path: Path) -> Path:
    file = tmp_path / "mumbai.json"
    file.touch(mode=0o600)
    file.write_text(stores.settings.model_dump_json())
    return file


def bury(stores: Stores, body: bytes, sequence: int, home: str = "mumbai") -> str:
    stamp = events.encode_stamp(Stamp("mumbai", ONE, sequence))
    with psycopg.connect(stores.cells.postgres.admin_text(stores.cells.databases[home].name)) as connection:
        connection.execute(
            "INSERT INTO counters.dead_letters (origin, topic, part, incarnation, sequence, index, cluster, log_offset, "
            "reason, stamp, body, version) VALUES ('mumbai', 'views.v1', 3, %s, %s, 0, 'mumbai', 9, 'a test', %s, %s, '0')",
            (ONE, sequence, stamp, body),
        )
    return f"mumbai/views.v1/3/{ONE}/{sequence}/0"


def dlq(file: Path, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["dlq", command, *arguments, "--settings", str(file)])


def test_letters_of_all_cells_are_listed_and_found_and_the_code_says_that_some_are_dead(
    stores: Stores, file: Path
) -> None:
    assert (dlq(file, "list", "--json").exit_code, dlq(file, "list", "--json").output) == (0, "[]\n")
    here, there = bury(stores, b"\xc1", 1), bury(stores, b"\xc1", 2, "singapore")
    answer = dlq(file, "list", "--json")
    assert answer.exit_code == 3
    assert {(row["cell"], row["letter"]) for row in json.loads(answer.output)} == {
        ("mumbai", here),
        ("singapore", there),
    }
    assert here not in dlq(file, "list", "--cell", "singapore").output
    shown = json.loads(dlq(file, "show", there, "--json").output)
    assert (shown["cell"], shown["body"], shown["reason"]) == ("singapore", "c1", "a test")


def test_a_replay_counts_what_is_good_and_says_what_is_not(stores: Stores, file: Path) -> None:
    video = stores.video("singapore")
    good, bad = bury(stores, events.encode_event(viewed(video)[0]), 1, "singapore"), bury(stores, b"\xc1", 2)
    answer = dlq(file, "replay", good, bad, "--json")
    assert answer.exit_code == 1
    first, second = json.loads(answer.output)
    assert (first["events"], first["problem"]) == (1, None)
    assert "cannot be" in second["problem"]
    assert stores.views(video, "singapore") == 1
    assert dlq(file, "replay", good).exit_code == 1
    assert stores.views(video, "singapore") == 1
    assert json.loads(dlq(file, "list", "--state", "replayed", "--json").output)[0]["letter"] == good


def test_a_purge_without_age_or_with_too_small_a_one_changes_nothing(stores: Stores, file: Path) -> None:
    key = bury(stores, b"\xc1", 1)
    assert dlq(file, "purge", "--reason", "no use").exit_code == 2
    young = dlq(file, "purge", "--reason", "no use", "--older-than", "0.1")
    assert isinstance(young.exception, DeadLetterError)
    stores.change("UPDATE counters.dead_letters SET created_at = now() - interval '3 hours'")
    answer = dlq(file, "purge", "--reason", "no use", "--older-than", "2", "--json")
    assert (answer.exit_code, json.loads(answer.output)) == (0, [{"cell": "mumbai", "letter": key}])
    assert json.loads(dlq(file, "show", key, "--json").output)["note"] == "no use"


def test_misuse_is_refused_with_what_there_is(file: Path) -> None:
    for arguments, told in (
        (("show", "nonsense"), "origin/topic/partition"),
        (("list", "--topic", "views"), "views.v1"),
        (("list", "--cell", "paris"), "mumbai"),
    ):
        answer = dlq(file, *arguments)
        assert (answer.exit_code, told in answer.output) == (2, True), answer.output
