"""Sessions that ended before their access tokens do. Accounts writes them, whoever verifies tokens reads them.

Kept in the cell's Valkey as one sorted set by the time of the end, for as long as an access token lives. Losing it
costs no more than that: a token of an ended session passes until it expires. Does not own sessions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from redis.asyncio import Redis, RedisCluster

from services.contracts.keyspaces import REVOKED

_KEY: Final = REVOKED
_MARGIN_SECONDS: Final = 5.0
"""Entries written this long before the last one read are read again: clocks differ, and writes may arrive late."""


class Revocations:
    """See the module. ``life``: seconds that an access token lives at most."""

    def __init__(self, cache: Redis | RedisCluster, life: float, clock: Callable[[], float] = time.time) -> None:
        self._cache = cache
        self._life = life
        self._clock = clock

    async def add(self, session_id: int) -> None:
        """The session has ended now. Raises redis-py's errors."""
        now = self._clock()
        await self._cache.zadd(_KEY, {str(session_id): now})
        await self._cache.zremrangebyscore(_KEY, "-inf", now - self._life - _MARGIN_SECONDS)
        await self._cache.expire(_KEY, int(self._life + _MARGIN_SECONDS) + 1)

    async def since(self, last: float) -> list[tuple[int, float]]:
        """(session, Unix seconds of its end) of those that ended after ``last``, and a few before. Raises redis-py's errors."""
        # redis-py types the reply for every option at once; with scores it is a list of pairs.
        found: list[tuple[bytes, float]] = await self._cache.zrangebyscore(  # type: ignore[assignment] # see above
            _KEY, last - _MARGIN_SECONDS, "+inf", withscores=True
        )
        return [(int(member), float(score)) for member, score in found]

    def until(self, ended: float) -> float:
        """When the last access token of a session that ``ended`` then has expired."""
        return ended + self._life + _MARGIN_SECONDS
