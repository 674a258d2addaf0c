"""What the routes of engagement work with: facts about videos, claims, the packer. Owns how an event gets to the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis, RedisCluster

from regions.buckets import ShardMap
from regions.catalogue import CATALOGUE
from services.common import ids, videos
from services.common.consistency import SeenWrites
from services.common.errors import unavailable
from services.common.ids import Minter
from services.common.shards import ShardRouter
from services.contracts.events import TOPIC_OF, AnyEvent, encode_event, subject_of
from services.contracts.topics import partition_of
from services.engagement.claims import Claims
from services.engagement.own import OwnDeeds
from services.engagement.packer import NotAcknowledgedError, OverloadedError, Packer, Receipt

FACTS_SECONDS = 30.0
MISSING_SECONDS = 2.0
MAX_FACTS = 20_000


@dataclass(frozen=True, slots=True)
class _Fact:
    until: float
    exists: bool
    duration_ms: int | None


class VideoFacts:
    """Whether a video exists and how long it is, remembered for a moment."""

    def __init__(self, router: ShardRouter) -> None:
        self._router = router
        self._facts: dict[int, _Fact] = {}

    async def durations(self, wanted: Sequence[int], seen: SeenWrites | None = None) -> dict[int, int | None]:
        """Duration in milliseconds (None: not known yet) of those of ``wanted`` that exist, to one who wrote ``seen``.

        Raises `services.common.errors.ServiceError` 503 if a database does not answer.
        """
        found = await asyncio.gather(*(self._fact(video, seen) for video in dict.fromkeys(wanted)))
        return {
            video: fact.duration_ms for video, fact in zip(dict.fromkeys(wanted), found, strict=True) if fact.exists
        }

    async def _fact(self, video: int, seen: SeenWrites | None) -> _Fact:
        key = ids.shard_key(video)
        known = self._facts.get(video)
        now = time.monotonic()
        # What was missing a moment ago may be what this caller has just written.
        missed = known is not None and not known.exists and seen is not None
        wrote = missed and seen is not None and seen.of(self._router.shards.home_of(key.bucket)) is not None
        if known is not None and now < known.until and not wrote:
            return known
        async with self._router.reader(key, seen) as connection:
            brief = await videos.brief(connection, video)
        fact = (
            _Fact(now + MISSING_SECONDS, False, None)
            if brief is None
            else _Fact(now + FACTS_SECONDS, True, brief.duration_ms)
        )
        if len(self._facts) >= MAX_FACTS:
            self._facts.clear()
        self._facts[video] = fact
        return fact


def placed(shards: ShardMap, event: AnyEvent) -> tuple[str, int]:
    """Topic and partition of ``event``: in the group of its subject's home."""
    subject = subject_of(event)
    home = shards.home_of(ids.bucket_of(subject))
    return TOPIC_OF[type(event)].name, partition_of(CATALOGUE.get(home).home_number, subject)


class Desk:
    """One per process."""

    def __init__(self, router: ShardRouter, cache: Redis | RedisCluster, packer: Packer, viewer_secret: bytes) -> None:
        self.router = router
        self.facts = VideoFacts(router)
        self.claims = Claims(cache)
        self.own = OwnDeeds(cache)
        self.minter = Minter()
        self.cache = cache
        self.viewer_secret = viewer_secret
        self._packer = packer

    async def send(self, sent: Sequence[AnyEvent]) -> dict[tuple[str, int], Receipt]:
        """Sends events and waits until the log has all of them; receipts by topic and partition.

        Raises `services.common.errors.ServiceError` 503 if it has not: the same events may be sent again.
        """
        groups: dict[tuple[str, int], list[bytes]] = {}
        for event in sent:
            groups.setdefault(placed(self.router.shards, event), []).append(encode_event(event))
        results = await asyncio.gather(
            *(self._packer.submit(topic, partition, encoded) for (topic, partition), encoded in groups.items()),
            return_exceptions=True,
        )
        receipts: dict[tuple[str, int], Receipt] = {}
        for place, result in zip(groups, results, strict=True):
            if isinstance(result, OverloadedError):
                raise unavailable("Too many events wait; send this again in a moment.", 2)
            if isinstance(result, NotAcknowledgedError):
                raise unavailable("The event log does not answer; send this again in a moment.", 2)
            if isinstance(result, BaseException):
                raise result
            receipts[place] = result
        return receipts
