import pytest
import redis
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.sentinel import MasterNotFoundError, Sentinel

from local.processes.program import NotReadyError
from local.processes.valkey import check_sentinel
from services.contracts import keyspaces
from services.contracts.workloads import WORKLOADS, Access
from tests.local.processes.conftest import DataPlane
from tests.local.waiting import until

WITH_CACHE = [workload.name for workload in WORKLOADS if Access.CACHE in workload.access]
WITHOUT = [workload.name for workload in WORKLOADS if Access.CACHE not in workload.access]


def sentinel_of(plane: DataPlane, workload: str) -> Sentinel:
    login = {"username": workload, "password": plane.credentials.workloads[workload].cache}
    return Sentinel(  # type: ignore[no-untyped-call] # redis-py left its constructor untyped
        [("127.0.0.1", node.port) for node in plane.valkey.sentinels],
        socket_timeout=2,
        sentinel_kwargs={"socket_timeout": 2, **login},
        **login,
    )


@pytest.mark.parametrize("workload", WITH_CACHE)
def test_a_workload_with_a_cache_finds_the_primary_and_uses_keys_but_not_the_server(
    dataplane: DataPlane, workload: str
) -> None:
    host, port = primary(sentinel_of(dataplane, workload), dataplane.valkey.group) or ("", 0)
    password = dataplane.credentials.workloads[workload].cache
    client = redis.Redis(host=host, port=port, username=workload, password=password)
    key = f"{keyspaces.cached(workload)}greeting"
    client.set(key, "hello")
    assert client.get(key) == b"hello"
    assert client.eval("return redis.call('GET', KEYS[1])", 1, key) == b"hello"
    elsewhere = keyspaces.cached("search" if workload != "search" else "catalog")
    for attempt in (lambda: client.get(f"{elsewhere}greeting"), lambda: client.publish("somewhere", "x")):
        with pytest.raises(NoPermissionError):
            attempt()
    for command in (("CONFIG", "GET", "requirepass"), ("FLUSHALL",), ("ACL", "LIST"), ("SHUTDOWN",), ("KEYS", "*")):
        with pytest.raises(NoPermissionError):
            client.execute_command(*command)  # type: ignore[no-untyped-call] # the same


@pytest.mark.parametrize("workload", WITHOUT)
def test_a_workload_without_a_cache_gets_in_nowhere(dataplane: DataPlane, workload: str) -> None:
    password = dataplane.credentials.workloads[workload].cache
    for node in (*dataplane.valkey.servers, *dataplane.valkey.sentinels):
        with pytest.raises(AuthenticationError):
            redis.Redis(port=node.port, username=workload, password=password).ping()


def test_nobody_gets_in_without_a_name(dataplane: DataPlane) -> None:
    for node in (*dataplane.valkey.servers, *dataplane.valkey.sentinels):
        with pytest.raises(AuthenticationError):
            redis.Redis(port=node.port).ping()


def test_a_workload_may_not_change_what_the_sentinels_watch(dataplane: DataPlane) -> None:
    login = dataplane.credentials.workloads["accounts"].cache
    for node in dataplane.valkey.sentinels:
        client = redis.Redis(port=node.port, username="accounts", password=login)
        for command in (("SENTINEL", "FAILOVER", dataplane.valkey.group), ("SENTINEL", "RESET", "*")):
            with pytest.raises(NoPermissionError):
                client.execute_command(*command)  # type: ignore[no-untyped-call] # the same


def test_a_stopped_primary_is_replaced_and_comes_back_as_the_replica(dataplane: DataPlane) -> None:
    sentinel = sentinel_of(dataplane, "accounts")
    group = dataplane.valkey.group
    before = primary(sentinel, group)
    assert before is not None
    stopped = next(node for node in dataplane.valkey.servers if node.port == before[1])
    dataplane.installation.supervisor.halt(f"mumbai-{stopped.name}")
    until(lambda: primary(sentinel, group) not in (None, before), seconds=60)
    after = primary(sentinel, group)
    assert after is not None
    with pytest.raises(NotReadyError):
        check_sentinel(dataplane.valkey, dataplane.valkey.sentinels[0])

    assert dataplane.up() == (f"mumbai-{stopped.name}",)
    returned = redis.Redis(port=stopped.port, username="operator", password=dataplane.credentials.operator)
    until(lambda: returned.info("replication")["role"] == "slave", seconds=60)
    until(lambda: returned.info("replication")["master_port"] == after[1], seconds=60)
    assert primary(sentinel, group) == after


def primary(sentinel: Sentinel, group: str) -> tuple[str, int] | None:
    """The primary that the Sentinels agree on; None while they have found none."""
    try:
        host, port = sentinel.discover_master(group)  # type: ignore[no-untyped-call] # the same
    except MasterNotFoundError:
        return None
    return host, port
