"""Packs events into stamped records, in order, and answers when they are acknowledged.

Owns stamps, lingering, back-pressure and the end of an incarnation. Does not own the client (``log``) nor what is sent.

One lane per (topic, partition). A lane has one batch on its way at a time: sequences are given and appended in one
critical section, and nothing with a later sequence can be appended when an earlier one has failed, so the log of an
incarnation has no hole. A final error ends the incarnation: its last record may or may not be in the log, and nothing
follows it (counting rule 3).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID, uuid4

from services.contracts.events import PACK_EVENTS, Stamp, encode_stamp, join_pack
from services.contracts.topics import BY_NAME, INCARNATION_HOURS

MAX_PENDING = 50_000
"""Events that wait for their acknowledgement in one process: about 10 MB."""
BATCH_RECORDS = 16
"""Records of a partition that are appended at once."""
CLOSE_SECONDS = 10.0
INCARNATION_SECONDS = INCARNATION_HOURS * 3600.0
"""After this an incarnation gives way to a new one, so that its marks may be deleted when no log holds it any more."""

_log = logging.getLogger(__name__)


class NotAcknowledgedError(Exception):
    """The log did not take the events, or did not say so. They may be sent again under the same ids."""


class OverloadedError(Exception):
    """More events wait than this process will hold."""


class AppendError(Exception):
    """A batch has failed for good."""


@dataclass(frozen=True, slots=True)
class StampedRecord:
    """A record as it is appended."""

    stamp: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """The record that holds the last of the events that were submitted together; earlier ones are in it or before it."""

    origin: str
    topic: str
    partition: int
    incarnation: UUID
    sequence: int


class Log(Protocol):
    """Where records go."""

    async def append(self, topic: str, partition: int, records: Sequence[StampedRecord]) -> None:
        """Appends all of ``records`` or none and waits for the acknowledgement, retrying them unchanged.

        Raises `AppendError` when that failed for good; whether they are in the log is then unknown.
        """

    async def close(self) -> None:
        """Gives up the connection."""


@dataclass(slots=True)
class _Incarnation:
    log: Log
    until: float
    id: UUID = field(default_factory=uuid4)
    ended: bool = False
    users: int = 0
    """Batches on their way."""
    sequences: dict[tuple[str, int], int] = field(default_factory=dict)


@dataclass(slots=True)
class _Group:
    """Events of one `submit`. They wait as one object: an object for each event would cost more than all the rest."""

    events: Sequence[bytes]
    done: asyncio.Future[Receipt]
    taken: int = 0
    """How many of them are on their way: more than one batch takes of a large group."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is appended at once."""

    events: list[bytes]
    groups: list[_Group]
    """Whose events these are."""
    ends: list[tuple[_Group, int]]
    """Groups that it completes, and the position of their last event."""


@dataclass(slots=True)
class _Lane:
    queue: deque[_Group] = field(default_factory=deque)
    waiting: int = 0
    """Events in the queue."""
    full: asyncio.Event = field(default_factory=asyncio.Event)
    """A record's worth waits: no need to linger."""
    task: asyncio.Task[None] | None = None

    def take(self, most: int) -> _Batch:
        """At most ``most`` events off the queue, in order."""
        batch = _Batch([], [], [])
        while self.queue and len(batch.events) < most:
            group = self.queue[0]
            room = most - len(batch.events)
            some = (
                group.events if group.taken == 0 and len(group.events) <= room else group.events[group.taken :][:room]
            )
            batch.events.extend(some)
            batch.groups.append(group)
            group.taken += len(some)
            if group.taken == len(group.events):
                batch.ends.append((self.queue.popleft(), len(batch.events) - 1))
        self.waiting -= len(batch.events)
        return batch


