"""The address plan has no overlap, whatever indices the regions have."""

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.addresses import SUPERNET, plan, plans
from regions.catalogue import CATALOGUE, REGIONS, Catalogue
from regions.errors import CatalogueError


@given(st.permutations(range(1, 16)))
def test_no_two_networks_of_any_regions_overlap(indices: list[int]) -> None:
    regions = tuple(replace(region, index=index) for region, index in zip(REGIONS, indices, strict=False))
    blocks = [b for p in plans(Catalogue(regions)).values() for b in (*p.private, *p.data, *p.public, p.services)]
    assert not any(a.overlaps(b) for a, b in combinations(blocks, 2))


def test_every_subnet_lies_in_its_vpc_and_the_services_outside() -> None:
    for p in plans(CATALOGUE).values():
        assert p.vpc.subnet_of(SUPERNET)
        assert all(subnet.subnet_of(p.vpc) for subnet in (*p.private, *p.data, *p.public))
        assert not p.services.overlaps(p.vpc)
        assert {len(p.private), len(p.data), len(p.public)} == {3}


@pytest.mark.parametrize("index", [0, 16, -1])
def test_an_index_without_a_block_is_refused(index: int) -> None:
    with pytest.raises(CatalogueError, match="1 to 15"):
        plan(replace(REGIONS[0], index=index))
