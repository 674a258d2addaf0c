"""The Kafka broker of one cell: a KRaft broker and controller in one process, where MSK has three and more.

Owns its configuration, its users and the proof that it serves. Does not own topics and rights (``kafka_rights``) nor
the jars (``kafka_install``).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict, TypeVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from local import cache, paths
from local.ports import KAFKA, KAFKA_CONTROLLER, LOOPBACK, PortTable, free_ports
from local.processes import kafka_install, kafka_rights
from local.processes.credentials import CellCredentials
from local.processes.kafka_install import Installation
from local.processes.program import NotReadyError, PreparationError, Program
from services.contracts.workloads import WORKLOADS, Access

OPERATOR = "operator"
_MECHANISM = "PLAIN"
_LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"

# What its client would log, a probe says better: refused connections, and that PLAIN on loopback is not encrypted.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

LOGGING = """Configuration:
  status: ERROR
  Appenders:
    Console:
      name: STDOUT
      PatternLayout: {pattern: "[%d] %p %m (%c)%n"}
  Loggers:
    Root:
      level: INFO
      AppenderRef: {ref: STDOUT}
    Logger:
      - {name: kafka.request.logger, level: WARN}
      - {name: org.apache.kafka.clients, level: WARN}
      - {name: kafka.authorizer.logger, level: INFO}
"""


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker."""

    cell: str
    port: int
    controller_port: int
    directory: Path
    installation: Installation
    credentials: CellCredentials

    @property
    def configuration(self) -> Path:
        """server.properties."""
        return self.directory / "server.properties"

    @property
    def logging(self) -> Path:
        """The configuration of log4j."""
        return self.directory / "log4j2.yaml"


def layout(cell: str, ports: PortTable, home: Path, credentials: CellCredentials, installation: Installation) -> Broker:
    """The broker of ``cell``; makes its directory."""
    directory = paths.private_directory(home / "cells" / cell / KAFKA)
    return Broker(cell, ports.of(KAFKA, cell), ports.of(KAFKA_CONTROLLER, cell), directory, installation, credentials)


def program(broker: Broker) -> Program:
    """The broker as a supervised process."""
    return Program(
        part=KAFKA,
        cell=broker.cell,
        port=broker.port,
        argv=broker.installation.command("kafka.Kafka", str(broker.configuration), logging=broker.logging),
        directory=broker.directory,
        inputs=(properties(broker), LOGGING),
        prepare=partial(prepare, broker),
        probe=partial(check, broker),
        settle=partial(settle, broker),
        stop_seconds=30,
        ready_seconds=90,
    )


def installation(
    kafka_home: Path | None, *, root: Path | None = None, report: cache.Report = cache.to_stderr
) -> Installation:
    """Kafka's jars and class archive from the cache, made if need be. Raises `PreparationError`."""
    plain = Installation(kafka_install.libraries(kafka_home, root=root, report=report))
    if kafka_home is not None:
        return plain
    directory = cache.install(kafka_install.archive(), partial(_train, plain), root=root, report=report)
    return Installation(plain.libraries, directory / "kafka.aot")


