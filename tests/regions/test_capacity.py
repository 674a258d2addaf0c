"""The plan carries the loads, grows with them, has the same shape everywhere, and says where it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regions import rates
from regions.addresses import plan as address_plan
from regions.capacity import Plan, Sizes, plan, plans
from regions.catalogue import AZS_PER_REGION, CATALOGUE, Catalogue, Region, ResidencyZone
from regions.ceilings import EVERYWHERE, Ceiling, broken, ceilings, words
from regions.errors import CatalogueError
from regions.figures import Basis
from regions.loads import HEADLINE, Loads
from regions.machines import BROKERS, CACHES, DATABASES
from regions.quotas import QUOTAS
from services.common.database import PoolOptions
from services.contracts.demand import CONTRACT, contract_of
from services.contracts.events import Watched

NAMES = CATALOGUE.names
factors = st.floats(0.001, 4)
SAO_PAULO = Region(
    name="saopaulo",
    code="sa-east-1",
    title="São Paulo",
    index=5,
    zone_ids=("sae1-az1", "sae1-az2", "sae1-az3"),
    partner="oregon",
    residency=ResidencyZone.NONE,
    weight=0.05,
)


@cache
def at(factor: float = 1.0) -> tuple[Plan, ...]:
    return plans(CONTRACT, HEADLINE.times(factor))


@cache
def quotas(factor: float = 1.0) -> tuple[Ceiling, ...]:
    return ceilings(at(factor), CONTRACT, HEADLINE.times(factor))


def numbers(sizes: Sizes) -> list[float]:
    """Everything that may only grow with load; classes by their size."""
    by_name = {machine.name: machine.size for machine in (*DATABASES, *CACHES, *BROKERS)}
    return [
        by_name[sizes.database_class],
        sizes.database_storage,
        sizes.database_max_storage,
        sizes.database_replicas,
        sizes.cache_shards,
        by_name[sizes.cache_node] * sizes.cache_shards,
        by_name[sizes.broker_class] * sizes.brokers_per_zone,
        sizes.broker_storage * sizes.brokers_per_zone,
        *(number for bounds in sizes.replicas.values() for number in (bounds.least, bounds.most)),
    ]


@given(st.tuples(factors, factors))
@settings(max_examples=30, deadline=None)
def test_more_load_never_gets_less_of_anything(pair: tuple[float, float]) -> None:
    small, large = sorted(pair)
    try:
        more = plan("mumbai", CONTRACT, HEADLINE.times(large))
    except CatalogueError:
        return
    less = plan("mumbai", CONTRACT, HEADLINE.times(small))
    assert all(a <= b for a, b in zip(numbers(less.sizes), numbers(more.sizes), strict=True))


@given(factors)
@settings(max_examples=30, deadline=None)
def test_what_was_chosen_carries_what_is_needed(factor: float) -> None:
    try:
        found = plan("singapore", CONTRACT, HEADLINE.times(factor))
    except CatalogueError:
        return
    assert all(line.margin >= 1 for line in found.lines)
    for bounds in found.sizes.replicas.values():
        assert bounds.least % AZS_PER_REGION == bounds.most % AZS_PER_REGION == 0
        assert AZS_PER_REGION <= bounds.least < bounds.most


def test_where_renditions_are_bought_a_pod_follows_one_job_and_needs_no_cores_for_it() -> None:
    made, bought = (plan("mumbai", contract_of(how)).sizes.replicas["transcoder"] for how in ("ffmpeg", "mediaconvert"))
    followed = HEADLINE.source_seconds * 0.55 / rates.CONVERTED.value
    assert bought.least >= followed > bought.least - AZS_PER_REGION
    assert bought.most >= followed * rates.HEADROOM.value
    cores = [contract_of(how).pods["transcoder"].cores for how in ("ffmpeg", "mediaconvert")]
    assert made.least * cores[0] > 10 * bought.least * cores[1]


def test_pods_at_least_carry_a_lost_region_and_at_most_carry_it_with_headroom() -> None:
    (mumbai,) = (one for one in at() if one.region == "mumbai")
    gateway = mumbai.sizes.replicas["gateway"]
    carried = rates.GATEWAY.value * CONTRACT.pods["gateway"].cores
    load = (HEADLINE.api_rps + HEADLINE.beacon_rps) * 0.55
    assert gateway.least * carried >= load
    assert gateway.most * carried >= load * rates.HEADROOM.value
    assert (gateway.least - AZS_PER_REGION) * carried < load


def test_every_region_has_the_same_shape_and_classes_of_its_own() -> None:
    shapes = {(p.sizes.database_replicas, p.sizes.cache_shards, p.sizes.brokers_per_zone) for p in at()}
    assert len(shapes) == 1
    assert len({p.sizes.broker_storage for p in at()}) > 1
    assert at()[0].sizes.replicas != at()[1].sizes.replicas


def test_a_partner_makes_room_for_the_region_whose_copies_it_holds() -> None:
    heavier = Catalogue(
        tuple(
            replace(region, weight={"mumbai": 0.70, "oregon": 0.10, "frankfurt": 0.10, "singapore": 0.10}[region.name])
            for region in CATALOGUE.regions
        )
    )
    before, after = (plan("singapore", CONTRACT, HEADLINE, catalogue).sizes for catalogue in (CATALOGUE, heavier))
    assert after.replicas["realtime"].least > before.replicas["realtime"].least
    assert (
        plan("oregon", CONTRACT, HEADLINE, heavier).sizes.replicas["realtime"].least < before.replicas["realtime"].least
    )


def test_a_fifth_region_is_planned_from_data_alone_and_begins_without_rows() -> None:
    others = tuple(replace(region, weight=region.weight * 0.95) for region in CATALOGUE.regions)
    five = Catalogue((*others, SAO_PAULO))
    found = {one.region: one for one in plans(CONTRACT, HEADLINE, five)}
    assert found["saopaulo"].sizes.database_class == DATABASES[0].name
    assert found["saopaulo"].sizes.cache_shards == found["mumbai"].sizes.cache_shards
    assert {one.place for one in ceilings(tuple(found.values()), CONTRACT, HEADLINE, five)} == {EVERYWHERE, *found}


def test_a_load_that_no_class_carries_stops_with_the_remedy() -> None:
    with pytest.raises(CatalogueError, match=r"too small; give the region fewer buckets or add a larger class"):
        plan("mumbai", CONTRACT, replace(HEADLINE, viewers=HEADLINE.viewers * 100))


def test_a_log_that_no_volume_holds_takes_more_brokers() -> None:
    longer = plan("mumbai", replace(CONTRACT, retention_seconds=10 * CONTRACT.retention_seconds)).sizes
    usual = at()[0].sizes
    assert longer.brokers_per_zone > usual.brokers_per_zone
    assert longer.broker_max_storage <= QUOTAS["msk storage"].limit.value
    total = longer.broker_max_storage * longer.brokers_per_zone
    assert total == pytest.approx(10 * usual.broker_max_storage * usual.brokers_per_zone, rel=0.05)


def test_more_consumers_than_partitions_stop_with_the_remedy() -> None:
    with pytest.raises(CatalogueError, match=r"counters: needs \d+ pods but a topic has 4 partitions"):
        plan("mumbai", replace(CONTRACT, partitions_per_home=1), replace(HEADLINE, events=20e6))


def test_a_workload_of_which_nobody_says_what_it_carries_stops() -> None:
    pods = {**CONTRACT.pods, "new": CONTRACT.pods["gateway"]}
    with pytest.raises(CatalogueError, match="what new must carry"):
        plan("mumbai", replace(CONTRACT, pods=pods))


def test_an_unknown_region_stops() -> None:
    with pytest.raises(CatalogueError, match="no region 'atlantis'"):
        plan("atlantis", CONTRACT)


@cache
def offered(path: str) -> Any:
    return json.loads(files("cfnlint.data.schemas").joinpath(*path.split("/")).read_text())


@pytest.mark.parametrize("region", CATALOGUE.regions, ids=lambda region: region.name)
def test_every_class_that_may_be_chosen_is_offered_in_every_region(region: Region) -> None:
    databases = {
        name
        for rule in offered("extensions/aws_rds_dbinstance/dbinstanceclass_enum.json")[region.code]["allOf"]
        if rule["if"]["properties"].get("Engine", {}).get("const") == "postgres"
        for name in rule["then"]["properties"]["DBInstanceClass"]["enum"]
    }
    caches = set(offered("extensions/aws_elasticache_cachecluster/cachenodetype_enum.json")[region.code]["enum"])
    assert {machine.name for machine in DATABASES} <= databases
    assert {machine.name for machine in CACHES} <= caches


def test_the_headlines_break_exactly_these_quotas_of_a_new_account() -> None:
    assert {ceiling.name for ceiling in broken(quotas())} == {
        "cloudfront bandwidth",
        "cloudfront requests",
        "ec2 vcpu",
        "kms signatures",
        "mediaconvert jobs",
    }


def test_delivery_breaks_cloudfronts_defaults_by_the_known_factors() -> None:
    worst_first = broken(quotas())
    assert worst_first[0].name == "cloudfront bandwidth"
    assert 1 / worst_first[0].margin == pytest.approx(35_000 / 150)
    (requests,) = (ceiling for ceiling in worst_first if ceiling.name == "cloudfront requests")
    assert 1 / requests.margin == pytest.approx(10e6 * 2 / 6 / 250_000)


def test_every_quota_is_asked_about_in_every_region_or_once_for_all() -> None:
    assert {ceiling.name for ceiling in quotas()} == set(QUOTAS)
    for name in QUOTAS:
        assert {one.place for one in quotas() if one.name == name} in ({EVERYWHERE}, set(NAMES))


def test_a_small_launch_fits_a_new_account() -> None:
    assert {ceiling.name for ceiling in broken(quotas(0.001))} <= {"ec2 vcpu"}


def test_every_break_is_told_in_one_sentence_with_places_factor_and_remedy() -> None:
    sentences = words(quotas())
    assert len(sentences) == len({ceiling.name for ceiling in broken(quotas())})
    (kms,) = (sentence for sentence in sentences if sentence.startswith("kms"))
    assert all(name in kms for name in NAMES)
    assert "times as much" in kms
    assert "Ask Service Quotas" in kms
    assert words([one for one in quotas() if one.margin >= 1]) == ()


def test_a_published_limit_says_where_it_was_read() -> None:
    for quota in QUOTAS.values():
        if quota.limit.basis is Basis.PUBLISHED and not quota.limit.source.startswith("regions/"):
            assert quota.limit.source.startswith("https://")
            assert "read 2026-" in quota.limit.source


def test_the_address_plan_has_the_addresses_that_the_quota_counts() -> None:
    network = address_plan(CATALOGUE.get("mumbai"))
    assert sum(block.num_addresses - 5 for block in network.private) == QUOTAS["pod addresses"].limit.value


def test_the_parts_of_the_api_make_a_whole_and_name_workloads() -> None:
    assert sum(part.value for part in rates.API_MIX.values()) == pytest.approx(1)
    assert set(rates.API_MIX) <= set(CONTRACT.pods)


def test_an_event_is_as_large_as_the_rate_says() -> None:
    event = Watched(id=b"x" * 16, at_ms=1_795_000_000_000, video=2**62, viewer=b"y" * 16, watched_ms=10_000)
    assert len(msgspec.msgpack.encode(event)) <= rates.EVENT_BYTES.value <= 1.2 * len(msgspec.msgpack.encode(event))


def test_the_pool_is_the_one_that_services_open() -> None:
    assert PoolOptions().max_size == CONTRACT.pool


def test_loads_are_requirements_that_one_place_states() -> None:
    assert Loads() == HEADLINE
    assert HEADLINE.events / HEADLINE.beacon_rps == 10
