"""Starts a gateway process: ``python -m services.gateway``. Owns nothing but the wiring and the signals."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable

import httpx
import uvloop
from redis.asyncio import RedisCluster
from redis.asyncio.sentinel import Sentinel
from redis.exceptions import RedisError

from services.common import logs
from services.common.aws import AwsClients
from services.common.cache import connect
from services.common.database import Login
from services.common.revocations import Revocations
from services.common.secrets import SecretReader
from services.common.tasks import end
from services.common.tokens import KeySet, Policy, kms_public_key
from services.contracts import settings as contract
from services.contracts.settings import CacheSettings, PlatformSettings
from services.contracts.workloads import BY_NAME
from services.gateway import heads
from services.gateway.access import AccessLog
from services.gateway.cell_health import ASK_SECONDS, CellHealth, over_http
from services.gateway.connection import ClientConnection
from services.gateway.core import Core
from services.gateway.identity import Identities
from services.gateway.limit_script import SCRIPT
from services.gateway.limiter import Limiter
from services.gateway.resp import ValkeyError
from services.gateway.revocation import Follower
from services.gateway.valkey import Address, Credentials, ScriptClient
from services.gateway.valkey_cluster import Locate, ScriptCluster
from services.gateway.verifier import KeySetVerifier

NAME = "gateway"
GC_ALLOCATIONS = 50_000
"""A request leaves no cycles behind, so looking for them every 700 objects finds nothing."""
VALKEY_SECONDS = 0.05
"""A limiter that answers later is treated as away: the request must not wait for it."""
_log = logging.getLogger(__name__)


def locator(cache: CacheSettings, credentials: Credentials) -> Callable[[], Awaitable[Address]]:
    """How to find the Valkey primary: by the Sentinels, or the endpoint itself."""
    first = cache.endpoints[0]
    if cache.mode != "sentinel":

        async def fixed() -> Address:
            return first.host, first.port

        return fixed
    sentinel = Sentinel(  # type: ignore[no-untyped-call] # redis-py left its constructor untyped
        [(endpoint.host, endpoint.port) for endpoint in cache.endpoints],
        socket_timeout=0.5,
        socket_connect_timeout=0.5,
        username=credentials.username,
        password=credentials.password,
    )

    async def discover() -> Address:
        try:
            host, port = await sentinel.discover_master(cache.master_name)
        except Exception as error:
            raise ValkeyError("no Sentinel names a primary") from error
        return str(host), int(port)

    return discover


def slot_locator(cluster: RedisCluster) -> Locate:
    """How to find the primary of a slot in a cluster, from the cluster's own map as it is now."""

    async def locate(tag: str) -> Address:
        try:
            await cluster.initialize()
            await cluster.nodes_manager.initialize()
            node = cluster.get_node_from_key("{" + tag + "}")
        except RedisError as error:
            raise ValkeyError("the cluster does not say where its slots are") from error
        if node is None or not isinstance(node.host, str):
            raise ValkeyError("no node has the slot")
        return node.host, int(node.port)

    return locate


async def serve(settings: PlatformSettings) -> None:
    """Runs until a signal asks to stop, then drains."""
    loop = asyncio.get_running_loop()
    own = settings.own
    aws = AwsClients(own.region)
    secrets = SecretReader(aws)
    keys = await secrets.context_keys(own.secrets["context"])
    mine = await secrets.workload(own.secrets[NAME])
    credentials = Credentials(NAME, mine.cache_password.get_secret_value())

    async def key_set() -> KeySet:
        return KeySet([await kms_public_key(aws, own.tokens.key_arn)])

    cache = connect(own.cache, Login(NAME, credentials.password))
    valkey: ScriptClient | ScriptCluster
    if isinstance(cache, RedisCluster):
        valkey = ScriptCluster(slot_locator(cache), credentials, VALKEY_SECONDS, tls=own.cache.tls)
    else:
        valkey = ScriptClient(SCRIPT, locator(own.cache, credentials), credentials, VALKEY_SECONDS, tls=own.cache.tls)
    valkey.start()
    verifier = KeySetVerifier(key_set, Policy(own.tokens.issuer, own.tokens.audience), loop.time)
    identities = Identities(verifier, keys)
    follower = Follower(Revocations(cache, own.tokens.access_seconds), identities)
    asking = httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False)
    cell = CellHealth(own.services, over_http(asking))
    core = Core(
        own.services,
        identities,
        Limiter(valkey),
        [own.hosts.page],
        AccessLog(sys.stdout.buffer),
        time.monotonic,
        cell,
    )
    host = os.environ.get(contract.HOST_ENV, "127.0.0.1")
    port = int(os.environ.get(contract.PORT_ENV, str(BY_NAME[NAME].port)))
    server = await loop.create_server(lambda: ClientConnection(core), host, port, backlog=1024)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    sweeper = asyncio.create_task(core.sweep())
    following = asyncio.create_task(follower.follow())
    watching = asyncio.create_task(cell.watch())
    # What lives as long as the process need not be looked at by each collection.
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    build = "from its sources" if heads.__file__.endswith(".py") else "compiled"
    _log.info("the gateway of %s listens on %s:%d and runs %s", own.cell, host, port, build)
    await stop.wait()
    _log.info("draining")
    drained = asyncio.create_task(core.drain())
    # New connections are still taken for a moment: the edge sees "not ready" before it sees "refused".
    await asyncio.sleep(1.0)
    server.close()
    await drained
    await end(sweeper, following, watching)
    await asking.aclose()
    await cache.aclose()
    await valkey.close()
    aws.close()


def main() -> None:
    """Loads the settings and serves."""
    settings = contract.load()
    logs.configure(NAME, settings.own.cell, int(os.environ.get(contract.INSTANCE_ENV, "0")))
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
