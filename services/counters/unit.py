"""One topic's partitions for one home cell: their windows, and how they reach that cell's database.

Owns what happens when a flush is refused, when its answer is lost, and when the database is away. Does not own
reading (``reader``), judging (``window``), timing (``policy``) or SQL (``store``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg

from services.common.errors import ServiceError
from services.common.shards import ShardRouter
from services.contracts.events import Notified
from services.counters import policy, store, terms
from services.counters.metrics import CounterMetrics
from services.counters.pending import Change, Pending
from services.counters.window import (
    Belongs,
    CountKey,
    DeadLetter,
    Guards,
    MarkKey,
    Partition,
    Record,
    State,
    StateKey,
    Verdict,
    Window,
)

BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)

_log = logging.getLogger(__name__)

MAX_REFUSED = 100
"""Subjects of one unit whose rows the database may refuse; with more it is not the subjects' fault."""

UNREACHABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
    ServiceError,
    OSError,
    TimeoutError,
)
"""What a database that is away, restarts or times out looks like; the fate of a commit is then unknown."""


class _UndoneError(Exception):
    """A transaction that was only tried."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A transaction, and what changes in what is pending once it is committed."""

    flush: store.Flush
    changes: dict[Partition, Change]


class Unit:
    """Windows that are flushed together: one transaction."""

    def __init__(
        self,
        topic: str,
        home: str,
        router: ShardRouter,
        belongs: Callable[[int, int], bool],
        metrics: CounterMetrics,
        guards: Guards,
    ) -> None:
        self.topic = topic
        self.home = home
        self._router = router
        self._term = terms.term_of(router.shards, home)
        self._belongs = belongs
        self._metrics = metrics
        self._judged = {verdict: metrics.records.labels(topic, verdict.value) for verdict in Verdict}
        self._guards = guards
        self._windows: dict[Partition, Window] = {}
        self._pending: dict[Partition, Pending] = {}
        self._after: dict[Partition, UUID | None] = {}
        """The flush that set each position; None: it has none in the database yet."""
        self._refused: dict[int, str] = {}
        """Subjects whose rows the database does not take, and why: their events become dead letters, and what is pending
        of them stays so."""
        self._opened: float | None = None
        self._failures = 0
        self._unknown: _Planned | None = None
        """A flush that was refused or whose commit was not answered: it is settled before anything else is read."""
        self.blocked_until = 0.0
        """Monotonic time before which the database is not asked again; nothing is read meanwhile."""

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """Partitions that it holds."""
        return tuple(self._windows)

    def holds(self, partition: Partition) -> bool:
        """Whether records of ``partition`` may be given to it."""
        return partition in self._windows

    def offset(self, partition: Partition) -> int | None:
        """Where to read on; None: at the beginning of the log."""
        window = self._windows[partition]
        return None if self._after[partition] is None and window.next_offset == 0 else window.next_offset

    def move(self, partition: Partition, offset: int) -> None:
        """Reads on at ``offset``, which may lie before what was read: what is counted already is marked."""
        self._windows[partition].next_offset = offset

    async def hold(self, partitions: Sequence[Partition]) -> None:
        """Takes over ``partitions`` as the database knows them, dropping what it held of them.

        Raises one of `UNREACHABLE`, or ValueError for what cannot be read, and then holds none of them.
        """
        for partition in partitions:
            self._forget(partition)
        if not partitions:
            return
        async with self._router.home_writer(self.home) as connection:
            found = await store.load(connection, partitions)
        pending = {at: Pending.read(found[at].pending) for at in partitions}
        for partition in partitions:
            self._install(partition, found[partition], pending[partition])

    async def release(self, partitions: Iterable[Partition]) -> None:
        """Gives ``partitions`` up: flushes what was read if the database takes it, else leaves it to the next owner.

        What else it holds must be sought again; if the database does not answer, it holds nothing afterwards.
        """
        gone = [partition for partition in partitions if partition in self._windows]
        if not gone:
            return
        await self.flush()
        for partition in gone:
            self._forget(partition)
        if self._unknown is not None:
            # It holds what was given up, so it cannot be settled here any more: what remains is read again.
            await self._reload()

    def take(self, partition: Partition, record: Record) -> Verdict:
        """Judges one record. On `Verdict.GAP` it must be read again later."""
        verdict = self._windows[partition].take(record)
        if self._opened is None:
            self._opened = time.monotonic()
        self._judged[verdict].inc()
        return verdict

    @property
    def accepting(self) -> bool:
        """Whether records may be taken: not while a flush may or may not have been committed."""
        return self._unknown is None and time.monotonic() >= self.blocked_until

    def due(self, now: float) -> bool:
        """Whether to flush now (``now`` in monotonic seconds)."""
        if now < self.blocked_until:
            return False
        if self._unknown is not None:
            return True
        opened = now if self._opened is None else self._opened
        if self._opened is None and any(self._pending.values()):
            self._opened = now
        return policy.due(policy.Load.of(self._windows.values(), self._pending.values()), now - opened)

    async def flush(self) -> bool:
        """Writes what was read, in one transaction. Returns False if positions must be sought again.

        Never raises for the database: if it is away, the unit blocks itself for a while and keeps what it has; if it
        refuses what it is given, see `_stumble`.
        """
        planned = self._unknown or self._plan()
        flush = planned.flush
        if not flush.moves:
            self._opened = None
            return True
        started = time.monotonic()
        try:
            if self._unknown is not None and await self._was_committed(flush):
                _log.info("the flush of %s whose answer was lost had been committed", self.topic)
            else:
                async with self._router.home_writer(self.home) as connection:
                    if self._guards.term:
                        await terms.check(connection, self.home, self._term)
                    await store.apply(connection, flush, fence=self._guards.fence)
        except store.FencedError as error:
            _log.warning("fenced: %s; reading again from the stored position", error)
            self._metrics.fenced.labels(self.topic).inc()
            return await self._reload()
        except terms.StaleTermError as error:
            _log.error("a flush of %s was refused: %s", self.topic, error)
            self._metrics.refused.labels(self.topic).inc()
            self._block()
            # Kept as it is, and nothing more is read: memory stays bounded however long it takes.
            self._unknown = planned
            return True
        except psycopg.errors.DeadlockDetected:
            self._block()
            return True
        except UNREACHABLE as error:
            _log.warning("database of %s did not take a flush of %s: %s", self.home, self.topic, type(error).__name__)
            self._block()
            self._unknown = planned
            return True
        except Exception as error:  # waiting will not mend it, whatever it is
            return await self._stumble(flush, error)
        self._settle(planned)
        self._metrics.standing.labels(self.topic, self.home).set(0)
        self._metrics.flushed(self.topic, flush, time.monotonic() - started)
        return True

    def _plan(self) -> _Planned:
        now = time.monotonic()
        load = policy.Load.of(self._windows.values(), self._pending.values())
        everything = policy.fits(load, max(now - (self._opened or now), policy.MIN_SECONDS))
        now_ms = time.time_ns() // 1_000_000
        moves: list[store.Move] = []
        marks: list[store.MarkMove] = []
        relied: list[store.MarkMove] = []
        changes: dict[Partition, Change] = {}
        rows: dict[CountKey, tuple[int, int]] = {}
        states: dict[StateKey, State] = {}
        notices: list[Notified] = []
        dead: list[DeadLetter] = []
        for partition, window in self._windows.items():
            part = policy.split(
                window, self._pending[partition], everything=everything, now_ms=now_ms, held=self._refused
            )
            if not window.dirty and not part.rows:
                continue
            moves.append(store.Move(partition, self._after[partition], window.next_offset, window.last_time_ms))
            marks.extend(
                store.MarkMove(partition.topic, partition.number, key, window.stored_marks.get(key, 0), high)
                for key, high in window.advanced.items()
            )
            relied.extend(
                store.MarkMove(partition.topic, partition.number, key, high, high)
                for key, high in window.skipped.items()
                if key not in window.advanced
            )
            if part.change is not None:
                changes[partition] = part.change
            for key, (first, second) in part.rows.items():
                other = rows.get(key)
                rows[key] = (first, second) if other is None else (other[0] + first, other[1] + second)
            for state_key, state in window.states.items():
                known = states.get(state_key)
                if known is None or state.newer_than(known):
                    states[state_key] = state
            notices.extend(window.notices.values())
            dead.extend(window.dead)
        flush = store.Flush(uuid4(), self.topic, moves, marks, relied, rows, states, changes, notices, dead)
        return _Planned(flush, changes)

    def _settle(self, planned: _Planned) -> None:
        for move in planned.flush.moves:
            self._windows[move.partition].flushed()
            self._after[move.partition] = planned.flush.token
        for partition, change in planned.changes.items():
            self._pending[partition].apply(change)
        self._unknown = None
        self._failures = 0
        self._opened = None

    def _block(self) -> None:
        wait = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
        self._failures += 1
        self.blocked_until = time.monotonic() + wait

    async def _stumble(self, flush: store.Flush, error: Exception) -> bool:
        """A flush failed for good. Finds the subjects that the database refuses, and has everything read again.

        With them among the dead letters the next flush passes. If it is not the subjects, nothing of this topic and home
        is counted or skipped until the cause is gone; others go on, and the metric says so.
        """
        _log.error("a flush of %s for %s failed: %s", self.topic, self.home, error, exc_info=error)
        self._metrics.stumbled.labels(self.topic).inc()
        self._metrics.standing.labels(self.topic, self.home).set(1)
        self._block()
        if isinstance(error, (psycopg.DataError, psycopg.IntegrityError)):
            try:
                self._refused.update(await self._offenders(flush))
            except UNREACHABLE as away:
                _log.warning("what was refused is not known yet: %s", type(away).__name__)
        return await self._reload()

    async def _offenders(self, flush: store.Flush) -> dict[int, str]:
        """Subjects whose rows are refused when they are written alone, with the reason; none if there are too many."""
        found: dict[int, str] = {}
        left = [sorted({key.subject for key in flush.rows} | {key.subject for key in flush.states})]
        while left:
            some = left.pop()
            reason = await self._reason_against(flush, frozenset(some))
            if reason is None:
                continue
            if len(some) > 1:
                left += [some[: len(some) // 2], some[len(some) // 2 :]]
                continue
            found[some[0]] = reason
            if len(self._refused) + len(found) > MAX_REFUSED:
                _log.error("more than %d subjects of %s are refused: the fault is not theirs", MAX_REFUSED, self.topic)
                return {}
        return found

    async def _reason_against(self, flush: store.Flush, subjects: frozenset[int]) -> str | None:
        """Why the database does not take the rows of ``subjects``; None if it does. Nothing is kept."""
        rows = {key: sums for key, sums in flush.rows.items() if key.subject in subjects}
        states = {key: state for key, state in flush.states.items() if key.subject in subjects}
        try:
            async with self._router.home_writer(self.home) as connection:
                await store.add(connection, self.topic, rows, states)
                raise _UndoneError
        except _UndoneError:
            return None
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            return f"the database refuses its counts: {type(error).__name__}: {error.diag.message_primary or error}"

    def drop(self) -> None:
        """Forgets everything that was read; it must be held and read again, after a pause."""
        self._unknown = None
        self._opened = None
        for partition in self.partitions:
            self._forget(partition)
        self._block()

    async def _was_committed(self, flush: store.Flush) -> bool:
        """Whether ``flush``, whose answer was lost, is in the database. Raises `FencedError` if neither it nor its past is."""
        async with self._router.home_writer(self.home) as connection:
            found = await store.load(connection, [move.partition for move in flush.moves])
        tokens = {move.partition: found[move.partition].token for move in flush.moves}
        if all(tokens[move.partition] == move.after for move in flush.moves):
            return False
        if all(token == flush.token for token in tokens.values()):
            return True
        raise store.FencedError("positions were moved by another owner while the database was away")

    async def _reload(self) -> bool:
        self._unknown = None
        self._opened = None
        held = self.partitions
        try:
            await self.hold(held)
        except Exception as error:
            _log.warning("no positions of %s from %s: %s", self.topic, self.home, type(error).__name__)
            for partition in held:
                self._forget(partition)
        return False

    def _install(self, partition: Partition, stored: store.Stored, pending: Pending) -> None:
        marks: dict[MarkKey, int] = dict(stored.marks)
        number = partition.number

        def belongs(subject: int) -> bool:
            return self._belongs(subject, number)

        bound: Belongs = belongs
        self._windows[partition] = Window(partition, stored.offset or 0, marks, bound, self._guards, self._refused)
        self._pending[partition] = pending
        self._after[partition] = stored.token

    def _forget(self, partition: Partition) -> None:
        self._windows.pop(partition, None)
        self._pending.pop(partition, None)
        self._after.pop(partition, None)
