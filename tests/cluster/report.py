"""The report of a run on a real cluster, as it is committed. Owns its form; every line comes from the run."""

from __future__ import annotations

import os
import platform as machine
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name is the sentence that was found to be true."""

    name: str
    passed: bool
    seconds: float


@dataclass(slots=True)
class Report:
    """What a run found out."""

    versions: dict[str, str] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    numbers: list[tuple[str, str]] = field(default_factory=list)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    """What was tried, and the API server's words."""

    def saw(self, check: Check) -> None:
        """A phase of a check; its phases are added up."""
        before = self.checks.get(check.name, Check(check.name, True, 0.0))
        self.checks[check.name] = Check(check.name, before.passed and check.passed, before.seconds + check.seconds)

    def number(self, name: str, value: float) -> None:
        """A measured or counted value."""
        self.numbers.append((name, f"{value:.1f}" if value % 1 and value < 100 else f"{value:.0f}"))

    def refused(self, what: str, words: str) -> None:
        """A refusal of the API server."""
        self.refusals.append((what, " ".join(words.split())))


def rendered(report: Report) -> str:
    """Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    passed = sum(check.passed for check in report.checks.values())
    return f"""# A cell on a real cluster

{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f} (5 minutes), Python {machine.python_version()}. {versions}.
Written by `make test-cluster`; the times include whatever else the machine did.

**{passed} of {len(report.checks)} checks held.**

| checked | seconds |
|---|---:|
{_rows((_sentence(check.name), f"{check.seconds:.0f}") for check in report.checks.values())}

| measured | |
|---|---:|
{_rows(report.numbers)}

What the API server refused, in its words:

| tried | answer |
|---|---|
{_rows(report.refusals)}
"""


def _sentence(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def _rows(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"| {left} | {right.replace('|', '/')} |" for left, right in pairs)
