"""Copies dead letters to their topic, for whoever watches a platform by its topics. The row in the database is the letter.

A letter is copied at least once, under its name as the key. Owns the form of the copy (`Copied`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID, uuid4

import msgspec
import psycopg

from regions.catalogue import CATALOGUE
from services.common.database import Connection
from services.common.errors import ServiceError
from services.common.shards import ShardRouter
from services.contracts.events import Stamp, encode_stamp
from services.contracts.topics import DEAD_LETTERS, partition_base
from services.engagement.packer import AppendError, Log, StampedRecord

POLL_SECONDS = 5.0
BATCH = 12
"""Letters of the largest size that fit into one batch of the log."""

_log = logging.getLogger(__name__)


class Copied(msgspec.Struct, frozen=True):
    """The copy: a MessagePack map."""

    origin: str
    topic: str
    partition: int
    incarnation: UUID
    sequence: int
    index: int
    """Position in the pack; -1: the whole record."""
    cluster: str
    offset: int
    reason: str
    stamp: bytes
    body: bytes
    version: str
    created_at: datetime


class Mirror:
    """The loop of one process over the dead letters of one home's database; many may run it."""

    def __init__(self, router: ShardRouter, home: str, connect: Callable[[], Awaitable[Log]]) -> None:
        self._router = router
        self._home = home
        self._connect = connect
        self._partition = partition_base(CATALOGUE.get(home).home_number, DEAD_LETTERS)
        self._log: Log | None = None
        self._incarnation = uuid4()
        self._sequence = 0

    async def run(self) -> None:
        """Copies until cancelled."""
        try:
            while True:
                try:
                    copied = await self.step()
                except (psycopg.Error, ServiceError, AppendError) as error:
                    _log.warning("dead letters are not copied yet: %s", type(error).__name__)
                    await self._close()
                    copied = 0
                if copied < BATCH:
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            await self._close()

    async def step(self) -> int:
        """Copies some letters; how many. Raises psycopg.Error, `ServiceError` or `AppendError`, and then marks none."""
        async with self._router.home_writer(self._home) as connection:
            letters = await _some(connection)
            if not letters:
                return 0
            if self._log is None:
                self._log, self._incarnation, self._sequence = await self._connect(), uuid4(), 0
            records = []
            for letter in letters:
                self._sequence += 1
                stamp = encode_stamp(Stamp(self._home, self._incarnation, self._sequence))
                records.append(StampedRecord(stamp, msgspec.msgpack.encode(letter)))
            await self._log.append(DEAD_LETTERS.name, self._partition, records)
            await _mark(connection, letters)
        return len(letters)

    async def _close(self) -> None:
        if self._log is not None:
            log, self._log = self._log, None
            await log.close()


async def _some(connection: Connection) -> list[Copied]:
    rows = await connection.execute(
        "SELECT origin, topic, part, incarnation, sequence, index, cluster, log_offset, reason, stamp, body, version, "
        "created_at FROM counters.dead_letters WHERE mirrored_at IS NULL ORDER BY created_at LIMIT %s "
        "FOR UPDATE SKIP LOCKED",
        (BATCH,),
    )
    return [Copied(*row) for row in await rows.fetchall()]


async def _mark(connection: Connection, letters: list[Copied]) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "UPDATE counters.dead_letters SET mirrored_at = now() "
            "WHERE (origin, topic, part, incarnation, sequence, index) = (%s, %s, %s, %s, %s, %s)",
            [(c.origin, c.topic, c.partition, c.incarnation, c.sequence, c.index) for c in letters],
        )
