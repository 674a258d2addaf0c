"""What runs in a process of counters: units, the reader of the own cluster, leases and relays.

A process reads its own cell's cluster only and writes each event to the database of its subject's home, across regions
if need be. Which of the cell's processes reads which partitions is decided by ``leases``. While a region is lost, its
partner reads the copy of its log as well, from its own cluster; and a region whose log is still read from the copy does
not read it itself (counting rule 6).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine
from functools import cache, partial
from uuid import uuid4

from prometheus_client import CollectorRegistry

from regions.buckets import ShardMap
from regions.catalogue import CATALOGUE
from services.common import ids
from services.common.resources import Resources
from services.contracts.topics import NOTIFICATIONS, PARTITIONS_PER_HOME, TOPICS, partition_base, partition_of
from services.counters import copies, leases
from services.counters.audience import Audience
from services.counters.audit import Auditor, Log
from services.counters.metrics import CounterMetrics
from services.counters.reader import Reader
from services.counters.relay import Relay
from services.counters.unit import UNREACHABLE, Unit
from services.counters.upkeep import Upkeep
from services.counters.window import Guards

_log = logging.getLogger(__name__)

COUNTED = tuple(topic.name for topic in TOPICS if topic.counted)
CONSUMED = (*COUNTED, NOTIFICATIONS.name)
"""Notifications are not counted, and reach their rows by the same path: once, through whatever happens."""


def homes(shards: ShardMap) -> tuple[str, ...]:
    """Home cells of the map, in the order of the catalogue."""
    named = {part.home for part in shards.ranges}
    return tuple(name for name in CATALOGUE.names if name in named)


def at_home(shards: ShardMap, home: str, subject: int) -> bool:
    """Whether the counts of ``subject`` lie in the database of ``home``."""
    try:
        return shards.home_of(ids.bucket_of(subject)) == home
    except ids.IdError:
        return False


def belongs(shards: ShardMap, home: str, subject: int, partition: int) -> bool:
    """Whether events of ``subject`` stand in ``partition``, which is one of ``home``'s."""
    return partition_of(_place(home), subject) == partition and at_home(shards, home, subject)


@cache
def _place(home: str) -> int:
    """Position in the catalogue, asked for with every subject that is new to a window."""
    return CATALOGUE.get(home).home_number


def home_of_partition(number: int) -> str:
    """Whose group partition ``number`` belongs to."""
    return CATALOGUE.names[number // PARTITIONS_PER_HOME]


def wanted(shards: ShardMap, slots: Collection[int]) -> dict[tuple[str, str], list[int]]:
    """Partition numbers by (topic, home) that belong to ``slots``."""
    return {
        (topic, home): [partition_base(CATALOGUE.get(home).home_number) + slot for slot in sorted(slots)]
        for topic in CONSUMED
        for home in homes(shards)
    }


def make_units(resources: Resources, metrics: CounterMetrics, guards: Guards) -> list[Unit]:
    """One unit per consumed topic and home."""
    shards = resources.router.shards
    return [
        Unit(topic, home, resources.router, partial(belongs, shards, home), metrics, guards)
        for topic in CONSUMED
        for home in homes(shards)
    ]


class Counting:
    """What runs in a process of counters."""

    def __init__(self, resources: Resources, guards: Guards | None = None) -> None:
        self.registry = CollectorRegistry()
        self.metrics = CounterMetrics(self.registry)
        self._router = resources.router
        self._own = resources.settings.own.cell
        self._member = uuid4()
        self._slots: frozenset[int] = frozenset()
        rules = guards or Guards()
        self.reader = Reader(self._own, resources.kafka, make_units(resources, self.metrics, rules), self.metrics)
        self._reads_itself = self._own not in resources.settings.copied
        self.copies = tuple(
            Reader(
                copies.cluster_of_copy(source, self._own),
                resources.kafka,
                make_units(resources, self.metrics, rules),
                self.metrics,
                copies.Copy(source, self._router),
            )
            for source in resources.settings.copied_here
        )
        self.metrics.lag.set_function(lambda: sum(reader.lag for reader in (self.reader, *self.copies)))
        self.auditor = Auditor(
            self._router,
            Log(self._own, resources.kafka),
            lambda: [(topic, number) for topic, number in self.reader.held if topic in COUNTED],
            home_of_partition,
            partial(belongs, self._router.shards),
            self.metrics,
        )
        tended = resources.settings.tended
        self._relays = [
            Relay(cell, self._router, resources.cache, clean=cell in tended) for cell in homes(self._router.shards)
        ]
        self.audience = Audience(
            self._router,
            self._own,
            resources.kafka,
            lambda: self.reader.held,
            home_of_partition,
            partial(belongs, self._router.shards),
        )
        self._loops: tuple[Audience | Upkeep, ...] = (
            self.audience,
            *(Upkeep(self._router, home) for home in tended),
        )

    def jobs(self) -> list[Coroutine[None, None, None]]:
        """What runs side by side until the process is told to stop."""
        readers = (*((self.reader,) if self._reads_itself else ()), *self.copies)
        return [
            self._hold_leases(),
            *(reader.run() for reader in readers),
            self.auditor.run(),
            *(relay.run() for relay in self._relays),
            *(loop.run() for loop in self._loops),
        ]

    async def _hold_leases(self) -> None:
        while True:
            try:
                async with self._router.home_writer(self._own) as connection:
                    slots = await leases.renew(connection, self._member)
                if slots != self._slots:
                    self._slots = slots
                    _log.info("reading %d of %d slots", len(slots), PARTITIONS_PER_HOME)
                    for reader in (self.reader, *self.copies):
                        reader.want(wanted(self._router.shards, slots))
            except UNREACHABLE as error:
                _log.warning("leases are not renewed: %s", type(error).__name__)
            await asyncio.sleep(leases.RENEW_SECONDS)

    async def leave(self) -> None:
        """Gives the slots back, if the database answers."""
        try:
            async with asyncio.timeout(3), self._router.home_writer(self._own) as connection:
                await leases.leave(connection, self._member)
        except UNREACHABLE as error:
            _log.warning("leases are not given back: %s; they run out by themselves", type(error).__name__)
