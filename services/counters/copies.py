"""The log of a lost region, read from its copy in the partner's cluster (counting rules 6 and 8).

Owns where reading of a copy begins, how it steps back, and what of the old log's bookkeeping is folded when another
reader takes over. Does not own reading itself (``reader``) nor when a region is lost (the settings' ``copied``).

Where to begin: at the first record of the copy whose time is not before that of the last record that was counted from
the original, less a margin. A copy has the original's order and times, so whatever stands before that place stood
before the stored position of the original and is counted. Should a record all the same be missing before the first one
that is read, rule 4 stops the partition there and reading begins again earlier; what is read twice is marked already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from regions.catalogue import CATALOGUE
from services.common.database import Connection
from services.common.shards import ShardRouter
from services.contracts.topics import SeveralCopiesError, prefix_of_copies
from services.counters import store
from services.counters.pending import LEGACY, Pending
from services.counters.window import CountKey, MarkKey, Partition

MARGIN_MS = 60_000
"""Clocks of producers differ by less; each step back takes ten times as much, the third begins at the beginning."""
STEPS = (MARGIN_MS, 10 * MARGIN_MS, 100 * MARGIN_MS)


def cluster_of_copy(source: str, holder: str) -> str:
    """Name under which positions in the copy of ``source``'s log in ``holder``'s cluster are stored."""
    return f"{source}@{holder}"


async def prefix(consumer: AIOKafkaConsumer, source: str) -> str:
    """The alias in front of the copies of the topics of ``source`` in the cluster of ``consumer``, which is started.

    Raises UnknownTopicOrPartitionError while there are none, and while it is not clear which are meant.
    """
    try:
        found = prefix_of_copies(CATALOGUE.get(source), await consumer.topics())
    except SeveralCopiesError as error:
        raise UnknownTopicOrPartitionError(str(error)) from error
    if found is None:
        raise UnknownTopicOrPartitionError(f"no copies of the topics of {source} are in this cluster")
    return found


@dataclass(frozen=True, slots=True)
class Sought:
    """A partition of a copy that must be placed."""

    home: str
    partition: Partition
    reached: int
    """Where this reader got to in the copy; 0: nowhere."""
    times: int
    """How often it stood still at a gap."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of ``source``'s log, as a reader needs it."""

    source: str
    router: ShardRouter

    async def places(
        self, consumer: AIOKafkaConsumer, sought: Mapping[TopicPartition, Sought]
    ) -> dict[TopicPartition, int]:
        """The offset to read each of ``sought`` on at. Raises one of `services.counters.unit.UNREACHABLE`."""
        counted = await self._counted(sought.values())
        since = {
            at: counted[one.partition] - STEPS[one.times]
            for at, one in sought.items()
            if one.partition in counted and one.times < len(STEPS)
        }
        found = await consumer.offsets_for_times(since) if since else {}
        late = [at for at in since if found[at] is None]
        offsets: dict[TopicPartition, int] = {at: int(place.offset) for at, place in found.items() if place is not None}
        offsets |= await consumer.end_offsets(late) if late else {}
        whole = [at for at in sought if at not in since]
        offsets |= await consumer.beginning_offsets(whole) if whole else {}
        return {at: offsets[at] if one.times else max(offsets[at], one.reached) for at, one in sought.items()}

    async def _counted(self, sought: Iterable[Sought]) -> dict[Partition, int]:
        """Time of the last record that was counted from the original, for partitions where there is one."""
        by_home: dict[str, list[Partition]] = {}
        for one in sought:
            by_home.setdefault(one.home, []).append(one.partition)
        found: dict[Partition, int] = {}
        for home, partitions in by_home.items():
            async with self.router.home_writer(home) as connection:
                rows = await connection.execute(
                    "SELECT topic, part, last_time_ms FROM counters.positions WHERE cluster = %s", (self.source,)
                )
                times = {(row[0], row[1]): int(row[2]) for row in await rows.fetchall()}
            for partition in partitions:
                if (partition.topic, partition.number) in times:
                    found[partition] = times[partition.topic, partition.number]
        return found


async def fold(connection: Connection, cluster: str) -> int:
    """Counts what is pending from the log called ``cluster``, which nobody will read on; returns how many keys.

    Whoever still holds those partitions is fenced: every position gets another flush.
    """
    await connection.execute("UPDATE counters.positions SET flush = %s WHERE cluster = %s", (uuid4(), cluster))
    rows = await connection.execute(
        "WITH parts AS (DELETE FROM counters.pending_parts WHERE cluster = %s RETURNING topic, part, number, body), "
        "whole AS (DELETE FROM counters.pending WHERE cluster = %s RETURNING topic, part, %s::bigint AS number, body) "
        "SELECT * FROM parts UNION ALL SELECT * FROM whole ORDER BY topic, part, number",
        (cluster, cluster, LEGACY),
    )
    by_topic: dict[str, dict[CountKey, tuple[int, int]]] = {}
    for (topic, _), listed in groupby(await rows.fetchall(), key=lambda row: (row[0], row[1])):
        sums = by_topic.setdefault(topic, {})
        for key, waiting in Pending.read((number, body) for _, _, number, body in listed).keys.items():
            first, second = sums.get(key, (0, 0))
            sums[key] = (first + waiting.first, second + waiting.second)
    for topic, sums in by_topic.items():
        await store.count(connection, topic, sums, {})
    return sum(map(len, by_topic.values()))


async def forget(connection: Connection, cluster: str) -> tuple[Partition, ...]:
    """Forgets the positions in the log called ``cluster``: the next log of that name begins at its beginning.

    Returns the partitions whose counts or marks may come from it: those that were read, here or in its copy.
    """
    await fold(connection, cluster)
    await connection.execute("DELETE FROM counters.positions WHERE cluster = %s", (cluster,))
    await connection.execute("DELETE FROM counters.checkpoints WHERE cluster = %s", (cluster,))
    rows = await connection.execute("SELECT DISTINCT topic, part FROM counters.marks WHERE origin = %s", (cluster,))
    return tuple(Partition(cluster, row[0], row[1]) for row in await rows.fetchall())


async def mark_keys_of(connection: Connection, origin: str, topic: str) -> dict[int, dict[MarkKey, int]]:
    """Marks of producers in ``origin``, by partition of ``topic``."""
    found: dict[int, dict[MarkKey, int]] = {}
    for (name, number, incarnation), sequence in (await marks_of(connection, origin)).items():
        if name == topic:
            found.setdefault(number, {})[MarkKey(origin, UUID(incarnation))] = sequence
    return found


async def marks_of(connection: Connection, origin: str) -> Mapping[tuple[str, int, str], int]:
    """Last counted sequence by (topic, partition, incarnation) of producers in ``origin``."""
    rows = await connection.execute(
        "SELECT topic, part, incarnation, sequence FROM counters.marks WHERE origin = %s", (origin,)
    )
    return {(row[0], row[1], str(row[2])): int(row[3]) for row in await rows.fetchall()}
