"""Which partitions belong to whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regions.buckets import BUCKETS, SHARD_MAP, deal
from regions.catalogue import CATALOGUE
from services.common import ids
from services.contracts.events import Viewed
from services.contracts.topics import PARTITIONS_PER_HOME, VIEWS
from services.counters.counting import COUNTED, belongs, homes, wanted
from services.engagement import event_ids
from services.engagement.desk import placed


@given(st.integers(0, BUCKETS - 1), st.sampled_from([SHARD_MAP, deal(("mumbai", "singapore"))]))
def test_an_event_belongs_to_the_one_partition_in_which_engagement_places_it(bucket: int, shards: object) -> None:
    mapped = SHARD_MAP if shards is SHARD_MAP else deal(("mumbai", "singapore"))
    video = ids.Minter().mint(ids.ShardKey(bucket))
    topic, partition = placed(mapped, Viewed(id=event_ids.make(), at_ms=1, video=video, viewer=bytes(16)))
    assert topic == VIEWS.name
    owners = [
        (home, number)
        for home in homes(mapped)
        for number in range(VIEWS.partitions(CATALOGUE.homes))
        if belongs(mapped, home, video, number)
    ]
    assert owners == [(mapped.home_of(bucket), partition)]


def test_all_slots_together_are_every_partition_of_every_home_once() -> None:
    everything = wanted(SHARD_MAP, range(PARTITIONS_PER_HOME))
    for topic in COUNTED:
        numbers = [number for (name, _), part in everything.items() if name == topic for number in part]
        assert sorted(numbers) == list(range(VIEWS.partitions(CATALOGUE.homes)))


def test_a_number_that_is_no_id_belongs_nowhere() -> None:
    assert not belongs(SHARD_MAP, "mumbai", 2**63 - 1, 0)
