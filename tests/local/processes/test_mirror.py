"""MirrorMaker between two real brokers: everything from the first record, under prefixed names, without a loop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from local.ports import table
from local.processes import mirror
from local.processes.kafka_install import Installation
from services.contracts.topics import TOPICS, VIEWS, copied_name
from tests.kafka_server import Kafka
from tests.mirror_server import Replicator

PARTITION = 3
PATIENCE = 60.0


async def write(kafka: Kafka, bodies: list[bytes]) -> None:
    producer = AIOKafkaProducer(**kafka.operator(), acks="all")
    await producer.start()
    try:
        for body in bodies:
            await producer.send_and_wait(VIEWS.name, body, partition=PARTITION, headers=[("s", body)])
    finally:
        await producer.stop()


async def copies(kafka: Kafka, topic: str, count: int) -> list[tuple[bytes, int]]:
    """(header, time) of the first ``count`` records."""
    consumer = AIOKafkaConsumer(**kafka.operator(), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        at = TopicPartition(topic, PARTITION)
        consumer.assign([at])
        await consumer.seek_to_beginning(at)
        found: list[tuple[bytes, int]] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                batch = await consumer.getmany(at, timeout_ms=500)
                found += [(r.headers[0][1], r.timestamp) for r in batch.get(at, [])]
        return found
    finally:
        await consumer.stop()


async def test_copies_begin_at_the_first_record_keep_order_headers_and_times_and_make_no_loop(
    kafka_server: Kafka, partner_kafka: Kafka, replicator: Replicator
) -> None:
    await kafka_server.empty()
    await partner_kafka.empty()
    before = [uuid4().bytes for _ in range(5)]
    await write(kafka_server, before)
    replicator.start()
    await asyncio.to_thread(replicator.ready)
    after = [uuid4().bytes for _ in range(5)]
    await write(kafka_server, after)
    await write(partner_kafka, [b"from the other"])
    copied = await copies(partner_kafka, copied_name("mumbai", VIEWS.name), 10)
    assert [header for header, _ in copied] == before + after
    originals = await copies(kafka_server, VIEWS.name, 10)
    assert copied == originals
    assert (await copies(kafka_server, copied_name("singapore", VIEWS.name), 1))[0][0] == b"from the other"
    consumer = AIOKafkaConsumer(**kafka_server.operator())
    await consumer.start()
    try:
        product = {topic.name for topic in TOPICS}
        named = {name for name in await consumer.topics() if any(name.endswith(topic) for topic in product)}
    finally:
        await consumer.stop()
    assert named == product | {copied_name("singapore", name) for name in product}


def test_the_loss_and_the_return_of_a_cell_each_start_it_anew(tmp_path: Path) -> None:
    ports = table(21_000, ("mumbai", "singapore"))

    def fingerprint(*lost: str) -> str:
        made = mirror.layout(ports, frozenset(lost), tmp_path / "home", "secret", Installation(tmp_path))
        return mirror.program(made).fingerprint

    assert len({fingerprint(), fingerprint("mumbai"), fingerprint("singapore")}) == 3
    assert fingerprint() == fingerprint()
