"""The machine: two clusters, a producer with two incarnations, a replicator, two owners, a database and its replica.

One partition of one topic. Pure values; each `Step` is something that can happen next, with the state after it. Owns
what the rules permit; does not own the search (``search``). Rules by number: the table in ``docs`` on counting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum


class Rule(Enum):
    """A rule that can be taken out."""

    PENDING_IN_TRANSACTION = "2: what a flush does not apply is stored in its transaction"
    FRESH_INCARNATION = "3: a producer is one incarnation, not a sequence of epochs"
    DENSE = "4: a record that is not the next one stops the partition"
    MARKS_COMPARED = "5: marks are compared before they are set"
    SKIPPED_COMPARED = "5: a mark by which a record was skipped is compared too"
    MARK_OF_HEADER = "5: a mark's key comes from the record's header, not from the log that is read"
    MARKS_KEPT = "7: a mark is kept as long as any log can hold its incarnation"
    COPY_FROM_BEFORE = "8: the copy of a lost region's log is read from before the last flush"
    FLUSH_COMPARED = "fence: the last flush of a partition is compared before it is set"


ALL_RULES = frozenset(Rule)

ORIGIN, COPY = 0, 1

Stamp = tuple[int, int]
"""Incarnation and sequence."""
Key = tuple[int, int]
"""Whose mark: log (always the origin while rule 5 holds) and incarnation."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far the search goes."""

    records: int = 2
    repeats: int = 1
    drops: int = 1
    owners: int = 2
    assignments: int = 2
    flushes: int = 2


@dataclass(frozen=True, slots=True)
class Database:
    """What one commit leaves. Offsets and pending by log."""

    offsets: tuple[int | None, int | None] = (None, None)
    flushes: tuple[int, int] = (0, 0)
    """Which flush set the offset; 0: none."""
    marks: frozenset[tuple[Key, int]] = frozenset()
    applied: tuple[Stamp, ...] = ()
    pending: tuple[tuple[Stamp, ...], tuple[Stamp, ...]] = ((), ())


@dataclass(frozen=True, slots=True)
class Owner:
    """A consumer of one log: what it loaded, and what it has read since."""

    log: int
    flush: int
    marks: frozenset[tuple[Key, int]]
    position: int
    pending: tuple[Stamp, ...]
    window: tuple[Stamp, ...] = ()
    advanced: frozenset[tuple[Key, int]] = frozenset()
    relied: frozenset[tuple[Key, int]] = frozenset()
    """Sequences that were skipped because the marks that it loaded had passed them."""


