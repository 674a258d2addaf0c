"""What a process holds open: settings, AWS, secrets, databases, cache, and who it is to each of them.

Owns their opening and closing, in order, by what `services.contracts.workloads` says that the workload may touch.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from redis.asyncio import Redis, RedisCluster

from services.common.aws import AwsClients
from services.common.cache import connect as connect_cache
from services.common.context import ContextKeys
from services.common.database import CellDatabase, Login, PoolOptions
from services.common.ids import Minter
from services.common.kafka import ConnectionArguments, connection_arguments
from services.common.secrets import SecretReader
from services.common.shards import ShardRouter
from services.contracts.settings import INSTANCE_ENV, PlatformSettings, SecretRef
from services.contracts.workloads import BY_NAME, Access

CONTEXT_SECRET = "context"


class MissingResourceError(RuntimeError):
    """The workload asked for something that its row in ``services/contracts/workloads`` does not give it."""


@dataclass(frozen=True)
class Resources:
    """What is open. Ask for `router`, `cache` and `kafka` by property: what the workload may not touch raises."""

    workload: str
    instance: int
    settings: PlatformSettings
    aws: AwsClients
    secrets: SecretReader
    minter: Minter
    context_keys: ContextKeys
    maybe_router: ShardRouter | None
    maybe_cache: Redis | RedisCluster | None
    maybe_kafka: ConnectionArguments | None

    @property
    def router(self) -> ShardRouter:
        """The databases. Raises `MissingResourceError`."""
        if self.maybe_router is None:
            raise MissingResourceError(f"workload {self.workload} has no access to databases")
        return self.maybe_router

    @property
    def cache(self) -> Redis | RedisCluster:
        """Valkey. Raises `MissingResourceError`."""
        if self.maybe_cache is None:
            raise MissingResourceError(f"workload {self.workload} has no access to the cache")
        return self.maybe_cache

    @property
    def kafka(self) -> ConnectionArguments:
        """How to reach Kafka; see `services.common.kafka`. Raises `MissingResourceError`."""
        if self.maybe_kafka is None:
            raise MissingResourceError(f"workload {self.workload} has no access to Kafka")
        return self.maybe_kafka


def _secret(secrets: dict[str, SecretRef], name: str, cell: str) -> SecretRef:
    if name not in secrets:
        raise MissingResourceError(
            f"the settings of {cell} name no secret {name!r}; deploy the region's stack and write the settings again"
        )
    return secrets[name]


async def _databases(
    workload: str, settings: PlatformSettings, secrets: SecretReader, options: PoolOptions
) -> dict[str, CellDatabase]:
    result: dict[str, CellDatabase] = {}
    for cell in settings.cells:
        own = cell == settings.own.cell
        refs = settings.own.secrets if own else settings.peers[cell].secrets
        secret = await secrets.workload(_secret(refs, workload, cell))
        login = Login(workload, secret.database_password.get_secret_value())
        # A peer's pool keeps no idle connection, so a lost region costs nothing until it is asked.
        cell_options = options if own else replace(options, min_size=0)
        result[cell] = CellDatabase.of(cell, settings.database(cell), login, cell_options)
    return result


@asynccontextmanager
async def open_resources(
    workload: str, settings: PlatformSettings, options: PoolOptions | None = None
) -> AsyncIterator[Resources]:
    """Opens what ``workload`` may touch, and closes it at the end.

    Raises `services.common.secrets.SecretError` or `MissingResourceError`; a database, cache or broker that is
    down does not keep a process from starting.
    """
    access = BY_NAME[workload].access
    own = settings.own
    async with AsyncExitStack() as stack:
        aws = AwsClients(own.region)
        stack.callback(aws.close)
        secrets = SecretReader(aws)
        keys = await secrets.context_keys(_secret(own.secrets, CONTEXT_SECRET, own.cell))
        router: ShardRouter | None = None
        if Access.DATABASE in access:
            databases = await _databases(workload, settings, secrets, options or PoolOptions())
            router = ShardRouter(settings.shards.map(), databases, own.cell)
            stack.push_async_callback(router.close)
            await router.open()
        cache: Redis | RedisCluster | None = None
        kafka: ConnectionArguments | None = None
        if access_kafka(access) or Access.CACHE in access:
            secret = await secrets.workload(_secret(own.secrets, workload, own.cell))
            if Access.CACHE in access:
                cache = connect_cache(own.cache, Login(workload, secret.cache_password.get_secret_value()))
                stack.push_async_callback(cache.aclose)
            if access_kafka(access):
                login = Login(workload, secret.kafka_password.get_secret_value())
                kafka = connection_arguments(own.kafka, login, own.region, workload)
        yield Resources(
            workload=workload,
            instance=int(os.environ.get(INSTANCE_ENV, "0")),
            settings=settings,
            aws=aws,
            secrets=secrets,
            minter=Minter(),
            context_keys=keys,
            maybe_router=router,
            maybe_cache=cache,
            maybe_kafka=kafka,
        )


def access_kafka(access: tuple[Access, ...]) -> bool:
    """Whether ``access`` includes any use of Kafka."""
    return Access.KAFKA_READ in access or Access.KAFKA_WRITE in access
