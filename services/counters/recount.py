"""What the log says a partition's counts must be, and how the database differs. Pure; reading both is ``audit``'s.

A recount starts from a checkpoint (offset, marks, counts) and replays the log after it through the same judgement as the
live path (``window``), so it proves what that path wrote: flushes, pending keys, folds and replays of dead letters. That
the judgement itself is right is proved elsewhere, by a comparison that shares no code with it (``tests/faults``).

Views are compared as numbers. Reactions, comments and subscriptions are states, of which a checkpoint would hold one
per user: there the states of the log must not be newer than those of the database, equal ones must have one value, and
the counts must be what the stored states add up to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from services.counters import dead
from services.counters.dead import DeadLetterError, Letter
from services.counters.window import CountKey, MarkKey, Partition, State, StateKey, Window

Counts = dict[CountKey, tuple[int, int]]

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(tuple[list[tuple[str, bytes, int]], list[tuple[int, str, int, int]]])


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log before ``next_offset`` gives, once it was found equal to the database in ``snapshot``."""

    next_offset: int
    marks: Mapping[MarkKey, int]
    counts: Mapping[CountKey, tuple[int, int]]
    snapshot: str

    def encode(self) -> bytes:
        """Marks and counts as they are stored."""
        return _ENCODER.encode(
            (
                [(key.origin, key.incarnation.bytes, sequence) for key, sequence in self.marks.items()],
                [(key.subject, key.region, *sums) for key, sums in self.counts.items()],
            )
        )

    @classmethod
    def decode(cls, next_offset: int, body: bytes, snapshot: str) -> Checkpoint:
        """The inverse of `encode`. Raises `msgspec.DecodeError`."""
        marks, counts = _DECODER.decode(body)
        return cls(
            next_offset,
            {MarkKey(origin, UUID(bytes=incarnation)): sequence for origin, incarnation, sequence in marks},
            {CountKey(subject, region): (first, second) for subject, region, first, second in counts},
            snapshot,
        )


@dataclass(frozen=True, slots=True)
class Stored:
    """What one snapshot of the database says of a partition."""

    next_offset: int
    marks: Mapping[MarkKey, int]
    counts: Mapping[CountKey, tuple[int, int]]
    """Of the subjects that were asked for, what is pending included."""
    states: Mapping[StateKey, State]
    """Of the keys that were asked for."""
    adding_up: Mapping[CountKey, tuple[int, int]] | None
    """What the stored states of the subjects add up to; None where counts are no matter of states."""
    letters: Sequence[Letter]
    """Of records of this partition, in any state."""
    replayed: Sequence[Letter]
    """Of any partition of the topic, replayed since the checkpoint."""
    snapshot: str
    copied: bool = False
    """Whether a copy of this log was read as well: then marks may be ahead of the position, until it is read again."""

    def behind(self, cluster: str, rebuilt: Mapping[MarkKey, int]) -> bool:
        """Whether the log of ``cluster``, ``rebuilt`` up to the position, is still being read again after a return."""
        own = ((key, mark) for key, mark in self.marks.items() if key.origin == cluster)
        return self.copied and any(mark > rebuilt.get(key, 0) for key, mark in own)


@dataclass(frozen=True, slots=True)
class Drift:
    """A difference."""

    partition: Partition
    what: str
    stored: str
    rebuilt: str


@dataclass(slots=True)
class Rebuilt:
    """A partition as its log has it."""

    window: Window
    start: Checkpoint | None
    belongs: Callable[[int], bool]
    counts: Counts = field(default_factory=dict)
    states: dict[StateKey, State] = field(default_factory=dict)

    def finish(self, stored: Stored) -> None:
        """Puts together what the checkpoint, the log and the replays give. To be called once, when all was read."""
        cluster = self.window.partition.cluster
        self.counts = dict(self.start.counts) if self.start else {}
        self._add(self.window, 1)
        buried = {(letter.key, letter.sequence, letter.index) for letter in self.window.dead}
        for letter in stored.letters:
            key = MarkKey(letter.key.origin, letter.key.incarnation)
            fresh = letter.key.sequence > (self.start.marks.get(key, 0) if self.start else 0)
            if fresh and (key, letter.key.sequence, letter.key.index) not in buried:
                # Today's code can read what was buried then: it is counted by a replay, or not at all.
                self._judged(letter, -1)
        for letter in stored.replayed:
            if letter.key.origin == cluster:
                self._judged(letter, 1)
        self.counts = {key: sums for key, sums in self.counts.items() if key.region == cluster and any(sums)}

    def _judged(self, letter: Letter, sign: int) -> None:
        try:
            self._add(dead.judge(letter, self.belongs).window, sign)
        except DeadLetterError:
            return

    def _add(self, window: Window, sign: int) -> None:
        for key, sums in window.counts.items():
            first, second = self.counts.get(key, (0, 0))
            self.counts[key] = (first + sign * sums.first, second + sign * sums.second)
        if sign > 0:
            for state_key, state in window.states.items():
                known = self.states.get(state_key)
                if known is None or state.newer_than(known):
                    self.states[state_key] = state

    def marks(self) -> dict[MarkKey, int]:
        """Marks of the cluster's own producers after everything that was read."""
        merged = {**self.window.stored_marks, **self.window.advanced}
        return {key: mark for key, mark in merged.items() if key.origin == self.window.partition.cluster}

    def checkpoint(self, stored: Stored) -> Checkpoint:
        """Where the next recount may start, if this one found no drift."""
        return Checkpoint(self.window.next_offset, self.marks(), self.counts, stored.snapshot)


def compare(rebuilt: Rebuilt, stored: Stored, subjects: Iterable[int]) -> list[Drift]:
    """Every difference between the log and the database, for ``subjects``."""
    partition = rebuilt.window.partition
    own = {key: mark for key, mark in stored.marks.items() if key.origin == partition.cluster}
    marks = rebuilt.marks()
    drifts = [
        Drift(partition, f"mark of incarnation {key.incarnation}", str(own.get(key)), str(marks.get(key)))
        for key in sorted(own.keys() | marks.keys())
        if own.get(key) != marks.get(key)
    ]
    wanted = set(subjects)
    expected = rebuilt.counts if stored.adding_up is None else stored.adding_up
    for count in sorted(expected.keys() | stored.counts.keys()):
        elsewhere = stored.adding_up is None and count.region != partition.cluster
        found, right = stored.counts.get(count, (0, 0)), expected.get(count, (0, 0))
        if count.subject in wanted and not elsewhere and found != right:
            drifts.append(Drift(partition, f"counts of {count.subject} in {count.region}", str(found), str(right)))
    for state_key, state in sorted(rebuilt.states.items(), key=lambda item: (item[0].subject, item[0].member)):
        if state_key.subject not in wanted:
            continue
        kept = stored.states.get(state_key)
        if kept is None or state.newer_than(kept) or (not kept.newer_than(state) and kept.value != state.value):
            what = f"state of {state_key.member} for {state_key.subject}"
            drifts.append(Drift(partition, what, str(kept and kept.value), str(state.value)))
    return drifts
