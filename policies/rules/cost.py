"""Budgets: one for each region and one for the account, and none so low that the plan's own bill would trip it.

Judged over the union of all previews. What the headline loads cost is ``regions.standing`` and ``regions.usage``, at list
prices: whoever begins smaller, or has an agreement, lowers the budget with an exception from COST-1 that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from policies.model import Resource, StackRule, Unknown, of_type, text
from policies.rules.capacity import CONVERTER
from regions import standing, usage
from regions.capacity import plans
from regions.catalogue import CATALOGUE, EDGE_CODE
from regions.cost import price_resource
from regions.prices import LAW, PriceError
from regions.stacks import GLOBAL
from services.contracts.demand import contract_of
from services.contracts.workloads import Transcoder

_BUDGET: Final = "aws:budgets/budget:Budget"
_WORLDWIDE: Final = "delivery"
"""CloudFront's part of the bill belongs to no region: AWS does not show it under one, so a region's budget has it not."""

_Findings = Iterator[tuple[Resource | None, str]]


@cache
def _bills(transcoder: Transcoder) -> Mapping[str, float]:
    """USD a month by region name, and of the whole account under `GLOBAL`."""
    contract = contract_of(transcoder)
    sized = plans(contract)
    lines = (standing.monthly(sized, contract) + usage.monthly(sized, contract, transcoder=transcoder)).lines
    bills = {
        region.name: sum(
            line.money.usd for line in lines if line.region == region.code and line.component != _WORLDWIDE
        )
        for region in CATALOGUE.regions
    }
    return {**bills, GLOBAL: sum(line.money.usd for line in lines)}


def _affordable(resources: tuple[Resource, ...]) -> _Findings:
    converting = {resource.stack for resource in of_type(resources, CONVERTER)}
    for budget in of_type(resources, _BUDGET):
        bills = _bills("mediaconvert" if converting & {budget.stack, *CATALOGUE.names} else "ffmpeg")
        limit = _number(budget)
        if limit is not None and budget.stack in bills and limit < bills[budget.stack]:
            yield (
                budget,
                f"of {limit:,.0f} USD a month is below what the plan costs at the headline loads, "
                f"{bills[budget.stack]:,.0f}: raise meridian:budget in Pulumi.{budget.stack}.yaml",
            )


def _number(budget: Resource) -> float | None:
    value = budget.get("limitAmount")
    if isinstance(value, bool | Unknown) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _watched(resources: tuple[Resource, ...]) -> _Findings:
    stacks = {resource.stack for resource in resources}
    watched = {budget.stack: budget for budget in of_type(resources, _BUDGET)}
    for name in (GLOBAL, *CATALOGUE.names):
        if name not in stacks:
            continue
        if name not in watched:
            yield None, f"stack {name} has no budget: declare one (stacks/budget.py)"
        elif not _warns(watched[name]):
            yield watched[name], "tells nobody before its limit is reached: add a notification below 100 percent"


def _warns(budget: Resource) -> bool:
    for number, _ in enumerate(budget.items("notifications")):
        threshold = budget.get(f"notifications.{number}.threshold")
        told = text(budget.get(f"notifications.{number}.notificationType"))
        if isinstance(threshold, int | float) and (threshold < 100 or told == "FORECASTED"):
            return True
    return isinstance(budget.get("notifications"), Unknown)


def _priced(resources: tuple[Resource, ...]) -> _Findings:
    for resource in resources:
        try:
            price_resource(resource.type, _place(resource), resource.props)
        except PriceError as error:
            yield resource, str(error)


def _place(resource: Resource) -> str:
    """The region where it is charged. Prices of what is in no region are the same wherever they are looked up."""
    own = {region.name: region.code for region in CATALOGUE.regions}
    return text(resource.get("region")) or own.get(resource.stack, EDGE_CODE)


UNION_RULES: Final = (
    StackRule(
        "COST-1",
        "Budgets cover what the plan costs.",
        "An alarm that rings on the first day is switched off on the second.",
        _affordable,
    ),
    StackRule(
        "COST-2",
        "Every region and the account have a budget that warns beforehand.",
        "A bill comes weeks after its cause.",
        _watched,
    ),
    StackRule(
        LAW,
        "Whatever is declared has a price, or is said to have none.",
        "A bill that leaves something out is believed all the same.",
        _priced,
    ),
)
