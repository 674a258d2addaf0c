"""The catalogue refuses contradictions and answers by name."""

from dataclasses import replace

import pytest

from regions.catalogue import CATALOGUE, REGIONS, Catalogue
from regions.errors import CatalogueError


def test_the_four_regions_of_the_mission_are_there() -> None:
    assert {region.name: region.code for region in CATALOGUE.regions} == {
        "mumbai": "ap-south-1",
        "oregon": "us-west-2",
        "frankfurt": "eu-central-1",
        "singapore": "ap-southeast-1",
    }


def test_partners_are_mutual_at_the_start() -> None:
    for region in CATALOGUE.regions:
        assert CATALOGUE.partner(CATALOGUE.partner(region)) == region


def test_an_unknown_region_is_answered_with_the_known_ones() -> None:
    with pytest.raises(CatalogueError, match="mumbai, oregon, frankfurt, singapore"):
        CATALOGUE.get("paris")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"partner": "mumbai"}, "its own partner"),
        ({"partner": "paris"}, "not in the catalogue"),
        ({"zone_ids": ("aps1-az1", "aps1-az1", "aps1-az2")}, "different zone ids"),
        ({"weight": 0.9}, "sum to"),
        ({"weight": -0.4}, "must be positive"),
        ({"name": "oregon"}, "stands twice"),
        ({"code": "us-west-2"}, "stands twice"),
        ({"index": 2}, "stands twice"),
        ({"health_checkers": ("us-west-2",)}, "three checker regions"),
    ],
)
def test_a_contradiction_is_refused_with_its_cause(change: dict[str, object], message: str) -> None:
    broken = replace(REGIONS[0], **change)  # type: ignore[arg-type]  # the table's values are of many types on purpose
    with pytest.raises(CatalogueError, match=message):
        Catalogue((broken, *REGIONS[1:]))


def test_an_empty_catalogue_is_refused() -> None:
    with pytest.raises(CatalogueError, match="empty"):
        Catalogue(())
