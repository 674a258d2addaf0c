"""The servers and processes of two regions for a promotion run, and what is done to them. Does not own the course of
a run (``promotion``) nor what is right (``truth``)."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from regions.buckets import HOMES, deal, written
from regions.writers import Record
from services.common.database import Login
from services.common.migrate import migrate_database
from services.contracts import settings as contract
from services.contracts.settings import Endpoint, PlatformSettings, Shards
from tests import servers
from tests.kafka_server import Kafka
from tests.mirror_server import Replicator
from tests.servers import Cells, free_port

Row = tuple[object, ...]
MARKS = "SELECT topic, part, origin, incarnation::text, sequence FROM counters.marks"
CELLS = ("mumbai", "singapore")


@dataclass
class Regions:
    """Mumbai and Singapore: a broker each, a database each, Mumbai's with an asynchronous replica in Singapore."""

    cells: Cells
    brokers: Mapping[str, Kafka]
    replicator: Replicator
    directory: Path
    record: Record = field(default_factory=Record)
    seats: dict[str, Endpoint] = field(default_factory=dict)
    """Instances of Mumbai's database: in Mumbai, and in Singapore."""
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self) -> None:
        """Mumbai's database on a server of its own, with its replica."""
        primary = await asyncio.to_thread(self._stack.enter_context, servers.run_postgres())
        self._programs, self._password = primary.programs, primary.admin_password
        self.seats["mumbai"] = primary.writer
        name = self.cells.databases["mumbai"].name
        servers.make_owner(primary, self.cells.owner_password)
        owner = sql.Identifier(servers.OWNER)
        primary.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), owner))
        self.cells.databases["mumbai"] = self.cells.databases["mumbai"].model_copy(
            update={"writer": primary.writer, "readers": ()}
        )
        await migrate_database(
            "mumbai",
            self.cells.databases["mumbai"],
            Login(servers.OWNER, self.cells.owner_password),
            servers.database_passwords(self.cells.valkey.passwords),
        )
        await self.replicate("singapore")

    async def replicate(self, region: str) -> None:
        """A new replica in ``region`` of whoever writes Mumbai's database."""
        source = self.seats[self.record.seats("mumbai").writer]
        self.seats[region] = await asyncio.to_thread(
            self._stack.enter_context, servers.run_replica(self._programs, source, self._password)
        )

    async def close(self) -> None:
        """Ends everything that this made."""
        for worker in self.workers.values():
            worker.kill()
            worker.wait(10)
        await asyncio.to_thread(self.replicator.kill)
        await self._stack.aclose()

    def settings(self, cell: str) -> PlatformSettings:
        """What a process in ``cell`` is started with, by the record."""
        plain = self.brokers[cell].put_into(self.cells.settings(cell))
        shards = Shards.of(deal(CELLS, written(HOMES, self.record)))
        return plain.model_copy(update={"shards": shards, "copied": self.record.copied})

    def lead(self, record: Record) -> None:
        """From now on settings follow ``record``."""
        self.record = record
        writer = self.seats[record.seats("mumbai").writer]
        self.cells.databases["mumbai"] = self.cells.databases["mumbai"].model_copy(update={"writer": writer})

    def start(self, cell: str) -> None:
        """The process that counts in ``cell``."""
        file = self.directory / f"{cell}-{secrets.token_hex(4)}.json"
        file.touch(mode=0o600)
        file.write_text(self.settings(cell).model_dump_json())
        environment = {
            **os.environ,
            contract.SETTINGS_ENV: str(file),
            contract.PORT_ENV: str(free_port()),
            contract.INSTANCE_ENV: "0",
        }
        with (self.directory / f"{cell}.log").open("ab") as log:
            self.workers[cell] = subprocess.Popen(
                [sys.executable, "-m", "services.counters"], stdout=log, stderr=log, env=environment
            )

    async def stop(self, cell: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Ends the process that counts in ``cell``."""
        worker = self.workers.pop(cell)
        worker.send_signal(number)
        await asyncio.to_thread(worker.wait, 40)

    async def restart(self, cell: str) -> None:
        """With the settings of today."""
        await self.stop(cell)
        self.start(cell)

    def rows(self, endpoint: Endpoint, query: str, home: str = "mumbai", *arguments: object) -> list[Row]:
        """Rows of a query as superuser."""
        with psycopg.connect(self._text(endpoint, home), autocommit=True) as connection:
            return list(connection.execute(query.encode(), arguments))

    def change(self, endpoint: Endpoint, *statements: str) -> None:
        """Statements on Mumbai's database, each in a transaction of its own."""
        with psycopg.connect(self._text(endpoint, "mumbai"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def home(self, name: str) -> Endpoint:
        """Where the database of ``name`` is written."""
        return self.cells.databases[name].writer

    def _text(self, endpoint: Endpoint, home: str) -> str:
        own = home == "mumbai"
        return make_conninfo(
            host=endpoint.host,
            port=endpoint.port,
            user="postgres",
            password=self._password if own else self.cells.postgres.admin_password,
            dbname=self.cells.databases[home].name,
            connect_timeout=5,
        )

    def cut_stream(self) -> None:
        """The replica hears nothing more of the primary."""
        self.change(self.seats["singapore"], "ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")

    def kill_primary(self) -> None:
        """kill -9 of the server in Mumbai and all its processes."""
        ((directory,),) = self.rows(self.seats["mumbai"], "SHOW data_directory")
        pid = int((Path(str(directory)) / "postmaster.pid").read_text().splitlines()[0])
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes, timeout=10)

    def promote(self) -> None:
        """The replica in Singapore takes writes."""
        self.rows(self.seats["singapore"], "SELECT pg_promote(true, 60)")


def sequences(rows: Sequence[Row]) -> dict[str, int]:
    """Marks, as `MARKS` gives them."""
    return {json.dumps(row[:4]): int(str(row[4])) for row in rows}
