"""Reads the cluster of the own cell and feeds the units: seeks by the database, stops at gaps, flushes when due.

Manual assignment, no consumer group: offsets live in the database (see ``store``). Which partitions a process reads is
decided by ``leases``; the homes of videos are reached through their units, each in the database of its own cell.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from services.common.kafka import ConnectionArguments
from services.contracts.topics import copied_name
from services.counters import copies
from services.counters.copies import Copy, Sought
from services.counters.metrics import CounterMetrics
from services.counters.unit import UNREACHABLE, Unit
from services.counters.window import Partition, Record, Verdict

POLL_MS = 200
MAX_RECORDS = 2_000
"""Records of one poll: at most 200,000 events in memory that are not aggregated yet."""
GAP_SECONDS = (1.0, 5.0, 30.0)
"""How long a partition stands still before the record after a gap is read again."""
START_SECONDS = (0.5, 1.0, 2.0, 5.0)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Stop:
    """A partition that stands still."""

    until: float
    times: int
    probing: bool = False
    """Its pause is over, it was sought again, and what comes next decides."""


class Reader:
    """One consumer of one cluster; with ``copy``, of the copy of another cluster's log in it."""

    def __init__(
        self,
        cluster: str,
        connection: ConnectionArguments,
        units: Sequence[Unit],
        metrics: CounterMetrics,
        copy: Copy | None = None,
    ) -> None:
        self._cluster = cluster
        self._copy = copy
        self._connection = connection
        self._units = {(unit.topic, unit.home): unit for unit in units}
        self._metrics = metrics
        self._owner: dict[TopicPartition, tuple[Unit, Partition]] = {}
        self._wanted: dict[tuple[str, int], Unit] = {}
        self._alias = ""
        """What copies have in front of their names, since the connection is open."""
        self._stopped: dict[TopicPartition, _Stop] = {}
        self._flushing: dict[Unit, asyncio.Task[None]] = {}
        self._seek: set[TopicPartition] = set()
        self._changed = asyncio.Event()
        self.lag = 0
        """Records that are not read yet, as the broker last told it."""

    def want(self, partitions: Mapping[tuple[str, str], Iterable[int]]) -> None:
        """From now on read these partition numbers by (topic, home), and no others."""
        self._wanted = {
            (topic, number): self._units[topic, home]
            for (topic, home), numbers in partitions.items()
            for number in numbers
        }
        self._changed.set()

    def _name(self, topic: str) -> str:
        return topic if self._copy is None else copied_name(self._alias, topic)

    @property
    def held(self) -> frozenset[tuple[str, int]]:
        """Topic and number of the partitions that are read now."""
        return frozenset((at.topic, at.partition) for at in self._owner)

    async def run(self) -> None:
        """Reads until cancelled; then flushes what it has, if the databases take it."""
        while True:
            consumer = self._consumer()
            try:
                await self._start(consumer)
                if self._copy is not None:
                    self._alias = await copies.prefix(consumer, self._copy.source)
                await self._read(consumer)
            except KafkaError as error:
                _log.warning("the cluster of %s failed: %r; connecting again", self._cluster, error)
                await asyncio.sleep(START_SECONDS[0])
            finally:
                await self._give_up(consumer)

    def _consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._connection,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=500,
            max_partition_fetch_bytes=1024 * 1024,
            fetch_max_bytes=16 * 1024 * 1024,
        )

    async def _start(self, consumer: AIOKafkaConsumer) -> None:
        for attempt in range(1_000_000):
            try:
                await consumer.start()
                return
            except KafkaError as error:
                wait = START_SECONDS[min(attempt, len(START_SECONDS) - 1)]
                _log.warning("no connection to the cluster of %s: %r; next try in %.1f s", self._cluster, error, wait)
                await asyncio.sleep(wait)

    async def _give_up(self, consumer: AIOKafkaConsumer) -> None:
        await asyncio.gather(*self._flushing.values(), return_exceptions=True)
        for unit in self._units.values():
            await unit.release(unit.partitions)
        self._owner.clear()
        self._stopped.clear()
        self._seek.clear()
        self._changed.set()
        await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            if self._changed.is_set():
                self._changed.clear()
                await self._assign(consumer)
            await self._place(consumer)
            active = [at for at, (unit, _) in self._owner.items() if self._readable(at, unit)]
            if active:
                await self._poll(consumer, active)
            else:
                await asyncio.sleep(POLL_MS / 1000)
            self.lag = self._lag(consumer)
            self._flush_due()

    def _lag(self, consumer: AIOKafkaConsumer) -> int:
        """Records between what was read and the end of the log as the broker last told it."""
        ends = ((unit, partition, consumer.highwater(at)) for at, (unit, partition) in self._owner.items())
        return sum(
            max(0, end - (unit.offset(partition) or 0))
            for unit, partition, end in ends
            if end is not None and unit.holds(partition)
        )

    def _readable(self, at: TopicPartition, unit: Unit) -> bool:
        stop = self._stopped.get(at)
        standing = stop is not None and not stop.probing
        return not standing and at not in self._seek and unit not in self._flushing and unit.accepting

    async def _poll(self, consumer: AIOKafkaConsumer, active: list[TopicPartition]) -> None:
        try:
            batch = await consumer.getmany(*active, timeout_ms=POLL_MS, max_records=MAX_RECORDS)
        except OffsetOutOfRangeError as error:
            for at in error.args[0]:
                _log.error(
                    "the log of %s partition %s no longer has the stored offset: it was cut, or is older than its "
                    "retention; the partition stands still. Compare with a recount before moving its position",
                    at.topic,
                    at.partition,
                )
                self._stop(at)
            return
        for at, records in batch.items():
            owner = self._owner.get(at)
            if owner is None:
                continue
            unit, partition = owner
            for record in records:
                taken = unit.take(partition, Record(record.offset, record.timestamp, record.headers, record.value))
                if taken is Verdict.GAP:
                    _log.error(
                        "%s partition %s of %s: the record at offset %s is not the next of its producer; "
                        "the partition stands still and reads again",
                        at.topic,
                        at.partition,
                        self._cluster,
                        record.offset,
                    )
                    self._metrics.gaps.labels(at.topic).inc()
                    self._stop(at)
                    break
                self._moved(at)

    def _stop(self, at: TopicPartition) -> None:
        times = self._stopped[at].times + 1 if at in self._stopped else 0
        self._stopped[at] = _Stop(time.monotonic() + GAP_SECONDS[min(times, len(GAP_SECONDS) - 1)], times)
        self._metrics.stopped.set(len(self._stopped))

    def _moved(self, at: TopicPartition) -> None:
        if self._stopped.pop(at, None) is not None:
            self._metrics.stopped.set(len(self._stopped))

    async def _place(self, consumer: AIOKafkaConsumer) -> None:
        """Seeks where the units say; ends the pause of partitions that stood still long enough."""
        now = time.monotonic()
        again = [at for at, stop in self._stopped.items() if stop.until <= now and not stop.probing]
        for at in again:
            self._stopped[at].probing = True
        places = {
            at: unit.offset(partition)
            for at in {*self._seek, *again}
            if (unit := self._owner[at][0]).holds(partition := self._owner[at][1])
        }
        if self._copy is not None:
            places = await self._places_in_copy(consumer, self._copy, places)
        unread = [at for at, offset in places.items() if offset is None]
        # Asked for together: an answer waits behind the long poll that is open on the connection.
        beginnings = await consumer.beginning_offsets(unread) if unread else {}
        for at, offset in places.items():
            consumer.seek(at, beginnings[at] if offset is None else offset)
            self._seek.discard(at)

    async def _places_in_copy(
        self, consumer: AIOKafkaConsumer, copy: Copy, offsets: Mapping[TopicPartition, int | None]
    ) -> dict[TopicPartition, int | None]:
        sought = {
            at: Sought(unit.home, partition, offset or 0, self._stopped[at].times + 1 if at in self._stopped else 0)
            for at, offset in offsets.items()
            for unit, partition in (self._owner[at],)
        }
        try:
            places = await copy.places(consumer, sought) if sought else {}
        except UNREACHABLE as error:
            _log.warning("no places in the copy called %s: %s", self._cluster, type(error).__name__)
            self._later()
            return {}
        for at, place in places.items():
            unit, partition = self._owner[at]
            unit.move(partition, place)
        return dict(places)

    def _flush_due(self) -> None:
        now = time.monotonic()
        for unit in self._units.values():
            if unit not in self._flushing and unit.due(now):
                task = asyncio.create_task(self._flush(unit))
                self._flushing[unit] = task

    async def _flush(self, unit: Unit) -> None:
        try:
            if await unit.flush():
                return
        except Exception:
            _log.exception("a flush of %s for %s fails in our own code; it is read again", unit.topic, unit.home)
            self._metrics.stumbled.labels(unit.topic).inc()
            self._metrics.standing.labels(unit.topic, unit.home).set(1)
            unit.drop()
        finally:
            self._flushing.pop(unit, None)
        mine = [(at, partition) for at, (owner, partition) in self._owner.items() if owner is unit]
        self._seek.update(at for at, _ in mine)
        if not all(unit.holds(partition) for _, partition in mine):
            # It could not even load its positions.
            self._later()

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        await asyncio.gather(*self._flushing.values(), return_exceptions=True)
        for unit in self._units.values():
            numbers = {number for (_, number), owner in self._wanted.items() if owner is unit}
            held = {partition.number for partition in unit.partitions}
            await unit.release([Partition(self._cluster, unit.topic, number) for number in sorted(held - numbers)])
            # Asked again: a unit whose database is away may have lost the others too.
            held = {partition.number for partition in unit.partitions}
            missing = [Partition(self._cluster, unit.topic, number) for number in sorted(numbers - held)]
            try:
                await unit.hold(missing)
            except UNREACHABLE as error:
                _log.warning("no positions of %s from %s: %s", unit.topic, unit.home, type(error).__name__)
                self._later()
            except Exception:
                _log.exception("the positions of %s from %s cannot be used; others go on", unit.topic, unit.home)
                self._metrics.stumbled.labels(unit.topic).inc()
                self._metrics.standing.labels(unit.topic, unit.home).set(1)
                self._later()
        self._owner = {
            TopicPartition(self._name(partition.topic), partition.number): (unit, partition)
            for unit in self._units.values()
            for partition in unit.partitions
        }
        self._stopped = {at: stop for at, stop in self._stopped.items() if at in self._owner}
        # An assignment forgets all places.
        consumer.assign(list(self._owner))
        self._seek = set(self._owner)
        _log.info("reading %d partitions of the cluster of %s", len(self._owner), self._cluster)

    def _later(self) -> None:
        asyncio.get_running_loop().call_later(1.0, self._changed.set)
