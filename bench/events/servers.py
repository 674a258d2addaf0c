"""The servers of the bench: a Kafka broker and PostgreSQL 18 with two replicas, as the embedded default starts them.

Durable as in the product: ``fsync``, full page images and synchronous commits are on. Owns their start, their accounts
(`Servers.cpu`) and their end; all on free ports of the loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg

from bench import accounting
from local.ports import LOOPBACK, POSTGRES, Port, PortTable, free_ports
from local.processes import kafka, postgres
from local.processes.credentials import CellCredentials, Login, WorkloadPasswords
from local.processes.program import NotReadyError, Program
from regions.buckets import BUCKETS, BucketRange, ShardMap
from services.common import database as pools
from services.common.database import CellDatabase, PoolOptions
from services.common.kafka import ConnectionArguments
from services.common.migrate import database_workloads, migrate_database
from services.common.shards import ShardRouter
from services.contracts.settings import DatabaseSettings, Endpoint, SecretRef

CELL = "mumbai"
WORKLOAD = "counters"
SHARDS = ShardMap(version=1, ranges=(BucketRange(0, BUCKETS, home=CELL, writer=CELL),))
"""One home: what is measured is one consumer and one database."""


@dataclass
class Server:
    """One supervised process."""

    program: Program
    core: int
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Starts it and waits until it serves. Raises RuntimeError with the end of its log."""
        program = self.program
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(self.core), *program.argv],
                cwd=program.directory,
                env={**os.environ, **program.environment},
                user=program.user,
                group=None if program.user is None else "nogroup",
                extra_groups=None if program.user is None else [],
                stdout=output,
                stderr=output,
            )
        end = time.monotonic() + program.ready_seconds
        while True:
            try:
                program.probe()
                return
            except NotReadyError as error:
                if self.process.poll() is not None or time.monotonic() > end:
                    tail = self.log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{program.part} did not start: {error}; its log ends with:\n{tail}") from error
                time.sleep(0.1)

    def stop(self) -> None:
        """Ends it as its supervisor would."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(getattr(signal, f"SIG{self.program.stop_signal}"))
        try:
            self.process.wait(self.program.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)

    def cpu(self) -> float:
        """CPU seconds of its tree. Workers of PostgreSQL that ended are not in it."""
        return accounting.cpu_seconds(self.process.pid)


@dataclass
class Servers:
    """What runs, and the ways to it."""

    directory: Path
    broker: kafka.Broker
    kafka: Server
    postgres: tuple[Server, ...]
    """The primary, then the replicas."""
    database: DatabaseSettings
    passwords: Mapping[str, str]
    operator: str

    def connection(self) -> ConnectionArguments:
        """To Kafka, with all rights."""
        return ConnectionArguments(
            bootstrap_servers=[f"{LOOPBACK}:{self.broker.port}"],
            client_id="bench",
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_plain_username=kafka.OPERATOR,
            sasl_plain_password=self.operator,
        )

    def admin(self) -> psycopg.Connection:
        """To the database, as superuser, each statement for itself."""
        return psycopg.connect(
            host=LOOPBACK,
            port=self.database.writer.port,
            user=postgres.SUPERUSER,
            password=self.operator,
            dbname=self.database.name,
            autocommit=True,
        )

    def router(self, *, replicas: bool = False, options: PoolOptions | None = None) -> ShardRouter:
        """A closed router to the database as ``counters``."""
        settings = self.database if replicas else self.database.model_copy(update={"readers": ()})
        return router(settings, self.passwords[WORKLOAD], options)

    def empty(self) -> None:
        """Forgets all counts, positions and marks, and begins a new checkpoint, so that rounds are alike."""
        with self.admin() as admin:
            admin.execute(
                "TRUNCATE counters.views, counters.reactions, counters.reaction_states, counters.positions, "
                "counters.marks, counters.pending_parts, counters.outbox, counters.dead_letters"
            )
            admin.execute("CHECKPOINT")


def router(database: DatabaseSettings, password: str, options: PoolOptions | None = None) -> ShardRouter:
    """A closed router to ``database`` as ``counters``."""
    login = pools.Login(WORKLOAD, password)
    return ShardRouter(SHARDS, {CELL: CellDatabase.of(CELL, database, login, options or PoolOptions())}, CELL)


def _tell(directory: Path, kind: type[BaseException] | None, *_: object) -> None:
    """When a run fails, the ends of the servers' logs say why."""
    for log in sorted(directory.glob("*.log")) if kind is not None and issubclass(kind, Exception) else ():
        print(f"{log.name} ends with:\n{log.read_text(errors='replace')[-1500:]}", file=sys.stderr)


@contextlib.contextmanager
def servers(directory: Path, *, replicas: int = 0, core: int | None = None) -> Iterator[Servers]:
    """All of them on ``core`` (the last one), stopped and removed at the end."""
    at = accounting.cores()[1] if core is None else core
    names = database_workloads()
    passwords = {name: secrets.token_urlsafe(24) for name in names}
    credentials = CellCredentials(
        Login("meridian_owner", secrets.token_urlsafe(24)),
        {name: WorkloadPasswords(password, password, password) for name, password in passwords.items()},
        secrets.token_urlsafe(24),
    )
    with contextlib.ExitStack() as stack:
        broker_port, controller, *database_ports = free_ports(2 + len(POSTGRES))
        broker_directory = directory / "kafka"
        broker_directory.mkdir()
        broker = kafka.Broker(CELL, broker_port, controller, broker_directory, kafka.installation(None), credentials)
        ports = tuple(Port(CELL, part, port) for part, port in zip(POSTGRES, database_ports, strict=True))
        stack.callback(postgres.remove, directory)
        layout = postgres.layout(CELL, PortTable(0, (CELL,), ports), directory, credentials)
        primary, clones = postgres.programs(layout)
        started = []
        for program in (kafka.program(broker), *primary, *clones[:replicas]):
            program.prepare()
            server = Server(program, at, directory / f"{program.part}.log")
            server.start()
            stack.callback(server.stop)
            program.settle()
            started.append(server)
        settings = DatabaseSettings(
            name=layout.database,
            writer=Endpoint(host=LOOPBACK, port=database_ports[0]),
            readers=tuple(Endpoint(host=LOOPBACK, port=port) for port in database_ports[1 : 1 + replicas]),
            tls="disable",
            owner=SecretRef(arn="unused", region="unused"),
        )
        owner = pools.Login(credentials.owner.user, credentials.owner.password)
        asyncio.run(migrate_database(CELL, settings, owner, passwords))
        stack.push(partial(_tell, directory))
        yield Servers(directory, broker, started[0], tuple(started[1:]), settings, passwords, credentials.operator)
    shutil.rmtree(broker_directory, ignore_errors=True)
