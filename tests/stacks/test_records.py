from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions import steering
from regions.catalogue import CATALOGUE, Catalogue, Region
from regions.names import Hosts
from regions.steering import STEERING, Steering
from stacks.records import Record, Role, table
from tests.stacks.places import CONTINENT, WITHOUT_ADDRESSES
from tests.stacks.route53 import Entry, HostedZone, InvalidChangeError

HOSTS = Hosts("meridian.example")
NAMES = CATALOGUE.names


def entry(record: Record) -> Entry:
    place = record.place
    return Entry(
        name=record.name,
        type=record.type,
        identifier=record.identifier,
        target=record.target,
        evaluates=record.follows_health,
        country=(place.country or (None if place.continent else "*")) if place else None,
        continent=place.continent if place else None,
        failover=record.role,
        check=record.region,
    )


def zone(places: Steering = STEERING, catalogue: Catalogue = CATALOGUE) -> HostedZone:
    result = HostedZone(outside=[HOSTS.origin(region) for region in catalogue.regions])
    for record in table(HOSTS, places, catalogue):
        result.add(entry(record))
    return result


def served_by(
    where: HostedZone, country: str | None, healthy: Collection[str], catalogue: Catalogue = CATALOGUE
) -> str:
    answer = where.answer(
        HOSTS.api,
        "A",
        country=country,
        continent=None if country is None else CONTINENT[country],
        unhealthy=[name for name in catalogue.names if name not in healthy],
    )
    return {HOSTS.origin(region): region.name for region in catalogue.regions}[str(answer)]


SUBSETS = [frozenset(name for i, name in enumerate(NAMES) if bits >> i & 1) for bits in range(1 << len(NAMES))]
ZONE = zone()


@pytest.mark.parametrize("healthy", SUBSETS, ids=lambda subset: "+".join(sorted(subset)) or "none")
def test_declared_records_answer_every_country_as_steering_says(healthy: frozenset[str]) -> None:
    different = {
        country: (served_by(ZONE, country, healthy), steering.resolve(country, healthy))
        for country in (*CONTINENT, None)
        if served_by(ZONE, country, healthy) != steering.resolve(country, healthy)
    }
    assert different == {}


@given(st.data())
def test_any_steering_of_any_catalogue_is_answered_as_it_says(data: st.DataObject) -> None:
    catalogue = data.draw(catalogues())
    name = st.sampled_from(catalogue.names)
    places = Steering(
        countries=data.draw(st.dictionaries(st.sampled_from(sorted(CONTINENT)), name, max_size=8)),
        continents={continent: data.draw(name) for continent in sorted(set(CONTINENT.values()))},
        default=data.draw(name),
    )
    healthy = data.draw(st.sets(name))
    country = data.draw(st.one_of(st.none(), st.sampled_from(sorted(CONTINENT))))
    answered = served_by(zone(places, catalogue), country, healthy, catalogue)
    assert answered == steering.resolve(country, healthy, places, catalogue)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    count = draw(st.integers(1, 6))
    made = [f"r{number}" for number in range(count)]
    return Catalogue(
        tuple(
            Region(
                name=made[i],
                code=f"xx-{i}",
                title=made[i],
                index=i + 1,
                zone_ids=("a", "b", "c"),
                partner=made[0] if count == 1 else draw(st.sampled_from([m for m in made if m != made[i]])),
                residency=CATALOGUE.regions[0].residency,
                weight=1 / count,
            )
            for i in range(count)
        )
    )


def test_a_drained_region_gets_nobody_and_loses_no_country() -> None:
    for drained in NAMES:
        healthy = [name for name in NAMES if name != drained]
        assert drained not in {served_by(ZONE, country, healthy) for country in CONTINENT}


def test_every_place_has_a_default_to_fall_back_on_and_none_that_route_53_refuses() -> None:
    places = [record.place for record in table(HOSTS, STEERING, CATALOGUE) if record.place]
    assert [place for place in places if not place.country and not place.continent]
    assert {place.country for place in places}.isdisjoint(WITHOUT_ADDRESSES)


def test_geography_never_looks_at_health_and_chains_always_do() -> None:
    for record in table(HOSTS, STEERING, CATALOGUE):
        assert record.follows_health == (record.role is not None)
        leads_out = record.target in {HOSTS.origin(region) for region in CATALOGUE.regions}
        assert (record.region is not None) == leads_out
        if record.role is Role.PRIMARY:
            assert record.region


def test_the_judge_goes_to_a_larger_place_when_a_place_looks_at_health() -> None:
    judge = HostedZone(outside=["a", "b"])
    judge.add(Entry("x", "A", "in", "a", evaluates=True, country="IN", check="down"))
    judge.add(Entry("x", "A", "as", "b", evaluates=True, continent="AS"))
    assert judge.answer("x", "A", country="IN", continent="AS", unhealthy=["down"]) == "b"
    assert judge.answer("x", "A", country="IN", continent="AS", unhealthy=[]) == "a"
    assert judge.answer("x", "A", country="FR", continent="EU", unhealthy=[]) is None


@pytest.mark.parametrize(
    ("records", "cause"),
    [
        ([Entry("x", "A", "1", "out", evaluates=False, failover="PRIMARY")], "must evaluate"),
        ([Entry("x", "A", "1", "nowhere", evaluates=True)], "no A record"),
        ([Entry("x", "A", "1", "out", True, country="IN"), Entry("x", "A", "2", "out", True, country="IN")], "twice"),
        ([Entry("x", "A", "1", "out", True, country="IN"), Entry("x", "A", "1", "out", True, country="FR")], "exists"),
        ([Entry("x", "A", "1", "out", True, country="IN"), Entry("x", "A", "2", "out", True)], "one policy"),
    ],
)
def test_the_judge_refuses_what_route_53_refuses(records: list[Entry], cause: str) -> None:
    judge = HostedZone(outside=["out"])
    for record in records[:-1]:
        judge.add(record)
    with pytest.raises(InvalidChangeError, match=cause):
        judge.add(records[-1])
