"""Valkey of the cell: the client, and one way to keep what was loaded. Owns no key names of any service."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from services.common.database import Login
from services.contracts.settings import CacheSettings

SOCKET_SECONDS = 0.5
"""A cache that answers later is worse than none."""

_T = TypeVar("_T")


def connect(settings: CacheSettings, login: Login) -> Redis | RedisCluster:
    """A client for ``settings``; it connects at first use. Values are bytes."""
    retry = Retry(ExponentialBackoff(cap=0.2, base=0.01), retries=2)
    first = settings.endpoints[0]
    if settings.mode == "cluster":
        return RedisCluster(
            host=first.host,
            port=first.port,
            username=login.user,
            password=login.password,
            ssl=settings.tls,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
        )
    if settings.mode == "sentinel":
        sentinel = Sentinel(  # type: ignore[no-untyped-call] # redis-py left its constructor untyped
            [(endpoint.host, endpoint.port) for endpoint in settings.endpoints],
            # The Sentinels know the same users as the servers; redis-py hands them no credentials by itself.
            sentinel_kwargs={
                "username": login.user,
                "password": login.password,
                "ssl": settings.tls,
                "socket_timeout": SOCKET_SECONDS,
                "socket_connect_timeout": SOCKET_SECONDS,
            },
            username=login.user,
            password=login.password,
            ssl=settings.tls,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
        )
        client: Redis = sentinel.master_for(settings.master_name, retry=retry)
        return client
    return Redis(
        host=first.host,
        port=first.port,
        username=login.user,
        password=login.password,
        ssl=settings.tls,
        socket_timeout=SOCKET_SECONDS,
        socket_connect_timeout=SOCKET_SECONDS,
        retry=retry,
    )


class LoadingCache:
    """Bytes under a key: from Valkey, else from ``load``, which runs once at a time per key in this process.

    Valkey being away never fails a read: the value is loaded and not kept.
    """

    def __init__(self, client: Redis | RedisCluster, prefix: str, seconds: float) -> None:
        self._client = client
        self._prefix = prefix
        self._milliseconds = seconds * 1000
        self._loading: dict[str, asyncio.Task[bytes]] = {}

    async def get(self, key: str, load: Callable[[], Awaitable[bytes]]) -> bytes:
        """The value of ``key``. Raises what ``load`` raises."""
        task = self._loading.get(key)
        if task is None:
            task = asyncio.create_task(self._get(key, load))
            self._loading[key] = task
            task.add_done_callback(lambda _: self._loading.pop(key, None))
        # A caller that gives up must not take the value from those who wait with it.
        return await asyncio.shield(task)

    async def forget(self, key: str) -> None:
        """Drops the kept value of ``key``, if Valkey can be reached."""
        try:
            await self._client.delete(self._prefix + key)
        except RedisError:
            return

    async def _get(self, key: str, load: Callable[[], Awaitable[bytes]]) -> bytes:
        name = self._prefix + key
        try:
            kept = await self._client.get(name)
        except RedisError:
            return await load()
        if isinstance(kept, bytes):
            return kept
        value = await load()
        # Lives vary by 10 %, so that values stored together do not fall due together.
        life = int(self._milliseconds * random.uniform(0.9, 1.1))  # noqa: S311 - no secret hangs on it
        try:
            await self._client.set(name, value, px=max(life, 1))
        except RedisError:
            return value
        return value
