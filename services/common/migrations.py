"""Finding and checking migration files. Pure but for reading them; does not own applying them (``migrate``).

A file is ``services/<name>/migrations/NNNN_words.sql``. Numbers of one service start at 1 and have no gap, an applied
file never changes. A file whose first line is ``-- outside a transaction`` is run statement by statement, for
CREATE INDEX CONCURRENTLY; each of its statements must then be repeatable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import services

ORDER = (
    "accounts",
    "catalog",
    "uploads",
    "engagement",
    "counters",
    "recommendations",
    "search",
    "transcoder",
)
"""Schemas in the order in which they are built: a later one may refer to an earlier one."""

_NAME = re.compile(r"^([0-9]{4})_[a-z0-9_]+\.sql$")
_OUTSIDE = "-- outside a transaction"


class MigrationError(RuntimeError):
    """The files contradict themselves or what was applied. The message names the file and the remedy."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    service: str
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return sha256(self.sql.encode("utf-8")).hexdigest()

    @property
    def in_transaction(self) -> bool:
        """Whether the whole file is one transaction."""
        return not self.sql.startswith(_OUTSIDE)

    @property
    def statements(self) -> tuple[str, ...]:
        """The single statements of a file that is run outside a transaction (no semicolons inside statements)."""
        lines = [line for line in self.sql.splitlines() if not line.lstrip().startswith("--")]
        return tuple(part.strip() for part in "\n".join(lines).split(";") if part.strip())


def default_root() -> Path:
    """The directory that holds the services."""
    return Path(services.__path__[0])


def discover(root: Path | None = None) -> tuple[Migration, ...]:
    """All migrations in order. Raises `MigrationError` for a strange file name, a gap or an unknown service."""
    base = root or default_root()
    found: list[Migration] = []
    for directory in sorted(base.glob("*/migrations")):
        if directory.parent.name not in ORDER and any(directory.iterdir()):
            raise MigrationError(f"{directory}: {directory.parent.name} has no place in ORDER; add it there")
    for service in ORDER:
        files = sorted((base / service / "migrations").glob("*.sql"))
        for expected, file in enumerate(files, start=1):
            match = _NAME.fullmatch(file.name)
            if match is None:
                raise MigrationError(f"{service}/{file.name}: name it NNNN_lower_case_words.sql")
            if int(match[1]) != expected:
                raise MigrationError(f"{service}/{file.name}: number {expected:04} is missing or stands twice")
            found.append(Migration(service, expected, file.name, file.read_text(encoding="utf-8")))
    return tuple(found)


def pending(all_files: Sequence[Migration], applied: Mapping[tuple[str, int], str]) -> tuple[Migration, ...]:
    """What is still to be applied, given the checksums of what was.

    Raises `MigrationError` if an applied file changed or vanished, or a lower number comes after a higher one.
    """
    known = {(migration.service, migration.number): migration for migration in all_files}
    for (service, number), checksum in applied.items():
        migration = known.get((service, number))
        if migration is None:
            raise MigrationError(
                f"{service} {number:04} was applied and its file is gone; this code is older than the database"
            )
        if migration.checksum != checksum:
            raise MigrationError(
                f"{service}/{migration.name} was changed after it was applied; restore it and write a new file"
            )
    todo = tuple(migration for migration in all_files if (migration.service, migration.number) not in applied)
    for migration in todo:
        if any(service == migration.service and number > migration.number for service, number in applied):
            raise MigrationError(f"{migration.service}/{migration.name}: a later number was applied; give it a new one")
    return todo
