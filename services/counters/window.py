"""What one partition has brought since its last flush: judged, aggregated, not yet written.

Pure: takes records, knows nothing of Kafka, PostgreSQL or the clock. Does not own when a flush happens or which keys
it writes (``policy``), nor how (``flush``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

import msgspec

from services.contracts import events
from services.contracts.events import (
    AnyEvent,
    Commented,
    MalformedRecordError,
    Notified,
    Pack,
    Reacted,
    Stamp,
    Subscribed,
    Viewed,
    Watched,
)

_NO_INCARNATION = UUID(int=0)
WHOLE_RECORD = -1
"""Index of a dead letter that is the record, not one of its events."""


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """A partition of a topic in the log of one cluster."""

    cluster: str
    """Cell whose cluster is read."""
    topic: str
    number: int


class MarkKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """Whose sequence a mark counts; the partition is that of the window. From the record's stamp, never from where it was read."""

    origin: str
    incarnation: UUID


class Record(msgspec.Struct, frozen=True):
    """A record as the log gives it."""

    offset: int
    time_ms: int
    headers: Sequence[tuple[str, bytes | None]]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event or a record that can never be counted, and why."""

    partition: Partition
    offset: int
    key: MarkKey
    sequence: int
    index: int
    """Position of the event in its pack, or `WHOLE_RECORD`."""
    reason: str
    stamp: bytes
    """The stamp header as it came."""
    body: bytes


class StateKey(msgspec.Struct, frozen=True, gc=False):
    """Whose state of what: a user's reaction to a video or subscription to a channel, or a comment under a video."""

    subject: int
    member: int
    """User, or comment."""


class State(msgspec.Struct, frozen=True, gc=False):
    """The newest state by (source time, event id)."""

    value: int
    at_ms: int
    event: bytes
    region: str

    def newer_than(self, other: State) -> bool:
        """Whether this one wins over ``other``."""
        return (self.at_ms, self.event) > (other.at_ms, other.event)


class CountKey(msgspec.Struct, frozen=True, order=True, gc=False):
    """A row of counts: the video or channel, and the region that took the events."""

    subject: int
    region: str


class Sums(msgspec.Struct, gc=False):
    """What came for one key: views, watched milliseconds, and how many events they were."""

    first: int = 0
    second: int = 0
    events: int = 0


class Verdict(Enum):
    """What became of a record."""

    TAKEN = "taken"
    DUPLICATE = "duplicate"
    DEAD = "dead"
    GAP = "gap"


class Guards:
    """The rules that a fault harness may switch off, to prove that they are needed. All on in the product."""

    __slots__ = ("dense", "fence", "marks", "term")

    def __init__(self, *, marks: bool = True, dense: bool = True, fence: bool = True, term: bool = True) -> None:
        self.marks = marks
        self.dense = dense
        self.fence = fence
        self.term = term


Belongs = Callable[[int], bool]
"""Whether events of a subject belong to the partition at hand."""


