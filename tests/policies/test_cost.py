"""Budgets: enough for the plan at the headline loads, one for each region and the account, each with a warning."""

from __future__ import annotations

import pytest

from policies.model import UNKNOWN, Resource, Value
from policies.rules.cost import UNION_RULES
from regions.catalogue import CATALOGUE

COVERS, WATCHED, PRICED = UNION_RULES
WARNED: Value = ({"notificationType": "ACTUAL", "threshold": 80.0},)
ENOUGH = "250000000"


def budget(stack: str, limit: Value = ENOUGH, notifications: Value = WARNED) -> Resource:
    kind = "aws:budgets/budget:Budget"
    props = {"limitAmount": limit, "notifications": notifications}
    return Resource(kind, "budget", props, urn=f"urn:pulumi:{stack}::meridian::{kind}::budget")


def converter(stack: str) -> Resource:
    kind = "aws:mediaconvert/queue:Queue"
    return Resource(kind, "converter", {}, urn=f"urn:pulumi:{stack}::meridian::{kind}::converter")


ALL = tuple(budget(stack) for stack in ("global", *CATALOGUE.names))


def test_budgets_that_cover_the_plan_and_warn_are_right() -> None:
    assert [*COVERS.judge(ALL), *WATCHED.judge(ALL)] == []


@pytest.mark.parametrize("stack", ["global", *CATALOGUE.names])
def test_a_budget_below_the_plans_own_bill_is_told_with_file_and_amount(stack: str) -> None:
    ((resource, message),) = COVERS.judge((budget(stack, "1000"),))
    assert resource is not None
    assert "of 1,000 USD a month is below what the plan costs" in message
    assert message.endswith(f"raise meridian:budget in Pulumi.{stack}.yaml")


def test_delivery_is_the_accounts_and_no_regions() -> None:
    assert list(COVERS.judge((budget("mumbai", "1000000"),))) == []
    assert list(COVERS.judge((budget("global", "1000000"),)))


def test_a_region_that_converts_by_use_needs_the_more() -> None:
    without = budget("oregon", "100000")
    assert list(COVERS.judge((without,))) == []
    assert list(COVERS.judge((without, converter("oregon"))))


def test_a_limit_that_is_not_known_yet_is_not_judged() -> None:
    assert list(COVERS.judge((budget("mumbai", UNKNOWN), budget("oregon", "much")))) == []


def test_a_region_without_a_budget_and_one_that_warns_nobody_are_told() -> None:
    silent = budget("oregon", notifications=({"notificationType": "ACTUAL", "threshold": 100.0},))
    queue = Resource("aws:sqs/queue:Queue", "q", {}, urn="urn:pulumi:mumbai::meridian::aws:sqs/queue:Queue::q")
    assert [message for _, message in WATCHED.judge((silent, queue))] == [
        "stack mumbai has no budget: declare one (stacks/budget.py)",
        "tells nobody before its limit is reached: add a notification below 100 percent",
    ]
