from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import geo
from regions import steering
from regions.catalogue import CATALOGUE
from regions.countries import COUNTRIES
from regions.errors import CatalogueError

running_cells = st.lists(st.sampled_from(CATALOGUE.names), min_size=1, unique=True)


@given(running=running_cells, country=st.sampled_from(COUNTRIES))
def test_the_front_sends_a_country_where_route_53_would_if_only_the_running_cells_were_healthy(
    running: list[str], country: str
) -> None:
    tables = geo.geography(running)
    assert tables.chains[tables.countries[country]][0] == steering.resolve(country, running)


@given(running=running_cells)
def test_every_chain_tries_each_running_cell_once_and_no_other(running: list[str]) -> None:
    for chain in geo.geography(running).chains.values():
        assert sorted(chain) == sorted(running)


@given(running=running_cells)
def test_nobody_is_sent_to_a_region_without_a_chain(running: list[str]) -> None:
    tables = geo.geography(running)
    firsts = {*tables.countries.values(), *tables.networks.values(), tables.default}
    assert firsts <= set(tables.chains)


def test_addresses_of_a_region_and_the_loopback_that_stands_for_it_are_steered_to_it() -> None:
    networks = geo.geography(CATALOGUE.names).networks

    def region_of(address: str) -> list[str]:
        return [name for network, name in networks.items() if IPv4Address(address) in network]

    assert region_of("10.16.3.4") == ["mumbai"]
    assert region_of("127.16.0.1") == ["mumbai"]
    assert region_of("127.64.0.9") == ["singapore"]
    assert region_of("127.0.0.1") == []


def test_without_a_running_cell_there_is_no_geography() -> None:
    with pytest.raises(CatalogueError, match="no cell runs"):
        geo.geography([])
