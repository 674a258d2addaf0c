"""The look-up of what a region offers: every declared type is known by name, and the facts beside it agree."""

from __future__ import annotations

import pytest

from policies import offered
from policies.rules.regions import has_region
from regions.catalogue import AZS_PER_REGION, CATALOGUE, EDGE_CODE, Region
from regions.charges import CHARGED, FREE
from regions.machines import BROKERS, CACHES, DATABASES
from regions.offers import BROKER_CLASSES, ZONES

KINDS = sorted({*CHARGED, *FREE})


def token(kind: str) -> str:
    service, name = kind.split("/")
    return f"aws:{service}/{name[0].lower()}{name[1:]}:{name}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_that_has_a_price_or_none_is_known_by_name(kind: str) -> None:
    assert offered.type_of(token(kind)) is not None


@pytest.mark.parametrize("region", CATALOGUE.regions, ids=lambda region: region.name)
def test_every_region_offers_every_declared_type_that_has_a_region(region: Region) -> None:
    lacking = []
    for kind in KINDS:
        name = offered.type_of(token(kind))
        if name is not None and has_region(token(kind)) and not offered.offers_type(region.code, name):
            lacking.append(kind)
    assert lacking == []


def test_managed_grafana_is_missing_in_mumbai_and_nowhere_else() -> None:
    name = offered.type_of("aws:grafana/workspace:Workspace")
    assert name == "AWS::Grafana::Workspace"
    assert [region.name for region in CATALOGUE.regions if not offered.offers_type(region.code, name)] == ["mumbai"]


def test_services_are_those_of_the_types() -> None:
    assert "Grafana" in offered.services("eu-central-1") - offered.services("ap-south-1")
    assert offered.services("mars-north-1") == frozenset()


def test_what_has_no_type_or_no_region_in_the_data_is_not_judged() -> None:
    assert offered.type_of("aws:new/thing:Thing") is None
    assert offered.type_of("kubernetes:apps/v1:Deployment") is None
    assert offered.offers_type("mars-north-1", "AWS::SQS::Queue") is None
    assert offered.database_classes("mars-north-1") is offered.cache_nodes("mars-north-1") is None
    assert offered.offers_type(EDGE_CODE, "AWS::CloudFront::Distribution") is True


def test_the_catalogues_zones_are_among_those_of_their_region() -> None:
    for region in CATALOGUE.regions:
        assert set(region.zone_ids) <= set(ZONES[region.code])
    assert all(len(zones) >= AZS_PER_REGION for zones in ZONES.values())


def test_what_capacity_may_choose_passes_the_rules() -> None:
    assert {machine.name for machine in BROKERS} <= BROKER_CLASSES
    for region in CATALOGUE.regions:
        databases, nodes = offered.database_classes(region.code), offered.cache_nodes(region.code)
        assert databases is not None
        assert nodes is not None
        assert {machine.name for machine in DATABASES} <= databases
        assert {machine.name for machine in CACHES} <= nodes
