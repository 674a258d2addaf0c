"""Rules 1 and 16: laws of topics, brokers and replicators. One partition on two brokers, a consumer, and its copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.counters.model.small import Machine

RULES = {
    "one_home": "1: a consumer writes rows, offsets and marks to one database only",
    "clean_election": "16: a broker that is not in sync is never elected",
    "two_in_sync": "16: a record is acknowledged when two brokers have it",
    "delete_only": "16: a topic is not compacted",
    "partitions_fixed": "16: partition counts never change",
    "from_earliest": "16: the replicator starts at the earliest record",
    "prefixed": "16: copies have the source's name in front",
    "in_order": "16: the replicator has one request in flight, or is idempotent",
}
RECORDS = 2


@dataclass(frozen=True, slots=True)
class State:
    """Records are numbered from 1 in the order in which they were sent."""

    leader: tuple[int, ...] = ()
    follower: tuple[int, ...] = ()
    acknowledged: int = 0
    failed: bool = False
    consumed: int = 0
    """Offset of the consumer."""
    counted: frozenset[int] = frozenset()
    halves: int = 0
    """Flushes whose offsets were committed and whose rows were not."""
    copying: bool = False
    place: int = 0
    """Of the replicator."""
    copy: tuple[int, ...] = ()
    echoed: int = 0
    split: bool = False
    """Records of one producer and subject went to two partitions."""


def steps(state: State, rules: frozenset[str]) -> Iterator[tuple[str, State]]:
    """All that can happen next."""
    yield from _broker(state, rules)
    yield from _consumer(state, rules)
    yield from _replicator(state, rules)


def _broker(state: State, rules: frozenset[str]) -> Iterator[tuple[str, State]]:
    number = state.acknowledged + 1
    if number <= RECORDS and not state.failed:
        both = replace(state, leader=(*state.leader, number), follower=(*state.leader, number), acknowledged=number)
        yield f"record {number} is on both brokers and acknowledged", both
        if "two_in_sync" not in rules or "clean_election" not in rules:
            # The follower fell out of the in-sync set, which one broker may be enough for.
            alone = replace(state, leader=(*state.leader, number), acknowledged=number)
            yield f"the follower lags; record {number} is acknowledged by the leader alone", alone
    if not state.failed:
        behind = state.follower != state.leader
        if not behind:
            yield "the leader fails; the follower, in sync, is elected", replace(state, failed=True)
        elif "clean_election" not in rules:
            yield (
                "the leader fails; the follower, not in sync, is elected",
                replace(state, leader=state.follower, failed=True),
            )
        elif "two_in_sync" not in rules:
            yield (
                "the leader's disk is lost; the follower is all that is left",
                replace(state, leader=state.follower, failed=True),
            )
    if len(state.leader) == RECORDS and "delete_only" not in rules:
        yield "compaction removes record 1, of the same key as record 2", replace(state, leader=(RECORDS,))
    if "partitions_fixed" not in rules and state.acknowledged == 1:
        yield "the topic grows; record 2 of the same subject goes to another partition", replace(state, split=True)


def _consumer(state: State, rules: frozenset[str]) -> Iterator[tuple[str, State]]:
    if state.consumed < len(state.leader):
        number = state.leader[state.consumed]
        if number == max(state.counted, default=0) + 1 or number in state.counted:
            done = replace(state, consumed=state.consumed + 1, counted=state.counted | {number})
            yield f"record {number} is counted with its offset", done
            if "one_home" not in rules and not state.halves:
                half = replace(state, consumed=state.consumed + 1, halves=1)
                yield f"a flush over two databases commits the offset of record {number} and dies before its rows", half


def _replicator(state: State, rules: frozenset[str]) -> Iterator[tuple[str, State]]:
    if not state.copying:
        latest = len(state.leader) if "from_earliest" not in rules else 0
        yield f"the replicator starts at offset {latest}", replace(state, copying=True, place=latest)
        return
    if state.place < len(state.leader) and len(state.copy) < RECORDS + 1:
        number = state.leader[state.place]
        copied = replace(state, place=state.place + 1, copy=(*state.copy, number))
        yield f"the replicator copies record {number}", copied
        if "in_order" not in rules and state.place + 1 < len(state.leader):
            later = (state.leader[state.place + 1], number)
            yield (
                f"two requests in flight: the first is retried, so record {later[0]} is copied before record {number}",
                replace(state, place=state.place + 2, copy=(*state.copy, *later)),
            )
    if "prefixed" not in rules and state.copy and not state.echoed:
        yield "the other direction takes the copy for an original and copies it back", replace(state, echoed=1)


def wrong(state: State) -> str | None:
    """What must not be."""
    for number in range(1, state.acknowledged + 1):
        if number not in state.leader and number not in state.counted:
            return f"record {number} was acknowledged and is in no log any more"
        if state.halves and state.consumed >= number and number not in state.counted:
            return f"record {number} is before the stored offset and not counted"
    if state.counted - set(range(1, state.acknowledged + 1)):
        return "a record is counted that nobody sent"
    if state.split:
        return "two partitions hold one subject's records: a position in one of them says nothing of the other"
    if state.echoed:
        return "a record goes round between the clusters for ever"
    if state.place and not state.copy:
        return f"{state.place} records are in no copy: they are lost with the region"
    if list(state.copy) != sorted(state.copy):
        return "the copy is in another order: its first record is not the next one, and the partition stands still for ever"
    return None


MACHINE = Machine("topics", RULES, State(), steps, wrong)
