"""Every resource that the stacks declare has a price, or a reason why it has none."""

from __future__ import annotations

from functools import cache

import pytest

from regions import standing
from regions.capacity import plans
from regions.catalogue import CATALOGUE, EDGE_CODE
from regions.cost import Bill, Item, bill
from regions.figures import Basis
from regions.prices import HOURS, price
from regions.stacks import links
from services.contracts.demand import CONTRACT, contract_of
from tests.stacks import footprints, recording
from tests.stacks.recording import Footprint


def items(footprint: Footprint, code: str) -> list[Item]:
    """What was recorded, as the bill takes it; what has no region of its own arises where ``code`` says."""
    return [
        Item(item.type, item.name, str(item.inputs.get("region", code)), item.inputs)
        for item in footprint.resources
        if item.custom
    ]


@cache
def bill_of(name: str) -> Bill:
    return bill(items(footprints.of_cell(name), CATALOGUE.get(name).code))


def test_the_bill_of_every_region_prices_every_resource() -> None:
    for name in CATALOGUE.names:
        components = {component for _, component in bill_of(name).by_component()}
        assert components == {
            "cache",
            "cluster",
            "database",
            "firewall",
            "keys",
            "network",
            "observability",
            "steering",
            "streaming",
            "transcoding",
        }


def test_the_stacks_of_no_region_and_of_two_are_priced_too() -> None:
    assert bill(items(footprints.of_global(), EDGE_CODE)).usd > 0
    assert bill(items(footprints.of_steering(), EDGE_CODE)).usd > 0
    for link in links():
        both = link.a.partner == link.b.name or link.b.partner == link.a.name
        assert (bill(items(footprints.of_link(link), link.a.code)).usd > 100) == both


def test_a_read_replica_in_its_region_is_charged_for_its_storage() -> None:
    stored = [line for line in bill_of("oregon").lines if line.what.startswith("storage of replica")]
    assert len(stored) == 2
    assert all(line.money.usd > 0 for line in stored)


def test_the_bill_says_how_much_of_it_is_assumed() -> None:
    found = bill_of("oregon")
    assert 0 < found.assumed < 1
    assert {line.money.basis for line in found.lines} == {Basis.ASSUMED, Basis.PUBLISHED}


def test_the_bill_of_the_plan_is_the_bill_of_what_the_stacks_declare() -> None:
    planned = standing.monthly(plans(CONTRACT), CONTRACT)
    for region in CATALOGUE.regions:
        copies = [line for line in planned.lines if "-in-" in line.what or "-to-" in line.what]
        own = Bill(tuple(line for line in planned.lines if line.region == region.code and line not in copies))
        declared = bill_of(region.name).by_component()
        for part in ("database", "cache", "streaming", "transcoding"):
            assert own.by_component()[region.code, part] == pytest.approx(declared[region.code, part])
        pods = declared[region.code, "cluster"] - price("eks.cluster", region.code).value * HOURS
        assert own.by_component()[region.code, "cluster"] == pytest.approx(pods)


def test_the_bill_of_bought_renditions_is_the_bill_of_what_the_stacks_declare() -> None:
    contract = contract_of("mediaconvert")
    planned = standing.monthly(plans(contract), contract).by_component()
    declared = bill(items(recording.cell("oregon", transcoder="mediaconvert"), "us-west-2")).by_component()
    part = ("us-west-2", "transcoding")
    assert planned[part] == pytest.approx(declared[part])
    assert declared[part] < bill_of("oregon").by_component()[part] / 10


def test_the_copies_of_the_plan_are_those_of_the_links() -> None:
    planned = standing.monthly(plans(CONTRACT), CONTRACT)
    copies = [line for line in planned.lines if "-in-" in line.what or "-to-" in line.what]
    instances = [line for line in copies if line.what.startswith("rds/Instance")]
    assert len(instances) == len(CATALOGUE.regions)
    for link in links():
        for line in bill(items(footprints.of_link(link), link.a.code)).lines:
            if line.what.startswith("rds/Instance"):
                assert line.money.usd == pytest.approx(
                    next(one.money.usd for one in instances if one.region == line.region)
                )
