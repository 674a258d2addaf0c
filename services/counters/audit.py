"""Compares the log with the database, partition by partition, and moves checkpoints forward. Owns the reading of both.

Run by ``meridian recount`` on demand and by every process of counters in a slow loop over the partitions that it reads.
A partition that is audited is read a second time, so the audit costs at most what counting costs, and its pace bounds it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.common.database import Connection
from services.common.kafka import ConnectionArguments
from services.common.shards import ShardRouter
from services.counters import dead, reading, store
from services.counters.copies import cluster_of_copy
from services.counters.kinds import BY_TOPIC
from services.counters.metrics import CounterMetrics
from services.counters.pending import Pending
from services.counters.recount import Checkpoint, Counts, Drift, Rebuilt, Stored, compare
from services.counters.unit import UNREACHABLE
from services.counters.window import Partition, Record, State, StateKey, Verdict, Window

AUDIT_SECONDS = 60.0
"""Between two partitions of one process's audit."""
READ_SECONDS = 120.0
"""How long one partition's log may take to read."""

_log = logging.getLogger(__name__)


class RecountError(Exception):
    """The log cannot answer; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the comparison of one partition gave."""

    partition: Partition
    drifts: Sequence[Drift]
    events: int
    """Read from the log since the checkpoint."""
    subjects: frozenset[int]
    """That have counts by the log."""
    checkpoint: Checkpoint | None
    """Where the next one may start: None if there is drift, or nothing was compared."""
    behind: bool = False
    """Nothing was compared: after the return of its region the log is still being read again."""


@dataclass(frozen=True, slots=True)
class Log:
    """A cluster: whose, and how to reach it."""

    cluster: str
    connection: ConnectionArguments


