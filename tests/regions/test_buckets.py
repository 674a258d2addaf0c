"""A bucket has exactly one writer, in the deployed map and in every dealt one."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.buckets import BUCKETS, SHARD_MAP, BucketRange, ShardMap, check, deal
from regions.catalogue import CATALOGUE
from regions.errors import CatalogueError

SUBSETS = [subset for n in range(1, 5) for subset in combinations(CATALOGUE.names, n)]


def test_the_deployed_map_is_valid_and_gives_each_cell_240() -> None:
    check(SHARD_MAP)
    assert {name: len(SHARD_MAP.buckets_of(name)) for name in CATALOGUE.names} == dict.fromkeys(CATALOGUE.names, 240)


@pytest.mark.parametrize("cells", SUBSETS)
def test_every_bucket_has_exactly_one_running_writer(cells: tuple[str, ...]) -> None:
    dealt = deal(cells)
    owned = [bucket for cell in cells for bucket in dealt.buckets_of(cell)]
    assert sorted(owned) == list(range(BUCKETS))
    assert {dealt.writer_of(bucket) for bucket in range(BUCKETS)} <= set(cells)


def test_dealing_to_all_cells_changes_nothing() -> None:
    assert deal(CATALOGUE.names) == SHARD_MAP


@given(st.lists(st.integers(1, BUCKETS - 1), max_size=6, unique=True), st.integers(0, 5), st.integers(-3, 3))
def test_a_map_with_a_hole_or_an_overlap_is_refused(cuts: list[int], which: int, shift: int) -> None:
    edges = [0, *sorted(cuts), BUCKETS]
    ranges = [BucketRange(a, b, "mumbai", "mumbai") for a, b in pairwise(edges)]
    index = which % len(ranges)
    moved = ranges[index]
    ranges[index] = BucketRange(moved.start + shift, moved.stop, moved.home, moved.writer)
    if shift == 0:
        assert ShardMap(1, tuple(ranges)).range_of(BUCKETS - 1).stop == BUCKETS
    else:
        with pytest.raises(CatalogueError):
            ShardMap(1, tuple(ranges))


def test_a_writer_without_a_copy_is_refused() -> None:
    with pytest.raises(CatalogueError, match="no copy"):
        check(ShardMap(1, (BucketRange(0, BUCKETS, home="mumbai", writer="oregon"),)))


def test_a_promotion_of_the_partner_is_a_valid_map() -> None:
    ranges = tuple(
        BucketRange(r.start, r.stop, r.home, "singapore", r.term + 1) if r.home == "mumbai" else r
        for r in SHARD_MAP.ranges
    )
    promoted = ShardMap(SHARD_MAP.version + 1, ranges)
    check(promoted)
    assert promoted.writer_of(0) == "singapore"
    assert promoted.home_of(0) == "mumbai"


@pytest.mark.parametrize("bucket", [-1, BUCKETS])
def test_a_bucket_outside_the_map_is_refused(bucket: int) -> None:
    with pytest.raises(CatalogueError, match="does not exist"):
        SHARD_MAP.range_of(bucket)


def test_no_running_cell_is_refused() -> None:
    with pytest.raises(CatalogueError, match="CELLS"):
        deal(())
