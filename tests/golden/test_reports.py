"""Five branches, and the report that a reviewer reads of each; the texts are committed beside this file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ops.review.report import MAX_CHARACTERS, render
from ops.review.review import Findings, Judges, Said, from_declarations
from policies.exceptions import LawException
from tests.golden.preview import previewed
from tests.ops.review.mutations import BRANCHES, Digests

REPORTS = Path(__file__).with_name("reports")
STOPPED_BY_GATE = {"replaced-cache": "cache.oregon/cache", "forgotten-region": "stored-bucket.frankfurt/media-media"}
STOPPED_BY_LAW = {"forgotten-region": "REG-1", "copied-resident-data": "UNI-4"}
SCREEN = 50
PLANNED = LawException("CAP-1", "database-*", "asha@example.org", "the branch changes the plan too", date(2027, 1, 31))
"""The mutations change what is declared and not the plan of capacity, to which CAP-1 holds it."""
JUDGES = Judges(date(2026, 11, 23), exceptions=(PLANNED,))


def _base() -> Digests:
    copied: Digests = json.loads(previewed().text())["stacks"]
    return copied


def _review(name: str, description: str = "") -> Findings:
    branch = BRANCHES[name](_base())
    before, after = (replace(previewed(), digests=tuple(side)) for side in (branch.base, branch.head))
    return from_declarations(before, after, Said(description), JUDGES)


def _without_totals(report: str) -> list[str]:
    """The lines, of the bill the difference only: the whole changes with every price and size of the footprint."""
    return [re.sub(r"(a month\*\* on demand): .*", r"\1", line) for line in report.splitlines()]


@pytest.mark.parametrize("name", BRANCHES)
def test_the_report_of_a_branch_reads_as_committed(name: str) -> None:
    findings = _review(name)
    report = render(findings)
    lines = _without_totals(report)
    assert lines == _without_totals((REPORTS / f"{name}.md").read_text(encoding="utf-8"))
    assert len(report) <= MAX_CHARACTERS
    assert len(lines) <= SCREEN


@pytest.mark.parametrize("name", BRANCHES)
def test_a_branch_stops_by_the_gate_or_by_a_law_or_not_at_all(name: str) -> None:
    findings = _review(name)
    assert findings.code == (1 if name in STOPPED_BY_LAW else 3 if name in STOPPED_BY_GATE else 0)
    assert [f"{change.place}/{change.name}" for change in findings.blocked] == (
        [STOPPED_BY_GATE[name]] if name in STOPPED_BY_GATE else []
    )
    assert [law.split()[0] for law in findings.laws] == ([STOPPED_BY_LAW[name]] if name in STOPPED_BY_LAW else [])


@pytest.mark.parametrize("name", STOPPED_BY_GATE)
def test_naming_the_loss_lets_it_through_the_gate_but_not_past_the_laws(name: str) -> None:
    findings = _review(name, f"Replaces: {STOPPED_BY_GATE[name]}\n")
    assert findings.blocked == ()
    assert [f"{change.place}/{change.name}" for change in findings.accepted] == [STOPPED_BY_GATE[name]]
    assert findings.stops is (name in STOPPED_BY_LAW)


def test_reformatting_has_an_empty_report() -> None:
    assert _review("reformatted").empty


def test_the_committed_reports_are_those_of_the_branches() -> None:
    assert {file.stem for file in REPORTS.glob("*.md")} == set(BRANCHES)
