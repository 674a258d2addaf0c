"""Direct writes that a promotion lost: rows of the fork that the promoted database does not have, or has otherwise.

Counts come from the log and lose nothing; what is written directly (accounts, catalogue, uploads) after the last bytes
that the copy had received is gone (counting rule 10). Here it is found in the old primary, before that is discarded.
Owns the comparison. Rows that were deleted on the fork alone are not found: they are back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from local import paths
from local.processes.postgres import Postgres, opened_read_only, superuser

COUNTED = "counters"
"""The schema whose rows follow from the log."""
_SLACK = 1_000
"""Transactions before the promotion that may still have been open on the fork."""


@dataclass(frozen=True, slots=True)
class LostRow:
    """A row of the fork."""

    home: str
    table: str
    key: str
    """Its primary key, as JSON."""
    known: bool
    """Whether the promoted database has an older form of it; otherwise it has none."""


def keep_horizon(home_directory: Path, home: str, term: int, horizon: str) -> None:
    """Keep what the promoted database knew at its promotion: the first transaction that it did not. The first call counts."""
    directory = paths.private_directory(home_directory / "promotions")
    paths.write_private_once(directory / f"{home}-{term}", horizon)


def horizon(home_directory: Path, home: str, term: int) -> int:
    """What `keep_horizon` kept; 0 (compare everything) if nothing."""
    file = home_directory / "promotions" / f"{home}-{term}"
    return int(file.read_text(encoding="utf-8")) if file.is_file() else 0


def keep_lost(home_directory: Path, region: str, rows: Iterable[LostRow]) -> None:
    """Keep the list before the fork is discarded: whoever repeats an interrupted return must be shown it too."""
    text = json.dumps([asdict(row) for row in rows], indent=1)
    paths.write_private(paths.private_directory(home_directory / "promotions") / _list(region), text)


def kept_lost(home_directory: Path, region: str) -> list[LostRow]:
    """What `keep_lost` kept at the last return of ``region``; nothing if it never returned."""
    file = home_directory / "promotions" / _list(region)
    return [LostRow(**row) for row in json.loads(file.read_text(encoding="utf-8"))] if file.is_file() else []


def _list(region: str) -> str:
    return f"lost-writes-{region}.json"


def lost(fork: Postgres, promoted: Postgres, since: int) -> list[LostRow]:
    """Rows that were written on ``fork`` from transaction ``since`` on and are not so in the promoted database.

    Starts the fork for the time of the comparison, read-only. Raises `local.processes.program.PreparationError`.
    """
    found: list[LostRow] = []
    with opened_read_only(fork) as old, superuser(promoted) as new:
        for schema, table, columns in _tables(old):
            for key, text in _written(old, schema, table, columns, max(0, since - _SLACK)):
                now = _same_key(new, schema, table, columns, key)
                if now != text:
                    found.append(LostRow(fork.cell, f"{schema}.{table}", key, now is not None))
    return found


def _tables(connection: psycopg.Connection) -> list[tuple[str, str, list[str]]]:
    """(schema, table, columns of the primary key) of every table of the services but those of the counters."""
    rows = connection.execute(
        "SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_index AS i "
        "JOIN pg_class AS c ON c.oid = i.indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) "
        "WHERE i.indisprimary AND c.relkind = 'r' AND n.nspname <> %s "
        "AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema' "
        "GROUP BY 1, 2 ORDER BY 1, 2",
        (COUNTED,),
    )
    return [(str(row[0]), str(row[1]), list(row[2])) for row in rows]


def _key(columns: list[str]) -> sql.Composed:
    return sql.SQL("jsonb_build_array({})::text").format(sql.SQL(", ").join(map(sql.Identifier, columns)))


def _written(
    connection: psycopg.Connection, schema: str, table: str, columns: list[str], since: int
) -> list[tuple[str, str]]:
    """(key, row) of rows that a transaction from ``since`` on wrote. Ages are compared: numbers of transactions wrap."""
    rows = connection.execute(
        sql.SQL(
            "SELECT {key}, to_jsonb(t)::text FROM {table} AS t "
            "WHERE age(xmin) <= (pg_snapshot_xmax(pg_current_snapshot())::text::numeric - %s)"
        ).format(key=_key(columns), table=sql.Identifier(schema, table)),
        (since,),
    )
    return [(str(row[0]), str(row[1])) for row in rows]


def _same_key(connection: psycopg.Connection, schema: str, table: str, columns: list[str], key: str) -> str | None:
    row = connection.execute(
        sql.SQL("SELECT to_jsonb(t)::text FROM {table} AS t WHERE {key} = %s").format(
            key=_key(columns), table=sql.Identifier(schema, table)
        ),
        (key,),
    ).fetchone()
    return None if row is None else str(row[0])
