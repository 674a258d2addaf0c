"""Dead letters: listed, judged again, given up. Owns what becomes of a row; does not own how one comes about (``window``).

A replay flips the row and counts what it holds in the one transaction that it is given, so an event is never counted
both live and by a replay (counting rule 12). The row is the letter; nothing is read from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.common.database import Connection
from services.contracts import events
from services.contracts.events import MalformedRecordError
from services.counters import store
from services.counters.window import WHOLE_RECORD, DeadLetter, MarkKey, Partition, Window

MIN_PURGE_AGE = timedelta(hours=1)
"""A letter that is younger may still be looked at by whoever is called by the alarm."""

State = Literal["dead", "replayed", "purged"]


class DeadLetterError(Exception):
    """There is no such letter, or it cannot be counted as it is; the message says why and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class LetterKey:
    """Which event of which record."""

    origin: str
    topic: str
    part: int
    incarnation: UUID
    sequence: int
    index: int
    """Position in the pack; -1: the whole record."""

    def __str__(self) -> str:
        return f"{self.origin}/{self.topic}/{self.part}/{self.incarnation}/{self.sequence}/{self.index}"

    @classmethod
    def parse(cls, text: str) -> LetterKey:
        """The inverse of `str`. Raises ValueError."""
        fields = text.split("/")
        if len(fields) != 6:
            raise ValueError(
                f"{text!r} is no letter: it has the form origin/topic/partition/incarnation/sequence/index"
            )
        return cls(fields[0], fields[1], int(fields[2]), UUID(fields[3]), int(fields[4]), int(fields[5]))


@dataclass(frozen=True, slots=True)
class Letter:
    """A row."""

    key: LetterKey
    cluster: str
    log_offset: int
    reason: str
    stamp: bytes
    body: bytes
    version: str
    """Of the code that judged it."""
    state: State
    created_at: datetime
    settled_at: datetime | None
    note: str | None


_COLUMNS = (
    "origin, topic, part, incarnation, sequence, index, cluster, log_offset, reason, stamp, body, version, state, "
    "created_at, settled_at, note"
)


def _letter(row: Sequence[object]) -> Letter:
    key = LetterKey(*row[:6])  # type: ignore[arg-type] # typed by the columns of the table
    return Letter(key, *row[6:])  # type: ignore[arg-type] # the same


async def listed(
    connection: Connection, *, state: State | None = "dead", topic: str | None = None, limit: int = 100
) -> list[Letter]:
    """Letters in ``state`` (None: in any) of ``topic`` (None: of all), the oldest first."""
    rows = await connection.execute(
        f"SELECT {_COLUMNS} FROM counters.dead_letters "  # noqa: S608 - a constant
        "WHERE (%s::text IS NULL OR state = %s) AND (%s::text IS NULL OR topic = %s) "
        "ORDER BY created_at, origin, topic, part, incarnation, sequence, index LIMIT %s",
        (state, state, topic, topic, limit),
    )
    return [_letter(row) for row in await rows.fetchall()]


async def found(connection: Connection, key: LetterKey, *, lock: bool = False) -> Letter:
    """One letter. Raises `DeadLetterError` if there is none."""
    rows = await connection.execute(
        f"SELECT {_COLUMNS} FROM counters.dead_letters "  # noqa: S608 - a constant
        "WHERE (origin, topic, part, incarnation, sequence, index) = (%s, %s, %s, %s, %s, %s)"
        + (" FOR UPDATE" if lock else ""),
        (key.origin, key.topic, key.part, key.incarnation, key.sequence, key.index),
    )
    row = await rows.fetchone()
    if row is None:
        raise DeadLetterError(f"there is no letter {key} in this cell's database; see `meridian dlq list`")
    return _letter(row)


async def of_partition(connection: Connection, partition: Partition) -> list[Letter]:
    """Letters of records of the cluster's own producers in ``partition``, in any state."""
    rows = await connection.execute(
        f"SELECT {_COLUMNS} FROM counters.dead_letters "  # noqa: S608 - a constant
        "WHERE (origin, topic, part) = (%s, %s, %s)",
        (partition.cluster, partition.topic, partition.number),
    )
    return [_letter(row) for row in await rows.fetchall()]


