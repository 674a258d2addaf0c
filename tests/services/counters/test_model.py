"""The model of exact counting: with all rules nothing breaks, without any one of them a history breaks."""

from __future__ import annotations

import pytest

from services.counters.model import MACHINES
from services.counters.model.machine import Bounds, Rule
from services.counters.model.search import search, without
from services.counters.model.small import Searchable


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


SMALL: dict[str, Searchable] = {machine.name: machine for machine in MACHINES}


def each_rule() -> list[tuple[str, str]]:
    return [(name, rule) for name, machine in SMALL.items() for rule in machine.rules]


@pytest.mark.parametrize("name", SMALL)
def test_with_all_rules_nothing_goes_wrong_with_seats_topics_and_records(name: str) -> None:
    assert SMALL[name].search().history is None


@pytest.mark.parametrize(("name", "rule"), each_rule())
def test_without_a_rule_of_seats_topics_or_records_a_history_breaks(name: str, rule: str) -> None:
    history = SMALL[name].search(rule).history
    assert history is not None
    assert len(history) > 1


def test_every_rule_of_the_seventeen_is_in_a_machine() -> None:
    sentences = [rule.value for rule in Rule] + [text for machine in SMALL.values() for text in machine.rules.values()]
    assert {int(text.split(":")[0]) for text in sentences if text[0].isdigit()} == set(range(1, 18))


def test_a_rule_that_a_machine_has_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        SMALL["locks"].search("no such rule")
