"""``meridian capacity`` and ``meridian cost``: what the headline loads need of every region, and what it costs a month.

Owns the presentation. The arithmetic is in ``regions``; nothing is asked of AWS.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from pydantic import JsonValue

from ops.commands import common
from regions import standing, usage
from regions.capacity import Plan, plans
from regions.catalogue import CATALOGUE
from regions.ceilings import EVERYWHERE, Ceiling, ceilings, words
from regions.cost import Bill
from regions.figures import Figure, share_assumed, weakest
from regions.loads import HEADLINE, Loads
from regions.prices import PRICES
from services.contracts.demand import CONTRACT, contract_of
from services.contracts.workloads import Transcoder

Only = Annotated[str | None, typer.Option("--region", help="One region of the catalogue; all by default.")]
Factor = Annotated[float, typer.Option("--load", min=0.001, help="The headline loads times this.")]


def register(app: typer.Typer) -> None:
    """Add both commands."""
    app.command("capacity")(capacity)
    app.command("cost")(cost)


def capacity(region: Only = None, json: common.Json = False, load: Factor = 1.0) -> None:
    """Show what carries the headline loads when any one region is lost, and which quotas it breaks.

    Example:

        meridian capacity --region mumbai
    """
    loads, chosen = HEADLINE.times(load), _chosen(region)
    every = plans(CONTRACT, loads)
    found = [one for one in ceilings(every, CONTRACT, loads) if one.place in (*chosen, EVERYWHERE)]
    shown = [one for one in every if one.region in chosen]
    if json:
        common.print_json({"plans": [_plan_data(one) for one in shown], "quotas": [_quota_data(one) for one in found]})
        return
    for plan in shown:
        print(f"\n{plan.region}: units for the headline loads with one region lost")
        common.print_table(
            ("PART", "WHAT", "LOAD", "SHARE", "UNIT CARRIES", "UNITS", "CHOSEN", "MARGIN", "RATE IS"), _rows(plan)
        )
    print("\nquotas: what is needed at that load, against the default of a new account")
    common.print_table(("WHERE", "QUOTA", "LIMIT", "NEEDED", "MARGIN", "LIMIT IS"), _quota_rows(found))
    print("\nwhat breaks, and what to do:")
    for sentence in words(found):
        print(f"- {sentence}")
    print(f"\n{_assumed_sentence(every, found)}")


def cost(region: Only = None, json: common.Json = False, load: Factor = 1.0, transcoder: Transcoder = "ffmpeg") -> None:
    """Show what the headline loads cost a month, by region and part, with delivery, transfer and transcoding.

    Without what every cell has at any load (gateways, endpoints, keys, alarms): `meridian preview` prices that.

    Example:

        meridian cost --region mumbai --transcoder mediaconvert
    """
    loads, codes = HEADLINE.times(load), {CATALOGUE.get(name).code for name in _chosen(region)}
    bill = bill_of(loads, transcoder)
    bill = Bill(tuple(line for line in bill.lines if line.region in codes))
    if json:
        common.print_json(bill_data(bill))
        return
    names = {one.code: one.name for one in CATALOGUE.regions}
    rows = [
        (
            names[line.region],
            line.component,
            line.what,
            f"{line.money.usd:,.0f}",
            line.money.basis.value,
            line.money.how,
        )
        for line in bill.lines
    ]
    common.print_table(("REGION", "PART", "WHAT", "USD A MONTH", "BASIS", "HOW"), rows)
    print(
        f"\n{bill.usd:,.0f} USD a month on demand, before any agreement; {bill.assumed:.0%} of it stands on an assumption."
    )


def bill_of(loads: Loads = HEADLINE, transcoder: Transcoder = "ffmpeg") -> Bill:
    """What stands there by its size, and what use costs. Raises `regions.prices.PriceError`."""
    contract = contract_of(transcoder)
    every = plans(contract, loads)
    return standing.monthly(every, contract) + usage.monthly(every, contract, loads, transcoder=transcoder)


def bill_data(bill: Bill) -> dict[str, JsonValue]:
    """``bill`` as plain JSON, for comparison with another revision's."""
    lines: list[JsonValue] = [
        {
            "region": line.region,
            "component": line.component,
            "what": line.what,
            "usd": round(line.money.usd, 2),
            "basis": line.money.basis.value,
            "how": line.money.how,
        }
        for line in bill.lines
    ]
    return {"usd": round(bill.usd, 2), "assumed": round(bill.assumed, 4), "lines": lines}


