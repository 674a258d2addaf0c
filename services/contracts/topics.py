"""The five topics of events and that of dead letters: names, partitions, retention. Declared by the stacks, used by engagement, counters and realtime.

Partition counts are fixed (growth is a new topic version) and partitions are grouped by the home cell of the
video, so that a consumer writes to one database only. The schemas of events are in ``events``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from regions import names
from regions.catalogue import Region

HOUR_MS = 3_600_000
ALIAS_LENGTH = 28
"""Characters of a cluster's name that MSK Replicator takes into its alias."""
PARTITIONS_PER_HOME = 15
"""Partitions of a topic for the videos of one home cell: one consumer process each at most. 4 cells give 60."""

INCARNATION_HOURS = 24
"""Longest life of one incarnation of a producer: after it, and the retention of all logs, its marks can go."""


class SeveralCopiesError(ValueError):
    """A cluster holds more than one copy of the same topics: a replicator was made anew."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One stream of events."""

    name: str
    retention_ms: int
    linger_ms: int
    """How long a producer may wait to fill a record with events; bounds what the caller waits for its acknowledgement."""
    counted: bool
    """Whether ``counters`` makes counts of it."""
    per_home: int = PARTITIONS_PER_HOME
    """Partitions for the subjects of one home cell."""

    def partitions(self, homes: int) -> int:
        """Partitions in total for ``homes`` home cells."""
        return self.per_home * homes


VIEWS = Topic("views.v1", 168 * HOUR_MS, linger_ms=250, counted=True)
LIKES = Topic("likes.v1", 168 * HOUR_MS, linger_ms=20, counted=True)
COMMENTS = Topic("comments.v1", 168 * HOUR_MS, linger_ms=20, counted=True)
SUBSCRIPTIONS = Topic("subscriptions.v1", 168 * HOUR_MS, linger_ms=20, counted=True)
NOTIFICATIONS = Topic("notifications.v1", 72 * HOUR_MS, linger_ms=50, counted=False)
DEAD_LETTERS = Topic("dead-letters.v1", 168 * HOUR_MS, linger_ms=0, counted=False, per_home=1)
"""Copies of dead letters, for others: what counts is the row in the database."""

TOPICS = (VIEWS, LIKES, COMMENTS, SUBSCRIPTIONS, NOTIFICATIONS, DEAD_LETTERS)
BY_NAME = MappingProxyType({topic.name: topic for topic in TOPICS})

TOPIC_CONFIG = MappingProxyType(
    {
        "cleanup.policy": "delete",
        "min.insync.replicas": "2",
        "unclean.leader.election.enable": "false",
        "compression.type": "producer",
    }
)
"""Laws of every topic: without them a count is lost or repeated (see docs on counting)."""

REPLICATION_FACTOR = 3


def partition_base(home_index: int, topic: Topic = VIEWS) -> int:
    """First partition of the group of home cell number ``home_index`` (`regions.catalogue.Region.home_number`)."""
    return topic.per_home * home_index


def partition_of(home_index: int, video_id: int) -> int:
    """Partition for the events of ``video_id`` whose home cell is number ``home_index``; stable for ever."""
    mixed = (video_id * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
    return partition_base(home_index) + (mixed >> 32) % PARTITIONS_PER_HOME


def copied_name(source: str, topic: str) -> str:
    """Name of the copy of ``topic`` in a partner's cluster. ``source``: the alias of the source's cluster, which for
    MirrorMaker is the name of its cell; MSK Replicator makes one (`prefix_of_copies`). A name with a prefix is never
    copied on, so there is no loop."""
    return f"{source}.{topic}"


def prefix_of_copies(source: Region, topics: Iterable[str]) -> str | None:
    """The alias by which the copies of the topics of ``source`` are called in a cluster that has ``topics``; None: none.

    MSK Replicator makes the alias of the cluster's name, cut at 28 characters, and of something that is known only when it
    runs (https://docs.aws.amazon.com/msk/latest/developerguide/msk-replicator-topic-naming.html), and no API of the engine
    tells it: it is found by what lies there. Raises `SeveralCopiesError`.
    """
    cluster = names.kafka(source)[:ALIAS_LENGTH]
    found = {
        name.removesuffix(f".{topic.name}") for name in topics for topic in TOPICS if name.endswith(f".{topic.name}")
    }
    known = {alias for alias in found if alias in {source.name, cluster} or alias.startswith(f"{cluster}-")}
    if len(known) > 1:
        raise SeveralCopiesError(
            f"copies of the topics of {source.name} lie here under {', '.join(sorted(known))}: delete those that no "
            "replicator writes any more"
        )
    return next(iter(known), None)
