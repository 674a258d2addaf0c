"""The model of exact counting: with all rules nothing breaks, without any one of them a history breaks."""

from __future__ import annotations

import pytest

from services.counters.model.machine import Bounds, Rule
from services.counters.model.search import search, without


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(repeats=0, drops=0),
        Bounds(owners=1),
        Bounds(records=3, repeats=0, drops=0, owners=1),
    ],
    ids=["two owners", "a replicator that repeats and drops", "three records of two incarnations"],
)
def test_with_all_rules_no_history_within_the_bounds_breaks(bounds: Bounds) -> None:
    found = search(bounds=bounds)
    assert found.history is None
    assert found.states > 1_000


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.name.lower())
def test_without_a_rule_a_history_breaks(rule: Rule) -> None:
    found = without(rule)
    assert found.history is not None
    assert "record" in found.history[-1]