@dataclass(frozen=True, slots=True)
class State:
    """Everything."""

    logs: tuple[tuple[Stamp, ...], tuple[Stamp, ...]] = ((), ())
    sent: tuple[int, int] = (0, 0)
    """Last sequence of each incarnation."""
    incarnation: int = 0
    replicated: int = 0
    """Place of the replicator in the origin's log."""
    repeats: int = 0
    drops: int = 0
    database: Database = Database()
    replica: Database = Database()
    owners: tuple[Owner | None, ...] = (None, None)
    assignments: int = 0
    flushes: int = 0
    lost: bool = False
    """The origin's region is away, and the replica was promoted."""
    promoted: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens."""

    text: str
    after: State


def violation(state: State) -> str | None:
    """What is wrong with the counts in the database; None if nothing is."""
    database = state.database
    counted = [*database.applied, *database.pending[ORIGIN], *database.pending[COPY]]
    for stamp in sorted(set(counted)):
        if counted.count(stamp) > 1:
            return f"record {_name(stamp)} is counted {counted.count(stamp)} times"
    for log, offset in enumerate(database.offsets):
        for stamp in state.logs[log][: offset or 0]:
            if stamp not in counted:
                return f"record {_name(stamp)} was passed over: it is before the stored offset and not counted"
    for (_, incarnation), mark in database.marks:
        for stamp in state.logs[ORIGIN]:
            if stamp[0] == incarnation and stamp[1] <= mark and stamp not in counted:
                return f"record {_name(stamp)} is lost: the mark has passed it and it is not counted"
    return None


def steps(state: State, rules: frozenset[Rule], bounds: Bounds) -> Iterator[Step]:
    """All that can happen next."""
    yield from _producer(state, rules, bounds)
    yield from _replicator(state, bounds)
    yield from _region(state, rules)
    for number, owner in enumerate(state.owners[: bounds.owners]):
        # Owners are alike: the second comes after the first.
        if state.assignments < bounds.assignments and (number == 0 or state.owners[0] is not None):
            yield from _assign(state, rules, number)
        if owner is not None:
            yield from _read(state, rules, number, owner)
            if state.flushes < bounds.flushes:
                yield from _flush(state, rules, number, owner)


def _name(stamp: Stamp) -> str:
    return f"({'ab'[stamp[0]]},{stamp[1]})"


def _producer(state: State, rules: frozenset[Rule], bounds: Bounds) -> Iterator[Step]:
    if state.lost:
        return
    if sum(state.sent) < bounds.records:
        # An epoch that was stopped may wake up and go on; an incarnation that has ended never does.
        speakers = {state.incarnation} if Rule.FRESH_INCARNATION in rules else {0, state.incarnation}
        for speaker in sorted(speakers):
            sent = _set(state.sent, speaker, state.sent[speaker] + 1)
            stamp = (speaker, sent[speaker])
            logs = ((*state.logs[ORIGIN], stamp), state.logs[COPY])
            yield Step(f"{_name(stamp)} is acknowledged by the origin", replace(state, sent=sent, logs=logs))
    if state.incarnation == 0 and state.sent[0]:
        yield Step("the producer ends a and begins b", replace(state, incarnation=1))


def _replicator(state: State, bounds: Bounds) -> Iterator[Step]:
    if state.lost:
        return
    origin, copy = state.logs
    if state.replicated < len(origin):
        stamp = origin[state.replicated]
        yield Step(
            f"the replicator copies {_name(stamp)}",
            replace(state, logs=(origin, (*copy, stamp)), replicated=state.replicated + 1),
        )
        if state.drops < bounds.drops:
            yield Step(
                f"the replicator gives up on {_name(stamp)}",
                replace(state, replicated=state.replicated + 1, drops=state.drops + 1),
            )
    if copy and state.repeats < bounds.repeats:
        yield Step(
            f"the replicator repeats {_name(copy[-1])}",
            replace(state, logs=(origin, (*copy, copy[-1])), repeats=state.repeats + 1),
        )


def _region(state: State, rules: frozenset[Rule]) -> Iterator[Step]:
    if not state.promoted:
        if state.replica != state.database:
            yield Step("the replica catches up", replace(state, replica=state.database))
        yield Step(
            "the origin's region is lost and the replica promoted",
            replace(state, lost=True, promoted=True, database=state.replica),
        )
    if state.lost:
        yield Step("the region returns: its log and the replicator go on", replace(state, lost=False))
    if Rule.MARKS_KEPT not in rules and not state.expired and state.database.marks:
        database = replace(state.database, marks=frozenset())
        yield Step("the marks are deleted", replace(state, database=database, expired=True))


def _assign(state: State, rules: frozenset[Rule], number: int) -> Iterator[Step]:
    for log in (ORIGIN, COPY):
        if log == ORIGIN and state.lost:
            continue
        offset = state.database.offsets[log]
        if offset is None:
            late = log == COPY and Rule.COPY_FROM_BEFORE not in rules
            offset = len(state.logs[log]) if late else 0
        owner = Owner(log, state.database.flushes[log], state.database.marks, offset, state.database.pending[log])
        where = "the origin" if log == ORIGIN else "the copy"
        yield Step(
            f"owner {number + 1} takes over {where} at offset {offset}",
            replace(state, owners=_set(state.owners, number, owner), assignments=state.assignments + 1),
        )


def _read(state: State, rules: frozenset[Rule], number: int, owner: Owner) -> Iterator[Step]:
    log = state.logs[owner.log]
    if owner.position >= len(log) or (owner.log == ORIGIN and state.lost):
        return
    stamp = log[owner.position]
    key, mark = _key(rules, owner.log, stamp), _mark(rules, owner, stamp)
    if mark == _PASSED or stamp[1] <= mark:
        after = replace(owner, position=owner.position + 1, relied=owner.relied | {(key, stamp[1])})
        text = f"owner {number + 1} skips {_name(stamp)}: it is marked"
    elif Rule.DENSE in rules and stamp[1] != mark + 1:
        return
    else:
        advanced = frozenset({*((k, m) for k, m in owner.advanced if k != key), (key, stamp[1])})
        after = replace(owner, position=owner.position + 1, window=(*owner.window, stamp), advanced=advanced)
        text = f"owner {number + 1} reads {_name(stamp)}"
    yield Step(text, replace(state, owners=_set(state.owners, number, after)))


_PASSED = -1


def _key(rules: frozenset[Rule], log: int, stamp: Stamp) -> Key:
    return (ORIGIN if Rule.MARK_OF_HEADER in rules else log, stamp[0])


def _mark(rules: frozenset[Rule], owner: Owner, stamp: Stamp) -> int:
    known = dict(owner.marks) | dict(owner.advanced)
    key = _key(rules, owner.log, stamp)
    if Rule.FRESH_INCARNATION not in rules and any(k[0] == key[0] and k[1] > key[1] for k in known):
        # Epochs: whatever is of an older one than the newest that was seen is dropped as old.
        return _PASSED
    return known.get(key, 0)


def _flush(state: State, rules: frozenset[Rule], number: int, owner: Owner) -> Iterator[Step]:
    database, log = state.database, owner.log
    dropped = replace(state, owners=_set(state.owners, number, None))
    if not owner.window and not owner.pending and owner.position == (database.offsets[log] or 0):
        return
    if Rule.FLUSH_COMPARED in rules and database.flushes[log] != owner.flush:
        yield Step(f"owner {number + 1} is fenced by another flush", dropped)
        return
    loaded, stored = dict(owner.marks), dict(database.marks)
    moved = any(stored.get(k, 0) != loaded.get(k, 0) for k, _ in owner.advanced)
    passed = all(stored.get(k, 0) >= sequence for k, sequence in owner.relied if k not in dict(owner.advanced))
    if Rule.MARKS_COMPARED in rules and (moved or (Rule.SKIPPED_COMPARED in rules and not passed)):
        yield Step(f"owner {number + 1} is fenced by a mark", dropped)
        return
    flush = state.flushes + 1
    marks = frozenset((stored | dict(owner.advanced)).items())
    for hold in (False, True):
        if hold and not owner.window:
            continue
        kept = (*owner.pending, *owner.window) if hold else ()
        applied = database.applied if hold else (*database.applied, *owner.pending, *owner.window)
        stored_pending = kept if Rule.PENDING_IN_TRANSACTION in rules else ()
        after = replace(
            database,
            offsets=_set(database.offsets, log, owner.position),
            flushes=_set(database.flushes, log, flush),
            marks=marks,
            applied=tuple(sorted(applied)),
            pending=_set(database.pending, log, stored_pending),
        )
        mine = replace(
            owner, flush=flush, marks=marks, pending=kept, window=(), advanced=frozenset(), relied=frozenset()
        )
        names = ", ".join(map(_name, (*owner.pending, *owner.window))) or "nothing new"
        yield Step(
            f"owner {number + 1} {'keeps pending' if hold else 'counts'} {names} and stores offset {owner.position}",
            replace(state, database=after, owners=_set(state.owners, number, mine), flushes=flush),
        )


def _set(values: tuple, index: int, value: object) -> tuple:  # type: ignore[type-arg] # any tuple of the state
    return (*values[:index], value, *values[index + 1 :])
