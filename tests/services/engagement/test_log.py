"""The packer on a real broker that is killed and comes back: what was acknowledged is in the log once, and densely."""

from __future__ import annotations

import asyncio
from functools import partial

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.contracts import events, topics
from services.contracts.events import Viewed
from services.engagement import event_ids
from services.engagement.log import KafkaLog
from services.engagement.packer import NotAcknowledgedError, Packer
from tests.kafka_server import Kafka

PARTITIONS = range(3)


async def _logged(kafka: Kafka) -> tuple[list[bytes], dict[tuple[int, object], list[int]]]:
    """Event ids, and sequences by partition and incarnation, as they stand in the log."""
    consumer = AIOKafkaConsumer(**kafka.operator())
    await consumer.start()
    try:
        places = [TopicPartition(topics.LIKES.name, number) for number in PARTITIONS]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        found: list[bytes] = []
        sequences: dict[tuple[int, object], list[int]] = {}
        while any([await consumer.position(at) < ends[at] for at in places]):
            for at, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    stamp = events.stamp_of(record.headers)
                    sequences.setdefault((at.partition, stamp.incarnation), []).append(stamp.sequence)
                    pack = events.decode_pack(topics.VIEWS.name, stamp.schema, record.value)
                    found += [event.id for event in pack.events]
        return found, sequences
    finally:
        await consumer.stop()


async def test_what_is_acknowledged_while_the_broker_dies_is_in_the_log_once_and_densely(kafka_server: Kafka) -> None:
    await kafka_server.empty()
    packer = Packer("mumbai", partial(KafkaLog.connect, kafka_server.operator()))
    acknowledged: set[bytes] = set()
    failed: set[bytes] = set()
    back, stop = asyncio.Event(), asyncio.Event()

    async def press(partition: int) -> None:
        while not stop.is_set():
            sent = [Viewed(id=event_ids.make(), at_ms=1, video=7, viewer=bytes(16)) for _ in range(20)]
            named = {event.id for event in sent}
            try:
                await packer.submit(topics.LIKES.name, partition, [events.encode_event(event) for event in sent])
                acknowledged.update(named)
                if back.is_set():
                    stop.set()
            except NotAcknowledgedError:
                failed.update(named)
            await asyncio.sleep(0.01)

    async def trouble() -> None:
        await asyncio.sleep(1)
        await asyncio.to_thread(kafka_server.kill)
        await asyncio.to_thread(kafka_server.start)
        back.set()
        async with asyncio.timeout(60):
            await stop.wait()

    await asyncio.gather(*(press(partition) for partition in PARTITIONS), trouble())
    await packer.close()
    found, sequences = await _logged(kafka_server)
    assert len(found) == len(set(found))
    assert acknowledged <= set(found)
    assert set(found) <= acknowledged | failed
    for written in sequences.values():
        assert written == list(range(1, len(written) + 1))
