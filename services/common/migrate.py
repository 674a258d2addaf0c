"""Brings the databases of the given cells to the present: roles, schemas, migrations. Forward only.

``python -m services.common.migrate --settings FILE [--settings FILE ...]``; each file is the `PlatformSettings` of a
cell whose own database is migrated. Roles are one per workload that has access to databases; passwords come from the
cell's secrets and reach the server as a SCRAM verifier only. Safe to repeat and to run twice at a time. Ends with 75
(``EX_TEMPFAIL``) where only servers that were away stood in the way: then repeating may be enough.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from services.common.aws import AwsClients
from services.common.database import Connection, Login, PoolOptions, connection_text
from services.common.migrations import ORDER, Migration, MigrationError, discover, pending
from services.common.secrets import SecretError, SecretReader
from services.contracts import settings as contract
from services.contracts.settings import DatabaseSettings, PlatformSettings
from services.contracts.workloads import WORKLOADS, Access

_LOCK = 0x6D65726964
"""Advisory lock of a migration run: "merid"."""
TRY_AGAIN = 75
_OPTIONS = replace(PoolOptions(), statement_timeout=300_000, lock_timeout=10_000)

_LEDGER = """
CREATE SCHEMA IF NOT EXISTS meridian;
CREATE TABLE IF NOT EXISTS meridian.migrations (
    service text NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service, number)
)
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run did to one cell."""

    cell: str
    applied: tuple[str, ...]


def database_workloads() -> tuple[str, ...]:
    """Workloads that get a role."""
    return tuple(workload.name for workload in WORKLOADS if Access.DATABASE in workload.access)


@asynccontextmanager
async def _connected(database: DatabaseSettings, owner: Login) -> AsyncIterator[Connection]:
    text = connection_text(database, database.writer, owner, _OPTIONS, read_only=False)
    async with await psycopg.AsyncConnection.connect(text, autocommit=True) as connection:
        yield connection


async def migrate_database(
    cell: str,
    database: DatabaseSettings,
    owner: Login,
    passwords: Mapping[str, str],
    files: Sequence[Migration] | None = None,
) -> Outcome:
    """Brings one database to the present. ``passwords``: by workload. Raises `MigrationError` or psycopg.Error."""
    todo_from = discover() if files is None else tuple(files)
    async with _connected(database, owner) as connection:
        await _take_lock(connection)
        await _roles(connection, database.name, passwords)
        await connection.execute(_LEDGER)
        rows = await (await connection.execute("SELECT service, number, checksum FROM meridian.migrations")).fetchall()
        todo = pending(todo_from, {(row[0], row[1]): row[2] for row in rows})
        for migration in todo:
            await _apply(connection, migration)
        return Outcome(cell, tuple(f"{migration.service}/{migration.name}" for migration in todo))


async def _take_lock(connection: Connection) -> None:
    try:
        await connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    except psycopg.errors.LockNotAvailable as error:
        raise MigrationError("another migration has been running for 10 s; wait for it and repeat") from error


async def _roles(connection: Connection, database: str, passwords: Mapping[str, str]) -> None:
    name = sql.Identifier(database)
    await connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    for workload, password in passwords.items():
        role = sql.Identifier(workload)
        known = await (await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [workload])).fetchone()
        if known is None:
            await _create_role(connection, role)
        verifier = connection.pgconn.encrypt_password(password.encode(), workload.encode(), b"scram-sha-256")
        await connection.execute(
            sql.SQL("ALTER ROLE {} WITH LOGIN NOINHERIT PASSWORD {}").format(role, sql.Literal(verifier.decode()))
        )
        await connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, role))
    for schema in ORDER:
        await connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        if schema in passwords:
            await _own_schema_rights(connection, schema)


async def _create_role(connection: Connection, role: sql.Identifier) -> None:
    try:
        await connection.execute(sql.SQL("CREATE ROLE {}").format(role))
    except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        # Roles belong to the server: a run for another of its databases made it just now.
        return


async def _own_schema_rights(connection: Connection, schema: str) -> None:
    # Rights on what migrations create from now on; nothing is owned by a workload's role.
    for kind, rights in (("TABLES", "SELECT, INSERT, UPDATE, DELETE"), ("SEQUENCES", "USAGE, SELECT")):
        await connection.execute(
            sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT {} ON {} TO {}").format(
                sql.Identifier(schema), sql.SQL(rights), sql.SQL(kind), sql.Identifier(schema)
            )
        )
    await connection.execute(
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), sql.Identifier(schema))
    )


async def _apply(connection: Connection, migration: Migration) -> None:
    record = sql.SQL(
        "INSERT INTO meridian.migrations (service, number, name, checksum) VALUES ({}, {}, {}, {})"
    ).format(migration.service, migration.number, migration.name, migration.checksum)
    try:
        if migration.in_transaction:
            async with connection.transaction():
                await connection.execute(migration.sql.encode())
                await connection.execute(record)
        else:
            for statement in migration.statements:
                await connection.execute(statement.encode())
            await connection.execute(record)
    except psycopg.Error as error:
        raise MigrationError(f"{migration.service}/{migration.name} failed and was rolled back: {error}") from error


async def migrate_cell(settings: PlatformSettings) -> Outcome:
    """Brings the own database of ``settings`` to the present. Raises `MigrationError`, SecretError or psycopg.Error."""
    own = settings.own
    aws = AwsClients(own.region)
    try:
        secrets = SecretReader(aws)
        owner = await secrets.owner(own.database.owner)
        passwords: dict[str, str] = {}
        for workload in database_workloads():
            if workload not in own.secrets:
                raise MigrationError(
                    f"the settings of {own.cell} name no secret for {workload}; deploy its stack again"
                )
            secret = await secrets.workload(own.secrets[workload])
            passwords[workload] = secret.database_password.get_secret_value()
    finally:
        aws.close()
    return await migrate_database(
        own.cell, own.database, Login(owner.username, owner.password.get_secret_value()), passwords
    )


async def run(files: Sequence[str]) -> int:
    """Brings the database of each settings file to the present; returns the exit code."""
    failures: list[Exception] = []
    for file in files:
        settings = contract.load(file)
        try:
            outcome = await migrate_cell(settings)
        except (MigrationError, SecretError, psycopg.Error) as error:
            print(f"{settings.own.cell}: {error}", file=sys.stderr)
            failures.append(error)
        else:
            print(f"{outcome.cell}: {', '.join(outcome.applied) or 'nothing to do'}")
    if not failures:
        return 0
    return TRY_AGAIN if all(_passing(error) for error in failures) else 1


def _passing(error: Exception) -> bool:
    """Whether a server was away rather than the migration wrong."""
    return isinstance(error, SecretError) or any(
        isinstance(one, psycopg.OperationalError) for one in (error, error.__cause__)
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Bring the databases of the given cells to the present.")
    parser.add_argument("--settings", action="append", required=True, metavar="FILE", help="settings file of a cell")
    sys.exit(asyncio.run(run(parser.parse_args().settings)))


if __name__ == "__main__":
    main()
