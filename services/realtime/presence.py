"""How many watch a video in this cell: each instance states its own number, the sum is everybody's. Owns the hash.

A number that is not repeated in `STALE_SECONDS` belongs to an instance that died and is left out.
"""

from __future__ import annotations

import time
from uuid import uuid4

from redis.asyncio import Redis, RedisCluster

from services.contracts import live

REPEAT_SECONDS = 10.0
STALE_SECONDS = 30.0


class PresenceBook:
    """This instance's numbers in Valkey."""

    def __init__(self, cache: Redis | RedisCluster) -> None:
        self._cache = cache
        self._instance = uuid4().hex

    async def state(self, video: str, viewers: int) -> int:
        """Writes that this instance has ``viewers`` of ``video``; the sum over all instances. Raises `RedisError`."""
        key = live.presence_key(video)
        if viewers:
            await self._cache.hset(key, self._instance, f"{viewers}:{int(time.time())}")
            await self._cache.expire(key, int(STALE_SECONDS) * 2)
        else:
            await self._cache.hdel(key, self._instance)
        return total(await self._cache.hgetall(key), time.time())


def total(entries: object, now: float) -> int:
    """Sum of the numbers in a presence hash that are not stale at ``now`` (seconds since 1970)."""
    if not isinstance(entries, dict):
        return 0
    found = 0
    for value in entries.values():
        number, _, stated = value.partition(b":")
        if number.isdigit() and stated.isdigit() and now - int(stated) <= STALE_SECONDS:
            found += int(number)
    return found
