"""``meridian region``: what it would do is told before it does it, and what cannot be is refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from local.installation import WRITERS
from ops import cli
from regions import writers
from regions.writers import Record, RecordError

run = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MERIDIAN_HOME", str(tmp_path))
    monkeypatch.setenv("CELLS", "mumbai,singapore")
    return tmp_path


def steps(*arguments: str) -> list[str]:
    answer = run.invoke(cli.app, ["region", *arguments, "--dry-run", "--json"])
    assert answer.exit_code == 0, answer.output
    told: list[str] = json.loads(answer.stdout)["steps"]
    return told


def test_a_plan_names_what_is_promoted_and_changes_nothing(home: Path) -> None:
    told = steps("lose", "mumbai")
    assert "promote the copy of mumbai's database in singapore; from term 2 on it is the writer" in told
    assert not (home / WRITERS).exists()


def test_the_return_of_a_region_tells_what_is_discarded_and_built(home: Path) -> None:
    (home / WRITERS).write_text(writers.dumps(writers.lose(Record(), "mumbai")))
    told = steps("return", "mumbai")
    assert any("discard the old primary of mumbai and build a new replica of term 2" in step for step in told)
    assert any("wait until what was stranded" in step for step in told)


def test_the_state_of_every_home_is_shown(home: Path) -> None:
    (home / WRITERS).write_text(writers.dumps(writers.lose(Record(), "mumbai")))
    answer = run.invoke(cli.app, ["region", "status", "--json"])
    told = json.loads(answer.stdout)
    assert told["writers"]["mumbai"] == {"writer": "singapore", "term": 2}
    assert told["lost"] == ["mumbai"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("return", "mumbai"), "not recorded as lost"),
        (("abandon", "mumbai"), "only what is away"),
        (("lose", "oregon"), "this installation runs mumbai, singapore"),
    ],
    ids=["return", "abandon", "not here"],
)
def test_what_cannot_be_is_refused_with_the_reason(home: Path, arguments: tuple[str, str], reason: str) -> None:
    answer = run.invoke(cli.app, ["region", *arguments, "--yes"])
    assert isinstance(answer.exception, RecordError)
    assert reason in str(answer.exception)


def test_with_json_nothing_is_asked(home: Path) -> None:
    answer = run.invoke(cli.app, ["region", "lose", "mumbai", "--json"])
    assert answer.exit_code == 2
    assert not (home / WRITERS).exists()
