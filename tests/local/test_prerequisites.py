"""What is asked of a machine, and how it is told."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import prerequisites
from local.prerequisites import Machine, MissingPrerequisitesError, missing

COMPLETE = Machine(
    python=(3, 11, 7),
    go=(1, 26, 0),
    maven=True,
    node=(20, 1, 0),
    npm=True,
    git=True,
    engine=False,
    kafka=False,
    free_disk=20 * 1024**3,
)
BARE = Machine(
    python=(3, 10, 2), go=None, maven=False, node=None, npm=False, git=False, engine=False, kafka=False, free_disk=1
)


def test_a_complete_machine_misses_nothing() -> None:
    assert missing(COMPLETE) == ()
    prerequisites.require(COMPLETE)


def test_everything_that_is_missing_is_reported_at_once_with_its_remedy() -> None:
    with pytest.raises(MissingPrerequisitesError) as caught:
        prerequisites.require(BARE)
    lines = str(caught.value).splitlines()
    assert len(lines) == 1 + 7
    for word in ("Python 3.11", "Go 1.25", "Maven", "Node 20", "npm", "git", "free disk"):
        assert sum(word in line for line in lines) >= 1, word
    assert all(entry.remedy for entry in caught.value.missing)


def test_go_is_not_asked_for_where_an_engine_is_there() -> None:
    assert missing(replace(COMPLETE, go=None, engine=True)) == ()
    assert ["Go" in entry.what for entry in missing(replace(COMPLETE, go=None))] == [True]


def test_an_old_go_is_named_with_the_version_that_was_found() -> None:
    (entry,) = missing(replace(COMPLETE, go=(1, 24, 9)))
    assert entry.found == "1.24.9"


def test_maven_is_not_asked_for_where_kafka_is_there() -> None:
    assert missing(replace(COMPLETE, maven=False, kafka=True)) == ()
    assert len(missing(replace(COMPLETE, maven=False))) == 1


def test_less_disk_is_enough_once_everything_is_built() -> None:
    small = replace(COMPLETE, free_disk=3 * 1024**3)
    assert len(missing(small)) == 1
    assert missing(replace(small, engine=True, kafka=True)) == ()


@given(st.sets(st.sampled_from([field.name for field in fields(Machine)])))
def test_a_machine_with_more_never_misses_more(taken: set[str]) -> None:
    poorer = replace(COMPLETE, **{name: getattr(BARE, name) for name in taken})
    assert set(missing(COMPLETE)) <= set(missing(poorer)) <= set(missing(BARE))


def test_this_machine_can_be_asked() -> None:
    machine = prerequisites.this_machine()
    assert machine.python >= (3, 11)
    assert machine.free_disk > 0
