"""The runbook has what rings, and what rings finds its place in the runbook."""

from __future__ import annotations

from ops import alarms
from services.contracts.alerts import ALERTS


def test_the_runbook_is_what_the_alerts_say() -> None:
    assert alarms.PAGE.read_text(encoding="utf-8") == alarms.page(), "`make footprint` writes it anew"


def test_every_alert_has_a_section_under_its_anchor() -> None:
    anchors = {line.removeprefix("## ").lower() for line in alarms.page().splitlines() if line.startswith("## ")}
    assert {alert.runbook.partition("#")[2] for alert in ALERTS} == anchors
