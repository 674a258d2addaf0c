"""Claims: which event speaks for what, decided in Valkey before the event goes to the log (counting rule 13).

A claim is bound to an event id, so a client that was not answered may send the same event again, and one that was
answered twice is not counted twice. Losing Valkey loses claims: then a view may be admitted again. That is policy, not
exactness, so a cache that is away admits everything.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisError

from services.contracts.keyspaces import ENGAGEMENT_KEYS

VIEW_SECONDS = 3600
"""One view per viewer, video and hour."""
EVENT_SECONDS = 900
"""How long a repeated heartbeat is known."""
_DONE = b"+"

_log = logging.getLogger(__name__)


class Standing(Enum):
    """What a claim came to."""

    GRANTED = "granted"
    """The event may go to the log: it is the first, or the first one sent again before it was acknowledged."""
    DONE = "done"
    """This very event is in the log already."""
    TAKEN = "taken"
    """Another event spoke for the same thing."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``event`` wants to speak for ``key`` for ``seconds``."""

    key: str
    event: bytes
    seconds: int


def view(video: str, viewer: bytes, event: bytes) -> Claim:
    """That ``viewer`` has viewed ``video``."""
    return Claim(f"{ENGAGEMENT_KEYS}view:{video}:{viewer.hex()}", event, VIEW_SECONDS)


def once(event: bytes) -> Claim:
    """That the event is new."""
    return Claim(f"{ENGAGEMENT_KEYS}event:{event.hex()}", event, EVENT_SECONDS)


class Claims:
    """Claims in the cell's Valkey."""

    def __init__(self, cache: Redis | RedisCluster) -> None:
        self._cache = cache

    async def make(self, claims: Sequence[Claim]) -> list[Standing]:
        """What each of ``claims`` came to, in order; two of the same key in one call are judged in order, too."""
        try:
            pipeline = self._cache.pipeline(transaction=False)
            for claim in claims:
                pipeline.set(claim.key, claim.event, nx=True, get=True, ex=claim.seconds)
            found = await pipeline.execute()
        except RedisError as error:
            _log.warning("claims are not checked: %s", type(error).__name__)
            return [Standing.GRANTED] * len(claims)
        return [_standing(claim, value) for claim, value in zip(claims, found, strict=True)]

    async def settle(self, claims: Sequence[Claim]) -> None:
        """Notes that the events of ``claims`` are in the log."""
        try:
            pipeline = self._cache.pipeline(transaction=False)
            for claim in claims:
                pipeline.set(claim.key, claim.event + _DONE, ex=claim.seconds)
            await pipeline.execute()
        except RedisError as error:
            _log.warning("claims are not settled: %s", type(error).__name__)


def _standing(claim: Claim, found: object) -> Standing:
    if found is None or found == claim.event:
        return Standing.GRANTED
    return Standing.DONE if found == claim.event + _DONE else Standing.TAKEN
