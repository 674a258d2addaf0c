"""Topics: partitions are grouped by home cell and stable."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions import names
from regions.catalogue import CATALOGUE, Region
from services.contracts.topics import (
    DEAD_LETTERS,
    PARTITIONS_PER_HOME,
    TOPIC_CONFIG,
    TOPICS,
    VIEWS,
    SeveralCopiesError,
    copied_name,
    partition_base,
    partition_of,
    prefix_of_copies,
)


@given(st.integers(0, 15), st.integers(0, 2**63 - 1))
def test_a_video_falls_into_the_group_of_its_home_cell(home: int, video_id: int) -> None:
    partition = partition_of(home, video_id)
    assert partition_base(home) <= partition < partition_base(home + 1)
    assert partition == partition_of(home, video_id)


def test_consecutive_ids_spread_over_all_partitions_of_the_group() -> None:
    counts = [0] * PARTITIONS_PER_HOME
    for video_id in range(15_000):
        counts[partition_of(0, video_id << 10)] += 1
    assert min(counts) > 500


def test_topics_can_neither_lose_nor_compact() -> None:
    assert TOPIC_CONFIG["unclean.leader.election.enable"] == "false"
    assert TOPIC_CONFIG["cleanup.policy"] == "delete"
    assert TOPIC_CONFIG["min.insync.replicas"] == "2"
    assert len({topic.name for topic in TOPICS}) == 6
    assert {topic.partitions(4) for topic in TOPICS} == {60, 4}
    assert [topic.name for topic in TOPICS if topic.partitions(4) == 4] == [DEAD_LETTERS.name]


def lying(*aliases: str) -> set[str]:
    """The names of all topics in a cluster that holds its own and copies under these aliases."""
    own = {topic.name for topic in TOPICS}
    return own | {copied_name(alias, name) for alias in aliases for name in own} | {"__amazon_msk_canary", "heartbeats"}


@pytest.mark.parametrize("source", CATALOGUE.regions, ids=lambda region: region.name)
def test_copies_are_found_under_the_alias_of_mirror_maker_and_under_that_of_msk(source: Region) -> None:
    others = [f"{names.kafka(region)}-1f2e" for region in CATALOGUE.regions if region != source]
    assert prefix_of_copies(source, lying(*others)) is None
    for alias in (source.name, names.kafka(source), f"{names.kafka(source)}-0a1b2c3d"):
        assert prefix_of_copies(source, lying(alias, *others)) == alias
        assert prefix_of_copies(source, {copied_name(alias, VIEWS.name)}) == alias


def test_two_copies_of_the_same_topics_are_an_error_that_names_both() -> None:
    mumbai = CATALOGUE.get("mumbai")
    with pytest.raises(SeveralCopiesError, match="meridian-mumbai-1, meridian-mumbai-2"):
        prefix_of_copies(mumbai, lying("meridian-mumbai-1", "meridian-mumbai-2"))
