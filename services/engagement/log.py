"""The log that the packer appends to: one idempotent Kafka producer per incarnation. Owns the client's options."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.common.kafka import ConnectionArguments
from services.contracts.events import STAMP_HEADER
from services.engagement.packer import AppendError, StampedRecord

REQUEST_MS = 10_000
"""How long a batch is retried, unchanged, before its fate is called unknown."""
BATCH_BYTES = 1024 * 1024 - 16 * 1024
"""Sixteen records of the largest size fit; the broker takes batches of 1 MiB."""
STOP_SECONDS = 5.0


class KafkaLog:
    """Acknowledged by all in-sync replicas; Kafka's own sequence numbers make its retries harmless."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    @classmethod
    async def connect(cls, connection: ConnectionArguments) -> KafkaLog:
        """A connected log. Raises `AppendError` if no broker answers."""
        producer = AIOKafkaProducer(
            **connection,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            max_request_size=BATCH_BYTES,
            request_timeout_ms=REQUEST_MS,
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await _stop(producer)
            raise AppendError(f"no broker answers: {error!r}") from error
        return cls(producer)

    async def append(self, topic: str, partition: int, records: Sequence[StampedRecord]) -> None:
        """See `services.engagement.packer.Log.append`."""
        batch = self._producer.create_batch()
        for record in records:
            headers = [(STAMP_HEADER, record.stamp)]
            if batch.append(key=None, value=record.body, timestamp=None, headers=headers) is None:
                raise AppendError("the records do not fit into one batch")
        batch.close()
        try:
            acknowledged = await self._producer.send_batch(batch, topic, partition=partition)
            await acknowledged
        except (KafkaError, OSError, ValueError, AssertionError) as error:
            # aiokafka asserts that a partition exists.
            raise AppendError(f"{topic}/{partition}: {error!r}") from error

    async def close(self) -> None:
        """See `services.engagement.packer.Log.close`."""
        await _stop(self._producer)


async def _stop(producer: AIOKafkaProducer) -> None:
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            await producer.stop()