@dataclass(slots=True)
class Window:
    """State of one partition between two flushes.

    ``stored`` is what the database holds; ``next_offset`` and ``marks`` are where this process is.
    """

    partition: Partition
    stored_offset: int
    stored_marks: dict[MarkKey, int]
    belongs: Belongs
    guards: Guards = field(default_factory=Guards)
    refused: Mapping[int, str] = field(default_factory=dict)
    """Subjects whose rows the database does not take, with its reason: their events are dead letters."""
    next_offset: int = field(init=False)
    last_time_ms: int = 0
    advanced: dict[MarkKey, int] = field(default_factory=dict)
    """Marks that moved since the flush."""
    skipped: dict[MarkKey, int] = field(default_factory=dict)
    """The highest sequence of each key that was skipped since the flush because the mark had passed it."""
    counts: dict[CountKey, Sums] = field(default_factory=dict)
    by_region: dict[str, dict[int, Sums]] = field(default_factory=dict)
    """The same sums by region and subject: most events meet a key that is known, and need no `CountKey` made for them."""
    states: dict[StateKey, State] = field(default_factory=dict)
    notices: dict[tuple[int, str, int], Notified] = field(default_factory=dict)
    """What users are told, by user, kind and subject: told once, however often it is said."""
    dead: list[DeadLetter] = field(default_factory=list)
    events: int = 0
    duplicates: int = 0

    def __post_init__(self) -> None:
        self.next_offset = self.stored_offset

    @property
    def dirty(self) -> bool:
        """Whether there is anything to write, be it only the offset."""
        return self.next_offset != self.stored_offset

    def mark(self, key: MarkKey) -> int:
        """The last sequence of ``key`` that was taken; 0 if none."""
        return self.advanced.get(key) or self.stored_marks.get(key, 0)

    def take(self, record: Record) -> Verdict:
        """Judges and aggregates one record. On `Verdict.GAP` nothing changes and the record must be read again."""
        if record.offset < self.next_offset:
            return Verdict.DUPLICATE
        header = next((value for name, value in record.headers if name == events.STAMP_HEADER), None) or b""
        try:
            stamp = events.decode_stamp(header)
        except MalformedRecordError as error:
            key = MarkKey(f"unstamped:{self.partition.cluster}"[:64], _NO_INCARNATION)
            self._bury(record, key, record.offset, WHOLE_RECORD, str(error), header, record.body or b"")
            self._advance(record)
            return Verdict.DEAD
        key = MarkKey(stamp.origin, stamp.incarnation)
        mark = self.mark(key)
        if self.guards.marks and stamp.sequence <= mark:
            self.duplicates += 1
            self.skipped[key] = max(self.skipped.get(key, 0), stamp.sequence)
            self._advance(record)
            return Verdict.DUPLICATE
        if self.guards.dense and stamp.sequence != mark + 1:
            return Verdict.GAP
        verdict = Verdict.TAKEN
        try:
            pack = events.decode_pack(self.partition.topic, stamp.schema, record.body)
        except MalformedRecordError as error:
            self._bury(record, key, stamp.sequence, WHOLE_RECORD, str(error), header, record.body or b"")
            verdict = Verdict.DEAD
        except Exception as error:  # whatever a record makes this code do, the partition goes on
            reason = f"this code fails on it: {type(error).__name__}: {error}"
            self._bury(record, key, stamp.sequence, WHOLE_RECORD, reason, header, record.body or b"")
            verdict = Verdict.DEAD
        else:
            self._count(record, stamp, header, pack)
        self.advanced[key] = stamp.sequence
        self._advance(record)
        return verdict

    def flushed(self) -> None:
        """The database now holds everything that was taken."""
        self.stored_offset = self.next_offset
        self.stored_marks.update(self.advanced)
        self.advanced.clear()
        self.skipped.clear()
        self.counts = {}
        self.by_region = {}
        self.states = {}
        self.notices = {}
        self.dead = []
        self.events = 0

    def count_again(self, offset: int, header: bytes, stamp: Stamp, pack: Pack) -> None:
        """Aggregates a pack that was judged dead before, past offsets and marks: those have moved on."""
        self._count(Record(offset, 0, (), None), stamp, header, pack)

    def _advance(self, record: Record) -> None:
        self.next_offset = record.offset + 1
        self.last_time_ms = max(self.last_time_ms, record.time_ms)

    def _count(self, record: Record, stamp: Stamp, header: bytes, pack: Pack) -> None:
        key = MarkKey(stamp.origin, stamp.incarnation)
        for fault in pack.faults:
            self._bury(record, key, stamp.sequence, fault.index, fault.reason, header, fault.raw)
        region = stamp.origin
        known = self.by_region.setdefault(region, {})
        strangers = 0
        for index, event in zip(pack.indexes, pack.events, strict=True):
            # A subject that has sums was found to belong when it got them.
            if isinstance(event, Watched):
                if (sums := known.get(event.video)) is not None:
                    sums.second += event.watched_ms
                    sums.events += 1
                    continue
            elif isinstance(event, Viewed) and (sums := known.get(event.video)) is not None:
                sums.first += 1
                sums.events += 1
                continue
            subject = events.subject_of(event)
            reason = None
            if not self.belongs(subject):
                reason = f"subject {subject} does not belong to partition {self.partition.number}"
            elif self.refused:
                reason = self.refused.get(subject)
            if reason is not None:
                self._bury(record, key, stamp.sequence, index, reason, header, events.encode_event(event))
                strangers += 1
                continue
            self._apply(event, subject, region)
        self.events += len(pack.events) - strangers

    def _apply(self, event: AnyEvent, subject: int, region: str) -> None:
        match event:
            case Viewed():
                self._open(subject, region, Sums(1, 0, 1))
            case Watched(watched_ms=played):
                self._open(subject, region, Sums(0, played, 1))
            case Reacted(user=user, state=value):
                self._state(StateKey(subject, user), State(int(value), event.at_ms, event.id, region))
            case Subscribed(user=user, active=active):
                self._state(StateKey(subject, user), State(int(active), event.at_ms, event.id, region))
            case Commented(comment=comment, active=active):
                self._state(StateKey(subject, comment), State(int(active), event.at_ms, event.id, region))
            case Notified(user=user, kind=kind):
                self.notices.setdefault((user, kind, event.subject), event)

    def _open(self, subject: int, region: str, sums: Sums) -> None:
        self.by_region[region][subject] = self.counts[CountKey(subject, region)] = sums

    def _state(self, key: StateKey, state: State) -> None:
        known = self.states.get(key)
        if known is None or state.newer_than(known):
            self.states[key] = state

    def _bury(
        self, record: Record, key: MarkKey, sequence: int, index: int, reason: str, stamp: bytes, body: bytes
    ) -> None:
        self.dead.append(DeadLetter(self.partition, record.offset, key, sequence, index, reason, stamp, body))