class Packer:
    """Lanes that share an incarnation."""

    def __init__(
        self,
        origin: str,
        connect: Callable[[], Awaitable[Log]],
        *,
        max_pending: int = MAX_PENDING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origin = origin
        self._connect = connect
        self._max_pending = max_pending
        self._clock = clock
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._incarnation: _Incarnation | None = None
        self._connecting = asyncio.Lock()
        self._closing = False
        self.pending = 0
        """Events that wait."""

    async def submit(self, topic: str, partition: int, encoded: Sequence[bytes]) -> Receipt:
        """Sends one or more encoded events and waits until the log has them.

        Raises `OverloadedError` at once, or `NotAcknowledgedError`.
        """
        if not encoded:
            raise ValueError("nothing to send")
        if self._closing or self.pending + len(encoded) > self._max_pending:
            raise OverloadedError(f"{self.pending} events wait for the log")
        lane = self._lanes.setdefault((topic, partition), _Lane())
        group = _Group(encoded, asyncio.get_running_loop().create_future())
        lane.queue.append(group)
        lane.waiting += len(encoded)
        self.pending += len(encoded)
        if lane.waiting >= PACK_EVENTS:
            lane.full.set()
        if lane.task is None:
            lane.task = asyncio.create_task(self._run(topic, partition, lane))
        # A caller that goes away takes nothing back: only its answer is cancelled.
        return await group.done

    async def close(self) -> None:
        """Sends what waits, for at most ten seconds, and refuses everything else."""
        self._closing = True
        for lane in self._lanes.values():
            lane.full.set()
        running = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if running:
            await asyncio.wait(running, timeout=CLOSE_SECONDS)
        if self._incarnation is not None:
            await self._incarnation.log.close()

    async def _run(self, topic: str, partition: int, lane: _Lane) -> None:
        linger = BY_NAME[topic].linger_ms / 1000
        while lane.queue:
            if lane.waiting < PACK_EVENTS and not self._closing:
                lane.full.clear()
                try:
                    async with asyncio.timeout(linger):
                        await lane.full.wait()
                except TimeoutError:
                    pass
            batch = lane.take(PACK_EVENTS * BATCH_RECORDS)
            count = len(batch.events)
            try:
                await self._append(topic, partition, batch)
            except Exception as error:
                # Whatever went wrong, those who wait must hear of it, and the lane must go on.
                _log.warning("%d events for %s/%d were not acknowledged: %r", count, topic, partition, error)
                for group in batch.groups:
                    if not group.done.done():
                        group.done.set_exception(NotAcknowledgedError(str(error)))
                        group.done.exception()
            finally:
                self.pending -= count
        lane.task = None

    async def _append(self, topic: str, partition: int, batch: _Batch) -> None:
        incarnation = await self._current()
        key = (topic, partition)
        last = incarnation.sequences.get(key, 0)
        records = [
            StampedRecord(
                encode_stamp(Stamp(self._origin, incarnation.id, last + number)),
                join_pack(batch.events[start : start + PACK_EVENTS]),
            )
            for number, start in enumerate(range(0, len(batch.events), PACK_EVENTS), start=1)
        ]
        incarnation.sequences[key] = last + len(records)
        incarnation.users += 1
        try:
            await incarnation.log.append(topic, partition, records)
        except BaseException:
            # Also when cancelled: the fate of the batch is unknown, so nothing may follow it.
            incarnation.ended = True
            raise
        finally:
            incarnation.users -= 1
            if incarnation.ended and incarnation.users == 0:
                await incarnation.log.close()
        receipts = [
            Receipt(self._origin, topic, partition, incarnation.id, last + number)
            for number in range(1, len(records) + 1)
        ]
        for group, end in batch.ends:
            if not group.done.done():
                group.done.set_result(receipts[end // PACK_EVENTS])

    async def _current(self) -> _Incarnation:
        async with self._connecting:
            current, now = self._incarnation, self._clock()
            if current is not None and not current.ended and now >= current.until:
                # What it has on its way is finished; its lanes go on as the new one.
                current.ended = True
                if current.users == 0:
                    await current.log.close()
            if current is None or current.ended:
                current = self._incarnation = _Incarnation(await self._connect(), now + INCARNATION_SECONDS)
                _log.info("incarnation %s of the producer begins", current.id)
            return current