async def audit(
    router: ShardRouter,
    log: Log,
    home: str,
    partition: Partition,
    belongs: Callable[[int], bool],
    only: Collection[int] | None = None,
) -> Outcome:
    """Rebuilds one partition and compares it, for the subjects ``only`` (None: all that the log names).

    Raises `RecountError` if the log no longer reaches back to the checkpoint, KafkaError or what `UNREACHABLE` lists.
    """
    async with router.home_writer(home) as connection:
        position = await _position(connection, partition)
        start = await stored_checkpoint(connection, partition)
    if position is None:
        return Outcome(partition, (), 0, frozenset(), None)
    consumer = AIOKafkaConsumer(**log.connection, enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    try:
        async with asyncio.timeout(READ_SECONDS):
            rebuilt = await _begin(consumer, partition, start, belongs)
            await _read(consumer, rebuilt.window, position)
            subjects = frozenset(only) if only is not None else _subjects(rebuilt)
            async with router.home_writer(home) as connection:
                stored = await _stored(connection, partition, start, subjects, rebuilt.window.states.keys())
            # Whatever was counted since the first look; new subjects among it are left to the next audit.
            keys = set(rebuilt.window.states)
            await _read(consumer, rebuilt.window, stored.next_offset)
    except TimeoutError as error:
        raise RecountError(
            f"the log of {_name(partition)} was not read within {READ_SECONDS:.0f} s: take checkpoints more often"
        ) from error
    finally:
        await consumer.stop()
    rebuilt.finish(stored)
    rebuilt.states = {key: state for key, state in rebuilt.states.items() if key in keys}
    if stored.behind(partition.cluster, rebuilt.marks()):
        return Outcome(partition, (), rebuilt.window.events, frozenset(), None, behind=True)
    drifts = compare(rebuilt, stored, subjects)
    return Outcome(
        partition,
        drifts,
        rebuilt.window.events,
        frozenset(key.subject for key in rebuilt.counts),
        None if drifts else rebuilt.checkpoint(stored),
    )


async def stored_checkpoint(connection: Connection, partition: Partition) -> Checkpoint | None:
    """The checkpoint of ``partition``; None if none was taken."""
    rows = await connection.execute(
        "SELECT next_offset, body, snapshot::text FROM counters.checkpoints "
        "WHERE (cluster, topic, part) = (%s, %s, %s)",
        (partition.cluster, partition.topic, partition.number),
    )
    row = await rows.fetchone()
    return None if row is None else Checkpoint.decode(row[0], row[1], row[2])


async def keep(connection: Connection, partition: Partition, checkpoint: Checkpoint) -> None:
    """Stores ``checkpoint``, unless a later one is there."""
    await connection.execute(
        "INSERT INTO counters.checkpoints AS c (cluster, topic, part, next_offset, body, snapshot) "
        "VALUES (%s, %s, %s, %s, %s, %s::pg_snapshot) ON CONFLICT (cluster, topic, part) DO UPDATE SET "
        "next_offset = excluded.next_offset, body = excluded.body, snapshot = excluded.snapshot, taken_at = now() "
        "WHERE c.next_offset <= excluded.next_offset",
        (
            partition.cluster,
            partition.topic,
            partition.number,
            checkpoint.next_offset,
            checkpoint.encode(),
            checkpoint.snapshot,
        ),
    )


class Auditor:
    """The slow loop of one process."""

    def __init__(
        self,
        router: ShardRouter,
        log: Log,
        held: Callable[[], Iterable[tuple[str, int]]],
        home_of: Callable[[int], str],
        belongs: Callable[[str, int, int], bool],
        metrics: CounterMetrics,
    ) -> None:
        self._router = router
        self._log = log
        self._held = held
        self._home_of = home_of
        self._belongs = belongs
        self._metrics = metrics
        self._drift: dict[tuple[str, int], int] = {}

    async def run(self) -> None:
        """Audits until cancelled."""
        for turn in cycle(range(1_000_000)):
            await asyncio.sleep(AUDIT_SECONDS)
            held = sorted(self._held())
            if held:
                await self.step(*held[turn % len(held)])

    async def step(self, topic: str, number: int) -> None:
        """Audits one partition and says what came of it; what is away is tried again at the next turn."""
        home = self._home_of(number)
        partition = Partition(self._log.cluster, topic, number)
        belongs = partial(self._belonging, home, number)
        try:
            outcome = await audit(self._router, self._log, home, partition, belongs)
            if outcome.checkpoint is not None:
                async with self._router.home_writer(home) as connection:
                    await keep(connection, partition, outcome.checkpoint)
        except (*UNREACHABLE, KafkaError, RecountError) as error:
            _log.warning("no audit of %s: %r", _name(partition), error)
            return
        for drift in outcome.drifts:
            _log.error("drift in %s: %s: stored %s, log %s", _name(partition), drift.what, drift.stored, drift.rebuilt)
        self._drift[topic, number] = len(outcome.drifts)
        self._metrics.audited.labels(topic).inc()
        self._metrics.drift.labels(topic).set(sum(n for (name, _), n in self._drift.items() if name == topic))

    def _belonging(self, home: str, number: int, subject: int) -> bool:
        return self._belongs(home, subject, number)


def _name(partition: Partition) -> str:
    return f"{partition.cluster}/{partition.topic}/{partition.number}"


def _subjects(rebuilt: Rebuilt) -> frozenset[int]:
    known = {key.subject for key in rebuilt.start.counts} if rebuilt.start else set()
    return frozenset(
        known
        | {key.subject for key in rebuilt.window.counts}
        | {state_key.subject for state_key in rebuilt.window.states}
    )


async def _begin(
    consumer: AIOKafkaConsumer, partition: Partition, start: Checkpoint | None, belongs: Callable[[int], bool]
) -> Rebuilt:
    at = TopicPartition(partition.topic, partition.number)
    consumer.assign([at])
    beginning = int((await consumer.beginning_offsets([at]))[at])
    if start is not None and start.next_offset < beginning:
        raise RecountError(
            f"the log of {_name(partition)} begins at offset {beginning}, after the checkpoint at {start.next_offset}: "
            "what lies between cannot be recounted any more"
        )
    offset = beginning if start is None else start.next_offset
    consumer.seek(at, offset)
    return Rebuilt(Window(partition, offset, dict(start.marks) if start else {}, belongs), start, belongs)


async def _read(consumer: AIOKafkaConsumer, window: Window, until: int) -> None:
    at = TopicPartition(window.partition.topic, window.partition.number)
    end = int((await consumer.end_offsets([at]))[at])
    if end < until:
        raise RecountError(f"the log of {_name(window.partition)} ends at {end}, before the stored position {until}")
    while window.next_offset < until:
        batch = await consumer.getmany(at, timeout_ms=500, max_records=500)
        for record in batch.get(at, ()):
            if record.offset >= until:
                consumer.seek(at, until)
                break
            if window.take(Record(record.offset, record.timestamp, record.headers, record.value)) is Verdict.GAP:
                raise RecountError(
                    f"the log of {_name(window.partition)} has a hole before offset {record.offset}: it was cut after "
                    "the last checkpoint, and what is missing cannot be recounted"
                )


async def _position(connection: Connection, partition: Partition) -> int | None:
    return (await store.load(connection, [partition]))[partition].offset


async def _stored(
    connection: Connection,
    partition: Partition,
    start: Checkpoint | None,
    subjects: Collection[int],
    keys: Collection[StateKey],
) -> Stored:
    await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    loaded = (await store.load(connection, [partition]))[partition]
    wanted = sorted(subjects)
    counts = await reading.counts_of(connection, partition.topic, wanted)
    for key, waiting in Pending.read(loaded.pending).keys.items():
        if key.subject in subjects:
            first, second = counts.get(key, (0, 0))
            counts[key] = (first + waiting.first, second + waiting.second)
    states: Mapping[StateKey, State] = {}
    adding_up: Counts | None = None
    if BY_TOPIC[partition.topic].states is not None:
        states = await reading.states_of(connection, partition.topic, list(keys))
        adding_up = _counting(await reading.adding_up(connection, partition.topic, wanted))
    row = await (
        await connection.execute(
            "SELECT pg_current_snapshot()::text, EXISTS (SELECT FROM counters.positions "
            "WHERE cluster LIKE %s AND (topic, part) = (%s, %s))",
            (cluster_of_copy(partition.cluster, "%"), partition.topic, partition.number),
        )
    ).fetchone()
    return Stored(
        next_offset=loaded.offset or 0,
        marks=loaded.marks,
        counts=_counting(counts),
        states=states,
        adding_up=adding_up,
        letters=await dead.of_partition(connection, partition),
        replayed=await dead.replayed_since(connection, partition.topic, start.snapshot if start else None),
        snapshot=str(row[0]) if row else "",
        copied=bool(row and row[1]),
    )


def _counting(counts: Counts) -> Counts:
    return {key: sums for key, sums in counts.items() if any(sums)}
