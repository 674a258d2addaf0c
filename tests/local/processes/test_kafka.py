import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from aiokafka.protocol.coordination import FindCoordinatorRequest

from local.processes import kafka, kafka_rights
from local.processes.kafka_install import Installation
from local.processes.kafka_rights import Operation, Resource, Right
from local.processes.program import NotReadyError
from regions.catalogue import CATALOGUE
from services.contracts.topics import LIKES, TOPICS, VIEWS
from services.contracts.workloads import WORKLOADS, Access
from tests.local.processes.conftest import DataPlane
from tests.local.waiting import until

READERS = [workload.name for workload in WORKLOADS if Access.KAFKA_READ in workload.access]
WRITERS = [workload.name for workload in WORKLOADS if Access.KAFKA_WRITE in workload.access]
NEITHER = [workload.name for workload in WORKLOADS if workload.name not in (*READERS, *WRITERS)]


def login(plane: DataPlane, user: str) -> dict[str, str | int]:
    password = plane.credentials.operator if user == kafka.OPERATOR else plane.credentials.workloads[user].kafka
    return {
        "bootstrap_servers": f"127.0.0.1:{plane.broker.port}",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
        "request_timeout_ms": 10_000,
    }


@asynccontextmanager
async def producer(plane: DataPlane, user: str) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(**login(plane, user), acks="all", enable_idempotence=True)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def client_of(plane: DataPlane, user: str) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(**login(plane, user))
    await client.bootstrap()
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def consumer(plane: DataPlane, user: str, group: str | None) -> AsyncIterator[AIOKafkaConsumer]:
    # Without automatic commits: `stop` with them tries for ever if the group's coordinator was not found before.
    client = AIOKafkaConsumer(
        **login(plane, user), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def test_every_topic_has_the_partitions_of_four_home_cells_and_its_retention(dataplane: DataPlane) -> None:
    client = AIOKafkaAdminClient(**login(dataplane, kafka.OPERATOR))
    await client.start()
    try:
        described = {entry["topic"]: entry for entry in await client.describe_topics()}
    finally:
        await client.close()
    for topic in TOPICS:
        assert len(described[topic.name]["partitions"]) == topic.partitions(CATALOGUE.homes)


async def test_what_a_writer_sends_a_reader_receives(dataplane: DataPlane) -> None:
    assert WRITERS
    assert READERS
    async with producer(dataplane, WRITERS[0]) as sending:
        sent = await sending.send_and_wait(VIEWS.name, b"an event", partition=3)
    for reader in READERS:
        async with consumer(dataplane, reader, f"{reader}-test") as receiving:
            receiving.assign([TopicPartition(VIEWS.name, 3)])
            receiving.seek(TopicPartition(VIEWS.name, 3), sent.offset)
            record = await asyncio.wait_for(receiving.getone(), 20)
            assert record.value == b"an event"


async def test_a_reader_may_not_write(dataplane: DataPlane) -> None:
    client = AIOKafkaProducer(**login(dataplane, READERS[0]))
    await client.start()
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await asyncio.wait_for(client.send_and_wait(LIKES.name, b"a lie", partition=0), 20)
    finally:
        await client.stop()


async def test_a_reader_may_not_use_the_group_of_another(dataplane: DataPlane) -> None:
    partition = TopicPartition(LIKES.name, 0)
    async with consumer(dataplane, READERS[0], f"{READERS[0]}-group") as own:
        own.assign([partition])
        await asyncio.wait_for(own.commit({partition: 0}), 20)
        assert await asyncio.wait_for(own.committed(partition), 20) == 0
    async with client_of(dataplane, READERS[0]) as client:
        answer = await client.send(client.get_random_node(), FindCoordinatorRequest(f"{READERS[1]}-group", 0))
        assert answer.error_code == GroupAuthorizationFailedError.errno


@pytest.mark.parametrize("user", NEITHER)
async def test_a_workload_without_a_right_to_kafka_is_no_user_of_it(dataplane: DataPlane, user: str) -> None:
    client = AIOKafkaAdminClient(**login(dataplane, user))
    with pytest.raises(KafkaError):
        await client.start()
    await client.close()


async def test_rights_are_granted_once_and_one_that_was_lost_is_granted_again(dataplane: DataPlane) -> None:
    async with client_of(dataplane, kafka.OPERATOR) as client:
        assert await kafka_rights.existing_rights(client) >= kafka_rights.rights()
        assert await kafka_rights.ensure_rights(client) == 0
        extra = Right("nobody-in-particular", Operation.READ, Resource.TOPIC, "some.topic")
        assert await kafka_rights.ensure_rights(client, [extra]) == 1
        assert extra in await kafka_rights.existing_rights(client)


def test_no_workload_may_do_more_than_its_access_says() -> None:
    granted = {(right.user, right.operation) for right in kafka_rights.rights() if right.resource is Resource.TOPIC}
    assert granted == {
        *((name, Operation.READ) for name in READERS),
        *((name, Operation.WRITE) for name in WRITERS),
        *((name, Operation.DESCRIBE) for name in (*READERS, *WRITERS)),
    }


def test_a_killed_broker_is_restarted_with_what_it_had_acknowledged(dataplane: DataPlane) -> None:
    async def send() -> int:
        async with producer(dataplane, WRITERS[0]) as sending:
            record = await sending.send_and_wait(LIKES.name, b"kept", partition=0)
            return int(record.offset)

    async def receive(offset: int) -> bytes:
        async with consumer(dataplane, READERS[0], None) as receiving:
            receiving.assign([TopicPartition(LIKES.name, 0)])
            receiving.seek(TopicPartition(LIKES.name, 0), offset)
            record = await asyncio.wait_for(receiving.getone(), 20)
            return bytes(record.value)

    offset = asyncio.run(send())
    pid = dataplane.pids()["mumbai-kafka"]
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(NotReadyError):
        kafka.check(dataplane.broker)
    until(lambda: _well(dataplane), seconds=90)
    assert asyncio.run(receive(offset)) == b"kept"


def test_the_storage_of_a_broker_that_has_run_is_never_formatted_again(dataplane: DataPlane) -> None:
    before = (dataplane.broker.directory / "data" / "meta.properties").read_text()
    metadata = sorted(path.name for path in (dataplane.broker.directory / "data").iterdir())
    # As before each start after a stop: of the machine, by `meridian region lose`, or for another configuration.
    kafka.prepare(dataplane.broker)
    assert (dataplane.broker.directory / "data" / "meta.properties").read_text() == before
    assert sorted(path.name for path in (dataplane.broker.directory / "data").iterdir()) == metadata


def test_a_format_that_was_interrupted_is_done_again(dataplane: DataPlane, tmp_path: Path) -> None:
    broker = replace(dataplane.broker, directory=tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "meta.properties").write_text("half")
    kafka.prepare(broker)
    made = (tmp_path / "data" / "meta.properties").read_text()
    assert "cluster.id" in made
    kafka.prepare(broker)
    assert (tmp_path / "data" / "meta.properties").read_text() == made


def _well(plane: DataPlane) -> bool:
    try:
        kafka.check(plane.broker)
    except NotReadyError:
        return False
    return True


def test_passwords_are_neither_in_the_command_line_nor_readable_by_others(dataplane: DataPlane) -> None:
    program = dataplane.waves[0][-1]
    for workload in dataplane.credentials.workloads.values():
        assert not [part for part in program.argv if workload.kafka in part]
    files = [dataplane.broker.configuration, dataplane.broker.logging]
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


def test_a_kafka_of_the_user_is_started_from_its_own_jars(tmp_path: Path) -> None:
    (tmp_path / "libs").mkdir()
    found = kafka.installation(tmp_path)
    assert found == Installation(tmp_path / "libs")
    command = found.command("kafka.Kafka", "server.properties")
    assert command[command.index("-cp") + 1] == f"{tmp_path}/libs/*"
