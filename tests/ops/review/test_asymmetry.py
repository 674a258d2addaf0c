"""Regions compared: alike in other words is alike, and what is unequal has its regions and its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.review.asymmetry import UNEXPLAINED, Asymmetry, asymmetries
from ops.review.changes import compared
from ops.review.declared import declared
from ops.review.neutral import of_region
from ops.review.planned import by_capacity
from ops.review.replacing import forces
from regions import capacity
from regions.addresses import plan
from regions.catalogue import CATALOGUE, Catalogue
from services.contracts.demand import CONTRACT
from tests.ops.review.digests import created, digest

INSTANCE = "aws:rds/instance:Instance"
CLASSES = ("large", "xlarge", "2xlarge")


def _preview(classes: dict[str, str], catalogue: Catalogue = CATALOGUE) -> list[dict[str, object]]:
    return [
        digest(
            region.name,
            created(
                region.name,
                INSTANCE,
                f"{region.name}-primary",
                identifier=f"meridian-{region.name}",
                instanceClass=classes[region.name],
                region=region.code,
                address=f"{plan(region).vpc.network_address + 17}",
                copy=f"to {region.partner}",
            ),
        )
        for region in catalogue.regions
        if region.name in classes
    ]


def _found(before: dict[str, str], after: dict[str, str], catalogue: Catalogue = CATALOGUE) -> tuple[Asymmetry, ...]:
    old, new = declared(_preview(before, catalogue)), declared(_preview(after, catalogue))
    return asymmetries(compared(old, new, forces), new, catalogue)


ALL = dict.fromkeys(CATALOGUE.names, "large")
classes = st.fixed_dictionaries({name: st.sampled_from(CLASSES) for name in CATALOGUE.names})


@settings(deadline=None)
@given(st.sampled_from(CLASSES), st.sampled_from(CLASSES))
def test_regions_that_change_alike_are_equal(before: str, after: str) -> None:
    assert _found(dict.fromkeys(ALL, before), dict.fromkeys(ALL, after)) == ()


def test_adding_the_same_everywhere_is_equal_although_every_name_differs() -> None:
    assert _found({}, ALL) == ()
    assert _found(ALL, {}) == ()


def _renamed(catalogue: Catalogue, names: dict[str, str]) -> Catalogue:
    return Catalogue(
        tuple(
            replace(r, name=names[r.name], title=names[r.name].title(), partner=names[r.partner])
            for r in catalogue.regions
        )
    )


@settings(deadline=None)
@given(classes, classes, st.permutations(["lagos", "osaka", "lima", "dublin"]))
def test_what_regions_are_called_makes_no_difference(
    before: dict[str, str], after: dict[str, str], titles: list[str]
) -> None:
    names = dict(zip(CATALOGUE.names, titles, strict=True))
    turned = _renamed(CATALOGUE, names)
    here = _found(before, after)
    there = _found(
        {names[k]: v for k, v in before.items()}, {names[k]: v for k, v in after.items()}, turned
    )  # fmt: skip

    def shape(entry: Asymmetry, names: dict[str, str]) -> object:
        return (
            entry.component,
            entry.what,
            [names[region] for region in entry.regions],
            [(names[region], reason) for region, reason in entry.others],
        )

    assert [shape(e, names) for e in here] == [shape(e, {n: n for n in titles}) for e in there]


@settings(deadline=None)
@given(classes, classes)
def test_every_region_that_differs_without_a_reason_is_told(before: dict[str, str], after: dict[str, str]) -> None:
    changed = {name for name in ALL if before[name] != after[name]}
    found = _found(before, after)
    for entry in found:
        assert set(entry.regions) == changed
    if changed and changed != set(ALL):
        assert {name for entry in found for name, _ in entry.others} == set(ALL) - changed


def test_one_region_changed_names_it_and_what_the_others_have() -> None:
    (entry,) = _found(ALL, {**ALL, "mumbai": "xlarge"})
    assert entry.regions == ("mumbai",)
    assert entry.what == "<name>-primary (rds instance): instance class changed → xlarge"
    assert dict(entry.others) == dict.fromkeys(("oregon", "frankfurt", "singapore"), f"still large, {UNEXPLAINED}")
    assert not entry.explained


def test_a_region_that_follows_the_others_is_explained() -> None:
    (entry,) = _found({**dict.fromkeys(ALL, "xlarge"), "oregon": "large"}, dict.fromkeys(ALL, "xlarge"))
    assert {reason for _, reason in entry.others} == {"so already"}
    assert entry.explained


def test_a_region_without_such_a_resource_is_explained() -> None:
    others = [digest(name, created(name, "aws:sqs/queue:Queue", "q")) for name in ("oregon", "singapore")]
    two = dict.fromkeys(("mumbai", "frankfurt"), "large")
    old = declared([*_preview(two), *others])
    new = declared([*_preview(dict.fromkeys(two, "xlarge")), *others])
    (entry,) = asymmetries(compared(old, new, forces), new, CATALOGUE)
    assert dict(entry.others) == dict.fromkeys(("oregon", "singapore"), "no such resource")
    assert entry.explained


def test_a_region_of_which_nothing_was_previewed_is_not_compared() -> None:
    two = dict.fromkeys(("mumbai", "frankfurt"), "large")
    assert _found(two, dict.fromkeys(two, "xlarge")) == ()


def test_equal_regions_led_to_different_values_are_told() -> None:
    (entry,) = _found(ALL, {**dict.fromkeys(ALL, "xlarge"), "oregon": "2xlarge"})
    assert ("oregon", f"2xlarge now, {UNEXPLAINED}") in entry.others
    different = {"mumbai": "xlarge", "oregon": "large", "frankfurt": "large", "singapore": "large"}
    assert _found(different, {**dict.fromkeys(ALL, "xlarge"), "mumbai": "2xlarge"}) == ()


def test_neutral_words_hide_which_region_it_is() -> None:
    texts = set()
    for entry in CATALOGUE.regions:
        zones = " ".join(entry.zone_ids)
        text = (
            f"{entry.name} {entry.code} {entry.title} {zones} {plan(entry).vpc} {plan(entry).services} {entry.partner}"
        )
        texts.add(of_region(entry, CATALOGUE).text(text))
    assert len(texts) == 1


SCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"


def _bounds(least: Callable[[str], int]) -> list[dict[str, object]]:
    name = "workloads-horizontalpodautoscaler-transcoder"
    return [
        digest(region, created(region, SCALER, name, spec={"minReplicas": least(region)})) for region in CATALOGUE.names
    ]


def _planned_least(region: str) -> int:
    return capacity.plan(region, CONTRACT).sizes.replicas["transcoder"].least


def _against_the_plan(before: Callable[[str], int], after: Callable[[str], int]) -> tuple[Asymmetry, ...]:
    old, new = declared(_bounds(before)), declared(_bounds(after))
    return asymmetries(compared(old, new, forces), new, CATALOGUE, by_capacity(CATALOGUE))


def test_what_the_plan_gives_each_region_by_its_weight_is_explained_by_it() -> None:
    (entry,) = _against_the_plan(lambda _: 1, _planned_least)
    assert entry.explained
    assert dict(entry.others)["singapore"] == f"{_planned_least('singapore')} now, as planned for its weight of 0.15"


def test_what_stays_because_the_plan_does_not_change_it_is_explained_too() -> None:
    (entry,) = _against_the_plan(lambda region: 1 if region == "mumbai" else _planned_least(region), _planned_least)
    assert entry.regions == ("mumbai",)
    assert dict(entry.others)["oregon"] == f"still {_planned_least('oregon')}, as planned for its weight of 0.25"


def test_a_region_that_leaves_the_plan_leaves_all_of_them_unexplained() -> None:
    (entry,) = _against_the_plan(_planned_least, lambda region: 700 if region == "mumbai" else _planned_least(region))
    assert not entry.explained
    assert all(reason.endswith(UNEXPLAINED) for _, reason in entry.others)
