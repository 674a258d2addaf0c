"""What the provider has made, by emulator: resources that live in it, and those that only this ledger holds.

SQLite rather than a JSON file, because the region stacks are deployed by several provider processes at a time.
Which types may be recorded is decided by `local.aws.gaps`, not here.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.aws.engine.wire import Properties

_SCHEMA = """
create table if not exists resource (
  token text not null, region text not null, id text not null, live integer not null,
  inputs text not null, outputs text not null, primary key (token, region, id)
)
"""


@dataclass(frozen=True)
class Entry:
    """A recorded resource."""

    inputs: Properties
    outputs: Properties


@dataclass(frozen=True)
class Count:
    """How many resources of a type are live in the emulator and how many only recorded."""

    token: str
    live: int
    recorded: int


class Ledger:
    """The ledger of one emulator; safe for threads and processes.  The file is made with mode 0600."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
        self._path = path
        self._local = threading.local()
        with self._connection() as connection:
            connection.execute("pragma journal_mode=wal")
            connection.execute(_SCHEMA)

    def record(self, token: str, region: str, identity: str, inputs: Properties, outputs: Properties) -> None:
        """Keep a resource that the emulator lacks."""
        self._put(token, region, identity, False, inputs, outputs)

    def note_live(self, token: str, region: str, identity: str) -> None:
        """Note that a resource is in the emulator (for the report; its properties are read there)."""
        self._put(token, region, identity, True, {}, {})

    def recorded(self, token: str, region: str, identity: str) -> Entry | None:
        """A recorded resource, None when there is none of that id."""
        with self._connection() as connection:
            row = connection.execute(
                "select inputs, outputs from resource where token=? and region=? and id=? and live=0",
                (token, region, identity),
            ).fetchone()
        return Entry(json.loads(row[0]), json.loads(row[1])) if row else None

    def forget(self, token: str, region: str, identity: str) -> None:
        """Take a resource out; one that is not there is fine."""
        with self._connection() as connection:
            connection.execute("delete from resource where token=? and region=? and id=?", (token, region, identity))

    def counts(self) -> list[Count]:
        """Live and recorded resources by type, types in order."""
        live: Counter[str] = Counter()
        recorded: Counter[str] = Counter()
        with self._connection() as connection:
            for token, is_live, number in connection.execute(
                "select token, live, count(*) from resource group by token, live"
            ):
                (live if is_live else recorded)[token] += number
        return [Count(token, live[token], recorded[token]) for token in sorted({*live, *recorded})]

    def _put(
        self, token: str, region: str, identity: str, live: bool, inputs: Mapping[str, object], outputs: Properties
    ) -> None:
        with self._connection() as connection:
            connection.execute(
                "insert or replace into resource values (?, ?, ?, ?, ?, ?)",
                (token, region, identity, int(live), json.dumps(inputs), json.dumps(outputs)),
            )

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=30)
            connection.execute("pragma synchronous=off")
            self._local.connection = connection
        with connection:
            yield connection