def properties(broker: Broker) -> str:
    """server.properties. Holds passwords: the file is private."""
    users = {OPERATOR: broker.credentials.operator}
    for workload in WORKLOADS:
        passwords = broker.credentials.workloads.get(workload.name)
        if passwords is not None and {Access.KAFKA_READ, Access.KAFKA_WRITE} & set(workload.access):
            users[workload.name] = passwords.kafka
    own = _identity(OPERATOR, users[OPERATOR])
    accepted = " ".join(f'user_{name}="{_jaas(password)}"' for name, password in users.items())
    login = _property(f"{_LOGIN_MODULE} required {own} {accepted};")
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{broker.controller_port}",
        "listeners": f"SASL_PLAINTEXT://{LOOPBACK}:{broker.port},CONTROLLER://{LOOPBACK}:{broker.controller_port}",
        "advertised.listeners": f"SASL_PLAINTEXT://{LOOPBACK}:{broker.port}",
        "listener.security.protocol.map": "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": _MECHANISM,
        "sasl.mechanism.inter.broker.protocol": _MECHANISM,
        "sasl.mechanism.controller.protocol": _MECHANISM,
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": login,
        "listener.name.controller.plain.sasl.jaas.config": login,
        "listener.name.controller.sasl.enabled.mechanisms": _MECHANISM,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{OPERATOR}",
        "allow.everyone.if.no.acl.found": "false",
        "log.dirs": _property(str(broker.directory / "data")),
        "auto.create.topics.enable": "false",
        # One broker cannot keep copies.
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        "log.index.size.max.bytes": "1048576",
        "log.segment.bytes": "67108864",
        # What was deleted stays deleted when the broker is killed a second later; the default is a minute.
        "log.flush.start.offset.checkpoint.interval.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "2",
        "message.max.bytes": "1048588",
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def prepare(broker: Broker) -> None:
    """Write the configuration, and format the storage unless it is."""
    paths.write_private(broker.logging, LOGGING)
    paths.write_private(broker.configuration, properties(broker))
    data = broker.directory / "data"
    if _formatted(data):
        return
    if (data / "meta.properties").is_file():
        shutil.rmtree(data)
    paths.private_directory(data)
    answer = subprocess.run(
        broker.installation.command(
            *("kafka.tools.StorageTool", "format", f"--cluster-id={_cluster_id()}", "-c", str(broker.configuration)),
            logging=broker.logging,
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if answer.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        reason = (answer.stderr.strip() or answer.stdout.strip()).splitlines()[-3:]
        raise PreparationError(f"{broker.cell}: Kafka's storage cannot be formatted: {' / '.join(reason)}")


def _formatted(data: Path) -> bool:
    """Whether a format of ``data`` came to its end. Anything else in it was never read nor written by a broker.

    The first records of the cluster lie in a snapshot of the metadata log (until Kafka 4.3 in ``bootstrap.checkpoint``),
    in whose place a running broker puts later ones.
    """
    first = [*data.glob("bootstrap.checkpoint"), *data.glob("__cluster_metadata-0/*.checkpoint")]
    return bool(first) and (data / "meta.properties").is_file()


def discard(home: Path, cell: str) -> None:
    """Remove the log of ``cell``, whose broker does not run; its next start makes an empty one."""
    shutil.rmtree(home / "cells" / cell / KAFKA / "data", ignore_errors=True)


def _cluster_id() -> str:
    """A random identity in Kafka's form: 16 bytes in base64url, not led by a hyphen."""
    return "M" + urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()[1:]


def check(broker: Broker) -> None:
    """Raises `NotReadyError` unless the broker lists itself to the operator (an open port alone says little)."""
    asyncio.run(_check(broker))


def settle(broker: Broker) -> None:
    """The topics and the rights of the workloads, as far as they are missing. Raises `NotReadyError`."""
    asyncio.run(_settle(broker))


async def _check(broker: Broker) -> None:
    try:
        async with asyncio.timeout(5), _connected(AIOKafkaAdminClient(**_connection(broker))) as client:
            answer = await client.describe_cluster()
    except (KafkaError, OSError, TimeoutError) as error:
        raise NotReadyError(str(error) or type(error).__name__) from error
    if not answer["brokers"]:
        raise NotReadyError("it lists no broker")


async def _settle(broker: Broker) -> None:
    try:
        async with _connected(AIOKafkaAdminClient(**_connection(broker))) as admin:
            await kafka_rights.ensure_topics(admin)
        async with _connected(AIOKafkaClient(**_connection(broker))) as client:
            await kafka_rights.ensure_rights(client)
    except (KafkaError, OSError) as error:
        raise NotReadyError(f"Kafka of {broker.cell} does not take its topics or rights: {error}") from error


_C = TypeVar("_C", AIOKafkaAdminClient, AIOKafkaClient)


@asynccontextmanager
async def _connected(client: _C) -> AsyncIterator[_C]:
    try:
        await (client.start() if isinstance(client, AIOKafkaAdminClient) else client.bootstrap())
        yield client
    finally:
        await client.close()


class Connection(TypedDict):
    """How a client of aiokafka reaches a broker."""

    bootstrap_servers: str
    client_id: str
    request_timeout_ms: int
    security_protocol: str
    sasl_mechanism: str
    sasl_plain_username: str
    sasl_plain_password: str


def _connection(broker: Broker) -> Connection:
    return operator_connection(broker.port, broker.credentials.operator)


def operator_connection(port: int, password: str) -> Connection:
    """How the operator reaches the broker at ``port``, with all rights."""
    return Connection(
        bootstrap_servers=f"{LOOPBACK}:{port}",
        client_id="meridian-operator",
        request_timeout_ms=15_000,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=_MECHANISM,
        sasl_plain_username=OPERATOR,
        sasl_plain_password=password,
    )


def _train(plain: Installation, directory: Path) -> None:
    """Make the class archive by a broker that lives for seconds on two free ports."""
    credentials = CellCredentials.for_operator(secrets.token_urlsafe(24))
    scratch = directory / "training"
    scratch.mkdir()
    port, controller = free_ports(2)
    broker = Broker("training", port, controller, scratch, plain, credentials)
    prepare(broker)
    kafka_install.train(plain, broker.configuration, directory / "kafka.aot")
    shutil.rmtree(scratch)


def login_property(user: str, password: str) -> str:
    """The JAAS configuration of a client that logs in with a password, as the value of a Java property."""
    return _property(f"{_LOGIN_MODULE} required {_identity(user, password)};")


def _identity(user: str, password: str) -> str:
    return f'username="{user}" password="{_jaas(password)}"'


def _jaas(text: str) -> str:
    """For a quoted value of a JAAS configuration."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _property(text: str) -> str:
    """For a value of a Java properties file, which takes the backslash for itself."""
    return text.replace("\\", "\\\\")
