"""Topics: partitions are grouped by home cell and stable."""

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.topics import (
    DEAD_LETTERS,
    PARTITIONS_PER_HOME,
    TOPIC_CONFIG,
    TOPICS,
    partition_base,
    partition_of,
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
