"""What a viewer did and the counts do not show yet: an overlay of unapplied events, kept until their mark passes.

Read-your-writes on the event path (counting rule 14): when a request is answered, its event is in the log and in no
database, so there is no log position to wait for. Kept in Valkey for as long as a cold key may stay pending.
Does not own the counts (``counts``).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError

from services.contracts.events import Reaction
from services.contracts.keyspaces import ENGAGEMENT_KEYS
from services.engagement.packer import Receipt

KEEP_SECONDS = 20 * 60
"""Longer than a cold key waits (15 minutes)."""
KEEP_EVENTS = 32

_log = logging.getLogger(__name__)


class Deed(msgspec.Struct, frozen=True, array_like=True):
    """Something that one viewer did to one video or channel, and where in the log it stands."""

    origin: str
    topic: str
    partition: int
    incarnation: UUID
    sequence: int
    views: int = 0
    comments: int = 0
    state: int | None = None
    """The new reaction or subscription."""

    @classmethod
    def of(cls, receipt: Receipt, *, views: int = 0, comments: int = 0, state: int | None = None) -> Deed:
        """The deed whose event was acknowledged by ``receipt``."""
        return cls(
            receipt.origin,
            receipt.topic,
            receipt.partition,
            receipt.incarnation,
            receipt.sequence,
            views,
            comments,
            state,
        )


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of a video."""

    views: int
    likes: int
    dislikes: int
    comments: int


def overlay(totals: Totals, stored: Reaction, deeds: Collection[Deed]) -> tuple[Totals, Reaction]:
    """What a viewer with unapplied ``deeds`` (oldest first) is shown, whose ``stored`` reaction is counted already."""
    reaction = stored
    for deed in deeds:
        if deed.state is not None:
            reaction = Reaction(deed.state)
    shown = Totals(
        totals.views + sum(deed.views for deed in deeds),
        totals.likes + (reaction is Reaction.LIKE) - (stored is Reaction.LIKE),
        totals.dislikes + (reaction is Reaction.DISLIKE) - (stored is Reaction.DISLIKE),
        totals.comments + sum(deed.comments for deed in deeds),
    )
    return shown, reaction


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Deed)


class OwnDeeds:
    """Deeds in the cell's Valkey, by viewer and subject."""

    def __init__(self, cache: Redis | RedisCluster) -> None:
        self._cache = cache

    async def note(self, subject: str, viewer: bytes, deed: Deed) -> None:
        """Keeps ``deed``; a cache that is away loses it, which shows the counts as they are."""
        key = _key(subject, viewer)
        try:
            pipeline = self._cache.pipeline(transaction=False)
            pipeline.rpush(key, _ENCODER.encode(deed))
            pipeline.ltrim(key, -KEEP_EVENTS, -1)
            pipeline.expire(key, KEEP_SECONDS)
            await pipeline.execute()
        except RedisError as error:
            _log.warning("an own event is not kept: %s", type(error).__name__)

    async def of(self, subject: str, viewer: bytes) -> Sequence[Deed]:
        """Deeds of ``viewer``, oldest first, applied or not."""
        try:
            found = await self._cache.lrange(_key(subject, viewer), 0, -1)
            return [_DECODER.decode(item) for item in found if isinstance(item, bytes)]
        except (RedisError, msgspec.DecodeError) as error:
            _log.warning("own events are not shown: %s", type(error).__name__)
            return []


def _key(subject: str, viewer: bytes) -> str:
    return f"{ENGAGEMENT_KEYS}own:{subject}:{viewer.hex()}"
