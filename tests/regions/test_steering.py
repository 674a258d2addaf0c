"""Every country is served whatever regions are down, by its own region or the next of its chain."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.catalogue import CATALOGUE
from regions.countries import CONTINENT_OF, COUNTRIES
from regions.errors import CatalogueError
from regions.steering import STEERING, Steering, chain, check, first_region, resolve

HEALTHY = st.sets(st.sampled_from(CATALOGUE.names))


def test_the_deployed_steering_is_valid() -> None:
    check(STEERING)


def test_there_are_all_249_countries_and_each_is_on_one_continent() -> None:
    assert len(COUNTRIES) == 249
    assert set(CONTINENT_OF.values()) == {"AF", "AN", "AS", "EU", "NA", "OC", "SA"}


@given(st.sampled_from([*COUNTRIES, None, "XX"]), HEALTHY)
def test_a_healthy_region_answers_and_the_first_of_the_chain_wins(country: str | None, healthy: set[str]) -> None:
    answer = resolve(country, healthy)
    order = chain(first_region(country))
    if healthy:
        assert answer in healthy
        assert not healthy & set(order[: order.index(answer)])
    else:
        assert answer == order[0]


@pytest.mark.parametrize("name", CATALOGUE.names)
def test_a_chain_is_every_region_once_with_the_partner_second(name: str) -> None:
    assert sorted(chain(name)) == sorted(CATALOGUE.names)
    assert chain(name)[:2] == (name, CATALOGUE.get(name).partner)


@pytest.mark.parametrize("gone", [pair for n in (1, 2, 3) for pair in combinations(CATALOGUE.names, n)])
def test_no_country_is_orphaned_by_the_loss_of_any_three_regions(gone: tuple[str, ...]) -> None:
    healthy = set(CATALOGUE.names) - set(gone)
    assert {resolve(country, healthy) for country in COUNTRIES} <= healthy


def test_india_is_served_by_mumbai_and_germany_by_frankfurt() -> None:
    assert (first_region("IN"), first_region("DE"), first_region("US"), first_region("SG")) == (
        "mumbai",
        "frankfurt",
        "oregon",
        "singapore",
    )


@pytest.mark.parametrize(
    ("steering", "message"),
    [
        (Steering({"XX": "mumbai"}, STEERING.continents, "oregon"), "no ISO"),
        (Steering({"IN": "paris"}, STEERING.continents, "oregon"), "no region 'paris'"),
        (Steering({}, {"EU": "frankfurt"}, "oregon"), "continents must be exactly"),
        (Steering({}, STEERING.continents, "paris"), "no region 'paris'"),
    ],
)
def test_wrong_steering_is_refused_with_its_cause(steering: Steering, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        check(steering)
