"""How many different people watched a video on a day: a batch over the log of views, as sketches that merge.

Follows what was counted, at its own place and pace, partition by partition: a window of the log becomes one sketch per video,
day and region, merged into the stored one in the transaction that moves the place. A window that is read twice changes
nothing. A day is that of the event's own time, in UTC. Owns the tables ``audience`` and ``audience_positions``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.common.database import Connection
from services.common.kafka import ConnectionArguments
from services.common.shards import ShardRouter
from services.common.sketch import Sketch
from services.contracts import events
from services.contracts.events import MalformedRecordError, Viewed
from services.contracts.topics import VIEWS
from services.counters import store
from services.counters.unit import UNREACHABLE
from services.counters.window import Partition

RUN_SECONDS = 30.0
"""Between two partitions."""
MAX_RECORDS = 20_000
"""Of one partition at a time: at most two million views, at most one sketch for each."""
READ_SECONDS = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class DayKey:
    """Whose audience."""

    subject: int
    day: date
    region: str


@dataclass(slots=True)
class Seen:
    """What a stretch of one partition says."""

    belongs: Callable[[int], bool]
    sketches: dict[DayKey, Sketch] = field(default_factory=dict)

    def take(self, headers: Iterable[tuple[str, bytes | None]], body: bytes | None) -> None:
        """One record; what cannot be read is a dead letter elsewhere and nothing here."""
        try:
            stamp = events.stamp_of(tuple(headers))
            pack = events.decode_pack(VIEWS.name, stamp.schema, body)
        except MalformedRecordError:
            return
        for event in pack.events:
            if isinstance(event, Viewed) and self.belongs(event.video):
                day = (_EPOCH + timedelta(milliseconds=event.at_ms)).date() if event.at_ms < _LAST_MS else None
                if day is not None:
                    key = DayKey(event.video, day, stamp.origin)
                    # The key of a viewer is a keyed hash, so any 64 of its bits are uniform.
                    self.sketches.setdefault(key, Sketch()).add(int.from_bytes(event.viewer[:8], "big"))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS = 250_000_000_000_000
"""Beyond the year 9000: no date of ours."""


class Audience:
    """The slow loop of one process over the partitions of views that it reads."""

    def __init__(
        self,
        router: ShardRouter,
        cluster: str,
        connection: ConnectionArguments,
        held: Callable[[], Collection[tuple[str, int]]],
        home_of: Callable[[int], str],
        belongs: Callable[[str, int, int], bool],
    ) -> None:
        self._router = router
        self._cluster = cluster
        self._connection = connection
        self._held = held
        self._home_of = home_of
        self._belongs = belongs

    async def run(self) -> None:
        """Follows until cancelled."""
        turn = 0
        while True:
            await asyncio.sleep(RUN_SECONDS)
            numbers = sorted(number for topic, number in self._held() if topic == VIEWS.name)
            if numbers:
                turn += 1
                await self.step(numbers[turn % len(numbers)])

    async def step(self, number: int) -> int:
        """Takes in what one partition has since the last time; how many sketches changed. What is away is left for later."""
        home = self._home_of(number)
        partition = Partition(self._cluster, VIEWS.name, number)
        try:
            async with self._router.home_writer(home) as connection:
                start = await _place(connection, partition)
                counted = (await store.load(connection, [partition]))[partition].offset
            if counted is None or (start is not None and start >= counted):
                return 0
            seen = Seen(lambda subject: self._belongs(home, subject, number))
            reached = await self._read(partition, start, counted, seen)
            async with self._router.home_writer(home) as connection:
                if not await _move(connection, partition, start, reached):
                    return 0
                await merge(connection, seen.sketches)
        except (*UNREACHABLE, KafkaError) as error:
            _log.warning("the audience of partition %d is not brought up to date: %s", number, type(error).__name__)
            return 0
        return len(seen.sketches)

    async def _read(self, partition: Partition, start: int | None, until: int, seen: Seen) -> int:
        """Reads records from ``start`` (None: the beginning) up to ``until``, or some of them; where the next one stands."""
        at = TopicPartition(partition.topic, partition.number)
        consumer = AIOKafkaConsumer(**self._connection, enable_auto_commit=False, auto_offset_reset="none")
        await consumer.start()
        try:
            consumer.assign([at])
            # What has left the log since is not told apart from what nobody watched: the loop runs far more often.
            offset = max(start or 0, int((await consumer.beginning_offsets([at]))[at]))
            consumer.seek(at, offset)
            async with asyncio.timeout(READ_SECONDS):
                last = min(until, offset + MAX_RECORDS)
                while offset < last:
                    for record in (await consumer.getmany(at, timeout_ms=500)).get(at, ()):
                        if record.offset >= last:
                            return last
                        seen.take(record.headers, record.value)
                        offset = record.offset + 1
            return offset
        finally:
            await consumer.stop()


async def merge(connection: Connection, sketches: Mapping[DayKey, Sketch]) -> None:
    """Adds ``sketches`` to what is stored."""
    keys = sorted(sketches)
    if not keys:
        return
    columns = ([key.subject for key in keys], [key.day for key in keys], [key.region for key in keys])
    found = await connection.execute(
        "SELECT a.subject, a.day, a.region, a.sketch FROM counters.audience AS a "
        "JOIN unnest(%s::bigint[], %s::date[], %s::text[]) AS w (subject, day, region) USING (subject, day, region) "
        "ORDER BY 1, 2, 3 FOR UPDATE OF a",
        columns,
    )
    for subject, day, region, body in await found.fetchall():
        sketches[DayKey(subject, day, region)].merge(Sketch.decode(body))
    await connection.execute(
        "INSERT INTO counters.audience (subject, day, region, sketch, viewers) "
        "SELECT * FROM unnest(%s::bigint[], %s::date[], %s::text[], %s::bytea[], %s::bigint[]) ORDER BY 1, 2, 3 "
        "ON CONFLICT (subject, day, region) DO UPDATE SET sketch = excluded.sketch, viewers = excluded.viewers, "
        "updated_at = now()",
        (*columns, [sketches[key].encode() for key in keys], [sketches[key].estimate() for key in keys]),
    )


async def _place(connection: Connection, partition: Partition) -> int | None:
    rows = await connection.execute(
        "SELECT next_offset FROM counters.audience_positions WHERE (cluster, part) = (%s, %s)",
        (partition.cluster, partition.number),
    )
    row = await rows.fetchone()
    return None if row is None else int(row[0])


async def _move(connection: Connection, partition: Partition, start: int | None, reached: int) -> bool:
    """From ``start`` to ``reached``. False: another process has been there."""
    if start is None:
        done = await connection.execute(
            "INSERT INTO counters.audience_positions (cluster, part, next_offset) VALUES (%s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            (partition.cluster, partition.number, reached),
        )
    else:
        done = await connection.execute(
            "UPDATE counters.audience_positions SET next_offset = %s WHERE (cluster, part, next_offset) = (%s, %s, %s)",
            (reached, partition.cluster, partition.number, start),
        )
    return done.rowcount == 1
