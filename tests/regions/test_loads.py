"""Shares follow steering and ownership, not a table: held against steering's own answer for every loss."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.buckets import BUCKETS, SHARD_MAP, BucketRange, ShardMap
from regions.catalogue import CATALOGUE, Catalogue
from regions.errors import CatalogueError
from regions.loads import HEADLINE, Loads, home_share, logged, visitors, worst, writes
from regions.steering import STEERING, first_region, resolve

NAMES = CATALOGUE.names
losses = st.sampled_from([None, *NAMES])


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """The catalogue with other weights and partners."""
    weights = draw(st.lists(st.integers(1, 100), min_size=len(NAMES), max_size=len(NAMES)))
    regions = []
    for region, weight in zip(CATALOGUE.regions, weights, strict=True):
        partner = draw(st.sampled_from([name for name in NAMES if name != region.name]))
        regions.append(replace(region, weight=weight / sum(weights), partner=partner))
    return Catalogue(tuple(regions))


@given(catalogues(), losses)
def test_everybody_is_somewhere_whoever_is_lost(catalogue: Catalogue, lost: str | None) -> None:
    assert sum(visitors(name, lost, catalogue) for name in NAMES) == pytest.approx(1)
    if lost is not None:
        assert visitors(lost, lost, catalogue) == 0


@given(losses)
def test_people_go_where_steering_resolves_their_country(lost: str | None) -> None:
    healthy = [name for name in NAMES if name != lost]
    country_of = {first_region(country): country for country in (*STEERING.countries, "US", "DE", "SG")}
    assert set(country_of) == set(NAMES)
    for name in NAMES:
        expected = sum(CATALOGUE.get(first).weight for first, c in country_of.items() if resolve(c, healthy) == name)
        assert visitors(name, lost) == pytest.approx(expected)


def test_the_partner_of_the_largest_region_takes_all_of_it() -> None:
    found = {name: worst(name, visitors) for name in NAMES}
    assert {name: round(share.value, 9) for name, share in found.items()} == {
        "mumbai": 0.55,
        "oregon": 0.45,
        "frankfurt": 0.45,
        "singapore": 0.55,
    }
    assert {name: share.lost for name, share in found.items()} == {
        "mumbai": "singapore",
        "oregon": "frankfurt",
        "frankfurt": "oregon",
        "singapore": "mumbai",
    }


@given(catalogues())
def test_no_loss_exceeds_the_worst_share(catalogue: Catalogue) -> None:
    for name in NAMES:
        share = worst(name, lambda region, lost: visitors(region, lost, catalogue), catalogue)
        assert share.normal == visitors(name, None, catalogue)
        assert all(visitors(name, lost, catalogue) <= share.value for lost in (None, *NAMES) if lost != name)


@given(losses)
def test_every_bucket_has_a_writer_whoever_is_lost(lost: str | None) -> None:
    assert sum(writes(name, lost) for name in NAMES) == pytest.approx(1)
    if lost is not None:
        assert writes(lost, lost) == 0
        assert writes(CATALOGUE.get(lost).partner, lost) == pytest.approx(0.5)


def test_after_a_promotion_the_loss_of_the_promoted_writer_gives_the_buckets_back_to_their_home() -> None:
    first, *rest = SHARD_MAP.ranges
    promoted = ShardMap(2, (replace(first, writer="singapore", term=2), *rest))
    assert writes("singapore", None, shard_map=promoted) == pytest.approx(0.5)
    assert writes("mumbai", None, shard_map=promoted) == 0
    assert writes("mumbai", "singapore", shard_map=promoted) == pytest.approx(0.5)


def test_a_log_takes_its_visitors_and_the_copies_of_its_sources() -> None:
    assert logged("singapore") == pytest.approx(0.15 + 0.40)
    assert logged("singapore", "mumbai") == pytest.approx(0.55)
    assert logged("oregon", "singapore") == pytest.approx(0.25 + 0.20)


def test_a_database_holds_the_buckets_at_home() -> None:
    assert [home_share(name) for name in NAMES] == [0.25] * 4
    everything = ShardMap(1, (BucketRange(0, BUCKETS, home="oregon", writer="oregon"),))
    assert home_share("oregon", everything) == 1
    assert home_share("mumbai", everything) == 0


@given(st.floats(0.001, 1_000))
def test_loads_scale_together(factor: float) -> None:
    scaled = HEADLINE.times(factor)
    assert scaled.api_rps / HEADLINE.api_rps == pytest.approx(factor)
    assert scaled.sessions / scaled.viewers == pytest.approx(0.1)


def test_a_load_that_is_none_is_refused() -> None:
    with pytest.raises(CatalogueError, match="load events is 0"):
        Loads(events=0)
