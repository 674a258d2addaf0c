"""After a recorded promotion: what was promoted stays the same resource, and every name follows the writer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from regions import writers
from regions.catalogue import CATALOGUE
from regions.stacks import link_of
from regions.writers import Record
from tests.stacks.footprints import of_link
from tests.stacks.recording import Footprint, cell

LINK = link_of("links-mumbai-singapore")
INSTANCE, RECORD = "aws:rds/instance:Instance", "aws:route53/record:Record"
LOST = writers.lose(Record(), "mumbai")
BACK = writers.settle(writers.bring_back(LOST, "mumbai"), "mumbai")
SWAPPED = writers.settle(writers.bring_back(writers.lose(BACK, "singapore"), "singapore"), "singapore")


def links(record: Record) -> Footprint:
    return of_link.__wrapped__(LINK, writers=record)


@pytest.fixture(scope="module")
def before() -> Footprint:
    return links(Record())


@pytest.fixture(scope="module")
def lost() -> Footprint:
    return links(LOST)


def names_of(footprint: Footprint) -> set[tuple[str, str]]:
    return {(item.type, item.name) for item in footprint.resources}


def inputs_of(footprint: Footprint) -> dict[str, Mapping[str, Any]]:
    return {item.name: item.inputs for item in footprint.of(INSTANCE)}


def test_the_promoted_instance_only_loses_its_source_and_leaves_a_snapshot_from_now_on(
    before: Footprint, lost: Footprint
) -> None:
    was, now = (side.one(INSTANCE, "mumbai-to-singapore-database") for side in (before, lost))
    assert {key for key in was.inputs.keys() | now.inputs.keys() if was.inputs.get(key) != now.inputs.get(key)} == {
        *("replicateSourceDb", "skipFinalSnapshot", "finalSnapshotIdentifier"),
    }
    assert "replicateSourceDb" not in now.inputs
    assert now.protect
    assert now.inputs["deletionProtection"]
    assert now.inputs["finalSnapshotIdentifier"] == f"{now.inputs['identifier']}-final"


def test_nothing_stateful_goes_and_only_the_alarm_on_a_lag_that_is_none(before: Footprint, lost: Footprint) -> None:
    gone, new = names_of(before) - names_of(lost), names_of(lost) - names_of(before)
    assert {name for _, name in gone} == {"mumbai-to-singapore-database-lag"}
    assert new == set()


def test_the_writers_name_leads_to_whoever_writes(before: Footprint, lost: Footprint) -> None:
    was, now = (side.one(RECORD, "mumbai-to-singapore-writer").inputs for side in (before, lost))
    assert was["name"] == now["name"] == "writer.mumbai.db.meridian.example"
    assert was["records"] != now["records"]
    assert (
        lost.one(RECORD, "singapore-to-mumbai-writer").inputs == before.one(RECORD, "singapore-to-mumbai-writer").inputs
    )


def test_the_lost_region_stays_declared_but_for_where_it_writes() -> None:
    was, now = cell("mumbai", writers=Record()), cell("mumbai", writers=LOST)
    assert names_of(was) == names_of(now)
    assert inputs_of(was) == inputs_of(now)
    assert now.outputs["settings"]["database"]["writer"]["host"] == "writer.mumbai.db.meridian.example"


def test_the_returned_region_gets_another_instance_that_follows_the_promoted_one() -> None:
    footprint = cell("mumbai", writers=BACK)
    built = footprint.one(INSTANCE, "database-primary-t2")
    assert built.inputs["identifier"] == "meridian-mumbai-t2"
    promoted = links(BACK).one(INSTANCE, "mumbai-to-singapore-database")
    assert built.inputs["replicateSourceDb"].endswith(f":db:{promoted.inputs['identifier']}")
    assert f":{CATALOGUE.get('singapore').code}:" in built.inputs["replicateSourceDb"]
    assert "username" not in built.inputs
    assert "database-primary" not in {item.name for item in footprint.of(INSTANCE)}


def test_when_roles_swap_back_the_home_writes_and_the_partner_has_a_new_copy() -> None:
    own = cell("mumbai", writers=SWAPPED).one(INSTANCE, "database-primary-t2")
    assert "replicateSourceDb" not in own.inputs
    assert own.inputs["finalSnapshotIdentifier"] == f"{own.inputs['identifier']}-final"
    copy = links(SWAPPED).one(INSTANCE, "mumbai-to-singapore-database-t3")
    assert copy.inputs["identifier"] == "meridian-mumbai-in-singapore-t3"
    assert "replicateSourceDb" in copy.inputs
    was = links(Record()).one(RECORD, "mumbai-to-singapore-writer").inputs["records"]
    assert links(SWAPPED).one(RECORD, "mumbai-to-singapore-writer").inputs["records"] == was
