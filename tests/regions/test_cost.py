"""Prices name their sources, bills follow their resources, and what nobody priced stops with file, key and remedy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.catalogue import CATALOGUE
from regions.cost import Bill, Item, Money, Unpriced, bill, compare, delta, price_resource, quantity
from regions.figures import Basis, assumed, measured, published, share_assumed, weakest
from regions.prices import DELIVERY, HOURS, PRICES, PriceError, delivery, price

DATABASE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"


def database(instance_class: str = "db.r8g.xlarge", *, storage: int = 400, name: str = "primary") -> Item:
    inputs = {
        "identifier": name,
        "instanceClass": instance_class,
        "multiAz": True,
        "allocatedStorage": storage,
    }
    return Item(DATABASE, name, "us-west-2", inputs)


def replica(name: str, source: str) -> Item:
    return Item(DATABASE, name, "us-west-2", {"instanceClass": "db.r8g.xlarge", "replicateSourceDb": source})


def deployment(cpu: str, memory: str) -> Item:
    container = {"resources": {"requests": {"cpu": cpu, "memory": memory}}}
    properties = {"metadata": {"name": "x"}, "spec": {"template": {"spec": {"containers": [container]}}}}
    return Item("kubernetes:apps/v1:Deployment", "x", "us-west-2", properties)


def autoscaler(least: int) -> Item:
    properties = {"metadata": {"name": "x"}, "spec": {"minReplicas": least, "maxReplicas": 2 * least}}
    return Item("kubernetes:autoscaling/v2:HorizontalPodAutoscaler", "x", "us-west-2", properties)


def with_disk(item: Item, storage: str) -> Item:
    """A deployment each of whose pods has a disk that comes and goes with it."""
    claim = {"spec": {"resources": {"requests": {"storage": storage}}}}
    volumes = [{"name": "settings", "configMap": {}}, {"name": "x", "ephemeral": {"volumeClaimTemplate": claim}}]
    inner = item.properties["spec"]
    assert isinstance(inner, dict)
    template = inner["template"]
    spec = {**inner, "template": {"spec": {**template["spec"], "volumes": volumes}}}
    return Item(item.type, item.name, item.region, {**item.properties, "spec": spec})


def test_disks_that_come_with_pods_are_charged_for_the_least_number_of_pods() -> None:
    plain, disks = (
        bill([one, autoscaler(3)]).usd for one in (deployment("1", "1Gi"), with_disk(deployment("1", "1Gi"), "100Gi"))
    )
    assert disks - plain == pytest.approx(3 * 100 * PRICES["ebs.gp3"].value)


def amount(item: Item) -> float:
    money = price_resource(item.type, item.region, item.properties)
    assert isinstance(money, Money)
    return money.usd


def test_a_database_costs_its_class_twice_over_two_zones_and_its_storage() -> None:
    expected = 2 * 2 * PRICES["rds.r8g.large"].value * HOURS + 2 * 400 * PRICES["rds.gp3"].value
    assert amount(database()) == pytest.approx(expected)


def test_the_next_size_costs_double() -> None:
    one, two = (amount(database(f"db.r8g.{size}", storage=1)) for size in ("2xlarge", "4xlarge"))
    storage = 2 * PRICES["rds.gp3"].value
    assert two - storage == pytest.approx(2 * (one - storage))


@given(shards=st.integers(1, 90), replicas=st.integers(0, 5))
def test_a_cache_costs_every_node(shards: int, replicas: int) -> None:
    inputs = {"nodeType": "cache.r8g.large", "numNodeGroups": shards, "replicasPerNodeGroup": replicas}
    expected = shards * (replicas + 1) * PRICES["elasticache.r8g.large"].value * HOURS
    assert amount(Item(CACHE, "cache", "us-west-2", inputs)) == pytest.approx(expected)


def test_a_replica_is_charged_for_the_storage_of_its_source() -> None:
    alone = bill([database(), replica("r", "elsewhere")]).usd
    for named in ("primary", "arn:aws:rds:us-west-2:123456789012:db:primary"):
        assert bill([database(), replica("r", named)]).usd - alone == pytest.approx(400 * PRICES["rds.gp3"].value)


def test_pods_cost_what_they_request_of_machines() -> None:
    by_cpu, by_memory = (bill([deployment(*request), autoscaler(10)]).usd for request in (("1", "1Gi"), ("1", "8Gi")))
    assert by_memory == pytest.approx(2 * by_cpu)
    assert bill([deployment("1", "1Gi"), autoscaler(20)]).usd == pytest.approx(2 * by_cpu)


def test_an_autoscaler_without_its_deployment_has_no_price() -> None:
    with pytest.raises(PriceError, match="no Deployment 'x'"):
        bill([autoscaler(3)])


@pytest.mark.parametrize(("text", "value"), [("500m", 0.5), ("2", 2), ("4Gi", 2**32), ("0.5", 0.5), ("256Mi", 2**28)])
def test_quantities_are_read_as_kubernetes_reads_them(text: str, value: float) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize("text", ["", "m", "Gi", "1.2.3", "-1", "1e3x", "nan"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(PriceError, match="no quantity"):
        quantity(text)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (
            Item("aws:new/thing:Thing", "t", "us-west-2", {}),
            r"regions/charges\.py: nothing says .*add 'new/Thing' to CHARGED",
        ),
        (database("db.m8g.xlarge"), r"regions/prices\.py.*rds\.m8g\.large.*add"),
        (database("db.r8g"), r"no class of a known size"),
        (Item(DATABASE, "d", "af-south-1", database().properties), r"regions/prices\.py.*af-south-1.*add"),
        (Item(DATABASE, "d", "us-west-2", {"instanceClass": 7}), r"instanceClass is 7"),
        (Item(CACHE, "c", "us-west-2", {"nodeType": "cache.r8g.large", "numNodeGroups": True}), "a number is needed"),
    ],
)
def test_what_has_no_price_stops_with_its_place_and_remedy(item: Item, says: str) -> None:
    with pytest.raises(PriceError, match=says):
        bill([item])


def test_a_geography_without_delivery_prices_stops() -> None:
    with pytest.raises(PriceError, match=r"DELIVERY has no 'af-south-1'; add"):
        delivery("af-south-1")


def test_what_is_free_says_why() -> None:
    subnet = price_resource("aws:ec2/subnet:Subnet", "us-west-2", {})
    assert isinstance(subnet, Unpriced)
    assert subnet.reason


def test_an_unchanged_footprint_changes_nothing() -> None:
    items = [database(), replica("r", "primary"), deployment("1", "1Gi"), autoscaler(3)]
    assert delta(items, list(reversed(items))).changes == ()


def test_a_larger_class_shows_as_one_change_that_is_the_whole_difference() -> None:
    found = delta([database(), replica("r", "primary")], [database("db.r8g.2xlarge"), replica("r", "primary")])
    (change,) = found.changes
    assert (change.component, change.region) == ("database", "us-west-2")
    assert change.usd == pytest.approx(found.usd) == pytest.approx(2 * 2 * PRICES["rds.r8g.large"].value * HOURS)
    assert found.basis is Basis.PUBLISHED


def test_what_goes_and_what_comes_has_one_side_only_and_the_largest_is_first() -> None:
    found = delta([database()], [replica("r", "elsewhere")])
    assert [(change.before is None, change.after is None) for change in found.changes] == [(False, True), (True, False)]
    assert [abs(change.usd) for change in found.changes] == sorted((abs(c.usd) for c in found.changes), reverse=True)


@given(st.lists(st.integers(400, 4_000), max_size=4), st.lists(st.integers(400, 4_000), max_size=4))
def test_the_changes_of_a_delta_sum_to_its_total(before: list[int], after: list[int]) -> None:
    sides = [bill([database(storage=size, name=f"d{n}") for n, size in enumerate(sizes)]) for sizes in (before, after)]
    found = compare(*sides)
    assert sum(change.usd for change in found.changes) == pytest.approx(found.usd, abs=0.01)
    assert compare(sides[1], sides[0]).usd == pytest.approx(-found.usd)


def test_two_bills_add_up() -> None:
    one, two = bill([database(name="a")]), bill([database(name="b")])
    assert (one + two).usd == pytest.approx(one.usd + two.usd)
    assert Bill(()).usd == Bill(()).assumed == 0


def test_every_region_of_the_catalogue_has_every_price() -> None:
    for region in CATALOGUE.regions:
        assert delivery(region.code)
        assert all(price(key, region.code).value > 0 for key in PRICES)


def test_what_stands_on_an_assumption_is_assumed() -> None:
    assert price("rds.gp3", "us-west-2").basis is Basis.PUBLISHED
    assert price("rds.gp3", "ap-south-1").basis is Basis.ASSUMED
    assert weakest([Basis.MEASURED, Basis.ASSUMED, Basis.PUBLISHED]) is Basis.ASSUMED


def test_a_published_price_names_where_and_when_it_was_read() -> None:
    quoted = [*PRICES.values(), *(step for tiers in DELIVERY.values() for _, step in tiers)]
    for figure in quoted:
        if figure.basis is Basis.PUBLISHED:
            assert figure.source.startswith("https://")
            assert "read 2026-" in figure.source


def test_delivery_never_gets_dearer_with_volume_and_has_no_end() -> None:
    for tiers in DELIVERY.values():
        assert [limit for limit, _ in tiers] == sorted(limit for limit, _ in tiers)
        assert tiers[-1][0] == float("inf")
        assert [step.value for _, step in tiers] == sorted((step.value for _, step in tiers), reverse=True)


def test_a_figure_needs_a_source_and_a_positive_value() -> None:
    with pytest.raises(ValueError, match="source"):
        assumed(1, "x", " ")
    with pytest.raises(ValueError, match="positive"):
        measured(0, "x", "here")


def test_the_share_of_assumed_figures_is_counted() -> None:
    assert (
        share_assumed([assumed(1, "x", "s"), published(1, "x", "s"), measured(1, "x", "s"), assumed(1, "x", "s")])
        == 0.5
    )