async def replayed_since(connection: Connection, topic: str, snapshot: str | None) -> list[Letter]:
    """Letters of ``topic`` that were replayed and that ``snapshot`` (None: the beginning) did not see so."""
    rows = await connection.execute(
        f"SELECT {_COLUMNS} FROM counters.dead_letters "  # noqa: S608 - a constant
        "WHERE topic = %s AND state = 'replayed' "
        "AND (%s::text IS NULL OR NOT pg_visible_in_snapshot(settled_tx, %s::text::pg_snapshot))",
        (topic, snapshot, snapshot),
    )
    return [_letter(row) for row in await rows.fetchall()]


@dataclass(frozen=True, slots=True)
class Judged:
    """What a letter holds, as today's code sees it."""

    window: Window
    """With the counts and states of its good events."""
    events: int


def judge(letter: Letter, at_home: Callable[[int], bool]) -> Judged:
    """Reads a letter again; what is still bad in a record stands among the window's dead letters.

    ``at_home`` tells whether a subject is at home in the database that holds the letter; that it stood in a wrong
    partition is no matter here, because no other transaction can count it. Raises `DeadLetterError` if nothing in it
    can be counted.
    """
    key = letter.key
    try:
        stamp = events.decode_stamp(letter.stamp)
    except MalformedRecordError as error:
        raise DeadLetterError(
            f"{key}: {error}. Nobody knows whether such a record was counted before; purge it, and send its events anew"
        ) from error
    body = letter.body if key.index == WHOLE_RECORD else b"\x91" + letter.body
    partition = Partition(letter.cluster, key.topic, key.part)
    window = Window(partition, 0, {}, at_home)
    try:
        pack = events.decode_pack(key.topic, stamp.schema, body)
    except (MalformedRecordError, KeyError) as error:
        raise DeadLetterError(f"{key} still cannot be read by this code: {error}") from error
    window.count_again(letter.log_offset, letter.stamp, stamp, pack)
    if not window.events:
        reasons = "; ".join(dict.fromkeys(bad.reason for bad in window.dead))
        raise DeadLetterError(f"{key} still cannot be counted: {reasons}")
    return Judged(window, window.events)


async def replay(connection: Connection, key: LetterKey, at_home: Callable[[int], bool]) -> int:
    """Counts what the letter holds and flips its row, in the transaction of ``connection``; returns the events counted.

    Events of a whole record that are still bad become letters of their own. Raises `DeadLetterError`, then nothing may
    be committed.
    """
    letter = await found(connection, key, lock=True)
    if letter.state != "dead":
        raise DeadLetterError(f"{key} was {letter.state} before; a letter is settled once")
    judged = judge(letter, at_home)
    window = judged.window
    rows = {count: (sums.first, sums.second) for count, sums in window.counts.items()}
    await _settle(connection, [key], "replayed", f"{judged.events} events counted")
    await store.count(connection, key.topic, rows, window.states)
    mark = MarkKey(key.origin, key.incarnation)
    await store.bury(
        connection,
        [
            DeadLetter(bad.partition, letter.log_offset, mark, key.sequence, bad.index, bad.reason, bad.stamp, bad.body)
            for bad in window.dead
        ],
    )
    return judged.events


async def purge(
    connection: Connection, *, older_than: timedelta, reason: str, topic: str | None = None
) -> list[LetterKey]:
    """Gives up dead letters of ``topic`` (None: of all) that are older than ``older_than``; the rows stay, with the reason.

    Raises `DeadLetterError` without a reason or for an age below `MIN_PURGE_AGE`.
    """
    if not reason.strip():
        raise DeadLetterError("say why: whoever asks for these events later will want to know")
    if older_than < MIN_PURGE_AGE:
        raise DeadLetterError(f"letters younger than {MIN_PURGE_AGE} are kept; name a greater age")
    rows = await connection.execute(
        "SELECT origin, topic, part, incarnation, sequence, index FROM counters.dead_letters "
        "WHERE state = 'dead' AND created_at < now() - %s AND (%s::text IS NULL OR topic = %s) "
        "ORDER BY 1, 2, 3, 4, 5, 6 FOR UPDATE",
        (older_than, topic, topic),
    )
    keys = [LetterKey(*row) for row in await rows.fetchall()]
    await _settle(connection, keys, "purged", reason.strip())
    return keys


async def _settle(connection: Connection, keys: Sequence[LetterKey], state: State, note: str) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "UPDATE counters.dead_letters "
            "SET state = %s, note = %s, settled_at = now(), settled_tx = pg_current_xact_id() "
            "WHERE (origin, topic, part, incarnation, sequence, index) = (%s, %s, %s, %s, %s, %s)",
            [(state, note, k.origin, k.topic, k.part, k.incarnation, k.sequence, k.index) for k in keys],
        )
