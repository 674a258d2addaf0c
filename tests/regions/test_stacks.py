"""Stacks: their order, and the pairs between them."""

from dataclasses import replace

import pytest

from regions.catalogue import CATALOGUE, REGIONS, Catalogue
from regions.errors import CatalogueError
from regions.stacks import all_stacks, link_of, links, stack_order


def test_the_waves_are_global_regions_links_steering() -> None:
    waves = stack_order()
    assert (waves[0], waves[1], waves[3]) == (("global",), CATALOGUE.names, ("steering",))
    assert len(waves[2]) == 6


def test_every_copy_flows_in_exactly_one_link_per_direction() -> None:
    flows = [(s.name, t.name) for link in links() for s, t in link.replications]
    assert sorted(flows) == sorted((r.name, r.partner) for r in CATALOGUE.regions)


def test_a_link_is_found_by_its_stack_name_and_an_unknown_one_lists_the_stacks() -> None:
    assert link_of("links-mumbai-singapore").b.name == "singapore"
    with pytest.raises(CatalogueError, match="links-oregon-frankfurt"):
        link_of("links-singapore-mumbai")


def test_a_catalogue_of_two_needs_five_stacks() -> None:
    pair = Catalogue(tuple(replace(r, weight=0.5) for r in REGIONS if r.name in ("mumbai", "singapore")))
    assert all_stacks(pair) == ("global", "mumbai", "singapore", "links-mumbai-singapore", "steering")
