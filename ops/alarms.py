"""The page ``docs/alarms.md``: the runbook of the services' own alerts. ``python -m ops.alarms`` writes it.

Owns the page's form; every alert on it comes from ``services.contracts.alerts``. A test fails when the page is old.
"""

from __future__ import annotations

from pathlib import Path

from services.contracts.alerts import ALERTS, RUNBOOK, SCRAPE_SECONDS, Alert, Severity

PAGE = Path(__file__).resolve().parent.parent / RUNBOOK

_INTRODUCTION = f"""# Alarms

Written by `make footprint` from `services/contracts/alerts.py`; a test fails when it is out of date. Do not edit.

Two things ring in a region, and both tell its alarm topic. CloudWatch rings for what AWS measures: balancer, databases,
cache, brokers, queues (`stacks/observability.py`). Managed Prometheus rings for what only the services know, as listed
here: its collector asks every pod of the cell for `/metrics` once in {SCRAPE_SECONDS} s, so an alert comes one to two minutes
after its cause, and its own duration later. A page is sent again each hour while it rings, a ticket once a day. If
messages cannot be sent, CloudWatch says so (`alerts-untold`).

On one machine nothing collects: read a process's `/metrics`."""


def page() -> str:
    """The whole page, with a newline at its end."""
    parts = [_INTRODUCTION, _table(), *(_section(alert) for alert in ALERTS)]
    return "\n\n".join(parts) + "\n"


def _table() -> str:
    rows = [f"| [{alert.name}](#{alert.name.lower()}) | {alert.severity} | {alert.means} |" for alert in _by_severity()]
    return "\n".join(("| alert | who | means |", "| --- | --- | --- |", *rows))


def _by_severity() -> list[Alert]:
    return [alert for severity in Severity for alert in ALERTS if alert.severity is severity]


def _section(alert: Alert) -> str:
    lasting = f" for {alert.minutes} minutes" if alert.minutes else ""
    return (
        f"## {alert.name}\n\n{alert.means}.\n\nDo: {alert.remedy.rstrip('?.')}{'?' if alert.remedy.endswith('?') else '.'}"
        f"\n\nRings{lasting} while\n\n```promql\n{alert.expression}\n```"
    )


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
