"""Rules 6, 9, 10 and 14: one home's two databases, a promotion, the fork that is left, direct writes, and a caller.

The region is lost, its partner's asynchronous replica promoted, the region returns; a second loss may follow. One
process was stopped with the old settings and wakes up. One event was acknowledged in the lost region and not copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.counters.model.small import Machine

RULES = {
    "replicator_only": "6: stranded events come back only through the resumed replicator",
    "term_checked": "9: every write checks the writer's term",
    "fork_discarded": "9: a promoted database is a fork; the old primary is thrown away and a new replica built",
    "term_in_token": "9: positions carry the writer's term",
    "losses_listed": "10: direct writes that a promotion lost are counted and listed",
    "overlay": "14: one's own unapplied events are laid over what is read",
}
WRITES = 3
HOME, PARTNER = 0, 1


@dataclass(frozen=True, slots=True)
class State:
    """Everything. Direct writes are numbered; an instance is the set of those that it has."""

    instances: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    lengths: tuple[int, int] = (0, 0)
    """Of the logs of both: their position."""
    writer: int = HOME
    term: int = 1
    follows: bool = True
    """Whether the other instance streams from the writer."""
    away: bool = False
    """The region of the other instance."""
    promotions: int = 0
    acknowledged: frozenset[int] = frozenset()
    listed: frozenset[int] = frozenset()
    stale_writes: int = 0
    token: tuple[int, int, int] | None = None
    """Of the caller: term, position and number of its last write."""
    misread: bool = False
    stranded: int = 0
    """0: none yet; 1: in the lost log only; 2: counted."""
    twice: bool = False
    event: int = 0
    """Of the caller: 0 none; 1 acknowledged; 2 counted."""
    unseen: bool = False


def steps(state: State, rules: frozenset[str]) -> Iterator[tuple[str, State]]:
    """All that can happen next."""
    yield from _writes(state, rules)
    yield from _regions(state, rules)
    yield from _caller(state, rules)
    yield from _stranded(state, rules)


def _writes(state: State, rules: frozenset[str]) -> Iterator[tuple[str, State]]:
    number = len(state.acknowledged)
    if number >= WRITES:
        return
    yield f"direct write {number} is acknowledged in term {state.term}", _written(state, state.writer, number)
    fork = 1 - state.writer
    if (
        "term_checked" not in rules
        and state.promotions
        and not state.follows
        and not state.away
        and not state.stale_writes
    ):
        stale = replace(_written(state, fork, number), token=state.token, stale_writes=1)
        yield f"a process with old settings wakes up and writes {number} to the fork", stale


def _written(state: State, where: int, number: int) -> State:
    instances = list(state.instances)
    lengths = list(state.lengths)
    instances[where] |= {number}
    lengths[where] += 1
    return replace(
        state,
        instances=(instances[0], instances[1]),
        lengths=(lengths[0], lengths[1]),
        acknowledged=state.acknowledged | {number},
        token=(state.term, lengths[where], number),
    )


def _regions(state: State, rules: frozenset[str]) -> Iterator[tuple[str, State]]:
    other = 1 - state.writer
    if state.follows and not state.away and state.instances[other] != state.instances[state.writer]:
        yield "the replica catches up", _copied(state, other)
    if state.follows and not state.away and state.promotions < 2:
        yield (
            "the writer's region is lost and its replica promoted",
            replace(
                state,
                writer=other,
                term=state.term + 1,
                follows=False,
                away=True,
                promotions=state.promotions + 1,
                stranded=max(state.stranded, 1),
            ),
        )
    if state.away:
        yield "the region returns, its fork read-only", replace(state, away=False)
    elif not state.follows:
        missing = state.instances[other] - state.instances[state.writer]
        listed = state.listed | missing if "losses_listed" in rules else state.listed
        if "fork_discarded" in rules:
            built = replace(_copied(state, other), follows=True, listed=listed)
            yield "the fork is compared and discarded, a new replica built", built
        else:
            yield "the fork is made a replica again", replace(state, follows=True, listed=listed)


def _copied(state: State, where: int) -> State:
    instances, lengths = list(state.instances), list(state.lengths)
    instances[where], lengths[where] = instances[1 - where], lengths[1 - where]
    return replace(state, instances=(instances[0], instances[1]), lengths=(lengths[0], lengths[1]))


def _caller(state: State, rules: frozenset[str]) -> Iterator[tuple[str, State]]:
    if state.token is not None and not state.misread:
        term, position, number = state.token
        other = 1 - state.writer
        # A process with old settings still takes the fork for a replica of its own term.
        theirs = state.term if state.follows else state.term - 1
        known = term == theirs or "term_in_token" not in rules
        if not state.away and known and state.lengths[other] >= position:
            sees = number in state.instances[other] or number not in state.instances[state.writer]
            yield (
                f"the caller reads at the {'replica' if state.follows else 'fork'}, at position {state.lengths[other]}",
                replace(state, misread=not sees),
            )
    if state.event == 0:
        yield "an event of the caller is acknowledged", replace(state, event=1)
    if state.event == 1:
        yield "the window that holds it is flushed", replace(state, event=2)
        yield "the caller reads its counts", replace(state, unseen="overlay" not in rules)


def _stranded(state: State, rules: frozenset[str]) -> Iterator[tuple[str, State]]:
    if state.stranded == 1 and not state.away and state.promotions:
        yield "the resumed replicator brings what was stranded, and it is counted", replace(state, stranded=2)
        if "replicator_only" not in rules:
            yield (
                "someone reads the old log and sends what was stranded again, under new stamps: it is counted",
                replace(state, stranded=3),
            )
    if state.stranded == 3:
        yield "the resumed replicator brings it too: its stamp is not marked", replace(state, twice=True)


def wrong(state: State) -> str | None:
    """What must not be."""
    if state.twice:
        return "the stranded event is counted twice"
    if state.misread:
        return "the caller does not see its own write"
    if state.unseen:
        return "the caller does not see its own event"
    if state.stale_writes:
        return "a direct write is acknowledged by the fork, while another database is the writer"
    if state.away:
        return None
    kept = state.instances[0] | state.instances[1] if not state.follows else state.instances[state.writer]
    for number in sorted(state.acknowledged - kept - state.listed):
        return f"direct write {number} was acknowledged, is gone, and nobody is told"
    return None


MACHINE = Machine("seats", RULES, State(), steps, wrong)