def figures_of(every: Sequence[Plan], found: Sequence[Ceiling]) -> tuple[Figure, ...]:
    """Every figure that the table follows from, each once: rates, quotas, prices."""
    rates = (figure for plan in every for line in plan.lines for figure in line.figures)
    needs = (figure for one in found for figure in (*one.figures, one.quota.limit))
    return tuple(dict.fromkeys((*rates, *needs, *PRICES.values())))


def _chosen(region: str | None) -> tuple[str, ...]:
    return CATALOGUE.names if region is None else (CATALOGUE.get(region).name,)


def _rows(plan: Plan) -> list[tuple[str, ...]]:
    return [
        (
            line.component,
            line.what,
            f"{_number(line.load)} {line.unit}",
            f"{line.share.value:.2f}" + (f" without {line.share.lost}" if line.share.lost else ""),
            f"{_number(line.figures[0].value)} {line.figures[0].unit}",
            f"{line.need:,.2f}",
            line.chosen,
            f"{line.margin:.2f}",
            line.figures[0].basis.value,
        )
        for line in plan.lines
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _quota_rows(found: Sequence[Ceiling]) -> list[tuple[str, ...]]:
    return [
        (
            one.place,
            one.name,
            f"{one.limit:,.0f} {one.quota.limit.unit} for each {one.quota.of}",
            _number(one.need),
            _number(one.margin) + ("" if one.margin >= 1 else "  BREAKS"),
            one.quota.limit.basis.value,
        )
        for one in found
    ]


def _assumed_sentence(every: Sequence[Plan], found: Sequence[Ceiling]) -> str:
    figures = figures_of(every, found)
    return f"{share_assumed(figures):.0%} of the {len(figures)} rates, quotas and prices behind this are assumed."


def _plan_data(plan: Plan) -> JsonValue:
    sizes = plan.sizes
    return {
        "region": plan.region,
        "sizes": {
            "database": f"{sizes.database_class}, {sizes.database_replicas} readers, {sizes.database_storage} GiB",
            "cache": f"{sizes.cache_shards} shards x {1 + sizes.cache_replicas} {sizes.cache_node}",
            "kafka": f"{sizes.brokers_per_zone} a zone {sizes.broker_class}, {sizes.broker_storage} GiB",
        },
        "replicas": {name: [bounds.least, bounds.most] for name, bounds in sizes.replicas.items()},
        "lines": [
            {
                "component": line.component,
                "what": line.what,
                "load": line.load,
                "unit": line.unit,
                "share": line.share.value,
                "lost": line.share.lost,
                "units": round(line.need, 4),
                "chosen": line.chosen,
                "margin": round(line.margin, 3),
                "basis": weakest(figure.basis for figure in line.figures).value,
                "sources": [f"{figure.value:g} {figure.unit}: {figure.source}" for figure in line.figures],
            }
            for line in plan.lines
        ],
    }


def _quota_data(one: Ceiling) -> JsonValue:
    return {
        "place": one.place,
        "quota": one.name,
        "limit": one.limit,
        "needed": round(one.need, 2),
        "margin": round(one.margin, 4),
        "unit": one.quota.limit.unit,
        "for_each": one.quota.of,
        "raised_by": one.quota.raised_by,
        "service": one.quota.service,
        "basis": one.basis.value,
        "source": one.quota.limit.source,
        "why": one.why,
    }
