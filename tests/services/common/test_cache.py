from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.common.cache import LoadingCache, connect
from services.common.database import Login
from services.contracts.keyspaces import cached
from services.contracts.settings import CacheSettings, Endpoint
from tests.servers import Valkey, free_port, run_sentinel

OWN = cached("catalog")


def client_of(endpoint: Endpoint, user: str, password: str) -> Redis:
    settings = CacheSettings(mode="single", endpoints=(endpoint,), master_name="", tls=False)
    client = connect(settings, Login(user, password))
    assert isinstance(client, Redis)
    return client


@pytest.fixture
async def client(clean_valkey: Valkey) -> AsyncIterator[Redis]:
    made = client_of(clean_valkey.endpoint, "catalog", clean_valkey.passwords["catalog"])
    yield made
    await made.aclose()


class Loader:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.calls = 0

    async def load(self) -> bytes:
        self.calls += 1
        await asyncio.sleep(0.02)
        return b"value %d" % self.calls


async def test_a_thousand_misses_at_once_load_once(client: Redis) -> None:
    loader, cache = Loader(), LoadingCache(client, OWN, 60)

    values = await asyncio.gather(*(cache.get("key", loader.load) for _ in range(1000)))

    assert loader.calls == 1
    assert set(values) == {b"value 1"}
    assert await client.get(f"{OWN}key") == b"value 1"


async def test_a_kept_value_is_not_loaded_again_until_it_is_forgotten(client: Redis) -> None:
    loader = Loader()
    assert await LoadingCache(client, OWN, 60).get("key", loader.load) == b"value 1"
    other_process = LoadingCache(client, OWN, 60)
    assert await other_process.get("key", loader.load) == b"value 1"
    await other_process.forget("key")
    assert await other_process.get("key", loader.load) == b"value 2"


async def test_every_kept_value_ends(client: Redis) -> None:
    await LoadingCache(client, OWN, 10).get("key", Loader().load)

    assert 8_000 <= await client.pttl(f"{OWN}key") <= 11_000


async def test_one_caller_that_gives_up_does_not_take_the_value_from_the_others(client: Redis) -> None:
    loader, cache = Loader(), LoadingCache(client, OWN, 60)
    first = asyncio.create_task(cache.get("key", loader.load))
    second = asyncio.create_task(cache.get("key", loader.load))
    await asyncio.sleep(0)
    first.cancel()

    assert await second == b"value 1"


async def test_without_valkey_values_are_loaded() -> None:
    client = client_of(Endpoint(host="127.0.0.1", port=free_port()), "catalog", "x")
    cache, loader = LoadingCache(client, OWN, 60), Loader()
    try:
        assert await cache.get("key", loader.load) == b"value 1"
        await cache.forget("key")
    finally:
        await client.aclose()


async def test_an_error_of_the_loader_reaches_the_caller_and_is_not_kept(client: Redis) -> None:
    cache = LoadingCache(client, OWN, 60)

    async def fail() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await cache.get("key", fail)
    assert await cache.get("key", Loader().load) == b"value 1"


async def test_a_workload_may_not_empty_the_cache(client: Redis) -> None:
    with pytest.raises(ResponseError):
        await client.flushall()


async def test_behind_sentinels_the_client_finds_the_server_by_the_groups_name(clean_valkey: Valkey) -> None:
    password = clean_valkey.passwords["catalog"]
    with run_sentinel(clean_valkey, "group") as sentinel:
        settings = CacheSettings(mode="sentinel", endpoints=(sentinel,), master_name="group", tls=False)
        client = connect(settings, Login("catalog", password))
        try:
            await client.set(f"{OWN}found", b"yes")
        finally:
            await client.aclose()
    with clean_valkey.client() as admin:
        assert admin.get(f"{OWN}found") == b"yes"
