"""What the counting path does when a region is lost and when it is back: in every home's database, one transaction each.

Owns the order of what is written. Each function may be repeated. Does not own who promotes a server (``local.regions``)
nor what is recorded (``regions.writers``).
"""

from __future__ import annotations

from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition

from regions.catalogue import CATALOGUE
from services.common.database import Connection
from services.common.kafka import ConnectionArguments
from services.common.shards import ShardRouter
from services.contracts import events
from services.contracts.events import MalformedRecordError
from services.contracts.topics import TOPICS, copied_name, partition_of
from services.counters import audit, copies, reading, terms
from services.counters.counting import COUNTED, home_of_partition, homes
from services.counters.recount import Checkpoint, Counts
from services.counters.window import Partition

LOOK_BACK = 50
"""Records at the end of a partition among which one with a stamp is looked for."""

LastStamps = Mapping[tuple[str, int], tuple[str, int]]
"""(topic, partition) -> (incarnation, sequence) of the last stamped record."""


async def begin(router: ShardRouter, lost: str) -> dict[str, int]:
    """The databases take on the terms of the settings, and what was pending from the lost log is counted.

    Returns how many keys were pending, by home.
    """
    folded: dict[str, int] = {}
    for home in homes(router.shards):
        async with router.home_writer(home) as connection:
            await terms.record(connection, terms.term_of(router.shards, home))
            folded[home] = await copies.fold(connection, lost)
    return folded


async def end(router: ShardRouter, back: str) -> None:
    """The copy is read no more: what is pending from it is counted."""
    cluster = copies.cluster_of_copy(back, CATALOGUE.get(back).partner)
    for home in homes(router.shards):
        async with router.home_writer(home) as connection:
            await copies.fold(connection, cluster)


async def surrender(router: ShardRouter, lost: str) -> None:
    """The lost log is gone for good: its next one, under the same name, begins at its beginning.

    What was counted from the old one becomes the checkpoint at which a recount of the next one starts.
    """
    for home in homes(router.shards):
        async with router.home_writer(home) as connection:
            read = await copies.forget(connection, lost)
            for topic in COUNTED:
                numbers = {partition.number for partition in read if partition.topic == topic}
                await _start_over(connection, home, lost, topic, numbers)


async def _start_over(connection: Connection, home: str, cluster: str, topic: str, numbers: set[int]) -> None:
    if not numbers:
        return
    subjects = sorted(await reading.subjects_of(connection, topic, cluster))
    counts: dict[int, Counts] = {number: {} for number in numbers}
    for key, sums in (await reading.counts_of(connection, topic, subjects)).items():
        number = partition_of(CATALOGUE.get(home).home_number, key.subject)
        if key.region == cluster and number in counts:
            counts[number][key] = sums
    marks = await copies.mark_keys_of(connection, cluster, topic)
    row = await (await connection.execute("SELECT pg_current_snapshot()::text")).fetchone()
    for number in sorted(numbers):
        start = Checkpoint(0, marks.get(number, {}), counts[number], str(row[0]) if row else "")
        await audit.keep(connection, Partition(cluster, topic, number), start)


async def ends(connection: ConnectionArguments, source: str | None = None) -> LastStamps:
    """The last stamped record of every counted partition of a cluster's own log, or of its copy of ``source``'s, now."""

    consumer = AIOKafkaConsumer(**connection, enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    try:
        alias = "" if source is None else await copies.prefix(consumer, source)
        called = {topic: copied_name(alias, topic.name) if alias else topic.name for topic in TOPICS if topic.counted}
        plain = {name: topic.name for topic, name in called.items()}
        places = [
            TopicPartition(name, number)
            for topic, name in called.items()
            for number in range(topic.partitions(CATALOGUE.homes))
        ]
        last = await consumer.end_offsets(places)
        first = await consumer.beginning_offsets(places)
        left = {at for at in places if last[at] > first[at]}
        found: dict[tuple[str, int], tuple[str, int]] = {}
        consumer.assign(sorted(left))
        for at in left:
            consumer.seek(at, max(first[at], last[at] - LOOK_BACK))
        while left:
            for at, records in (await consumer.getmany(*left, timeout_ms=500)).items():
                for record in records:
                    stamp = _stamp(dict(record.headers).get(events.STAMP_HEADER))
                    if stamp is not None:
                        found[plain[at.topic], at.partition] = stamp
                    if record.offset + 1 >= last[at]:
                        left.discard(at)
        return found
    finally:
        await consumer.stop()


async def copied_until(connection: ConnectionArguments, source: str) -> dict[str, int]:
    """Time of the last record in the copy of each topic of ``source``, in milliseconds since 1970; 0 for an empty one."""
    consumer = AIOKafkaConsumer(**connection, enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    try:
        until: dict[str, int] = {}
        alias = await copies.prefix(consumer, source)
        for topic in TOPICS:
            places = [
                TopicPartition(copied_name(alias, topic.name), number)
                for number in range(topic.partitions(CATALOGUE.homes))
            ]
            last, first = await consumer.end_offsets(places), await consumer.beginning_offsets(places)
            left = {at for at in places if last[at] > first[at]}
            consumer.assign(sorted(left))
            for at in left:
                consumer.seek(at, last[at] - 1)
            until[topic.name] = 0
            while left:
                for at, records in (await consumer.getmany(*left, timeout_ms=500)).items():
                    until[topic.name] = max(until[topic.name], *(record.timestamp for record in records))
                    if records[-1].offset + 1 >= last[at]:
                        left.discard(at)
        return until
    finally:
        await consumer.stop()


def _stamp(header: bytes | None) -> tuple[str, int] | None:
    try:
        stamp = events.decode_stamp(header or b"")
    except MalformedRecordError:
        return None
    return str(stamp.incarnation), stamp.sequence


async def uncounted(router: ShardRouter, origin: str, last: LastStamps) -> int:
    """Partitions of ``origin``'s log of which the record in ``last`` is not counted yet."""
    marks: dict[str, Mapping[tuple[str, int, str], int]] = {}
    for home in homes(router.shards):
        async with router.home_writer(home) as connection:
            marks[home] = await copies.marks_of(connection, origin)
    missing = 0
    for (topic, number), (incarnation, sequence) in last.items():
        known = marks.get(home_of_partition(number), {})
        missing += known.get((topic, number, incarnation), 0) < sequence
    return missing
