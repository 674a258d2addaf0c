"""The topics of the broker and who may do what with them: both from the contracts, made as far as they are missing.

Owns the translation of `services.contracts.workloads.Access` to Kafka's access lists. Everything that no entry allows
is refused. Numbers of operations, resources and patterns: Kafka's ``AclOperation``, ``ResourceType``, ``PatternType``
(https://kafka.apache.org/protocol.html and the public enums of the Java client).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.protocol.admin import CreateAclsRequest_v1, DescribeAclsRequest_v1
from aiokafka.protocol.api import Request

from local.processes.program import PreparationError
from regions.catalogue import CATALOGUE
from services.contracts.topics import TOPIC_CONFIG, TOPICS, copied_name
from services.contracts.workloads import WORKLOADS, Access, Workload

IN_FORCE_TRIES: Final = 600
IN_FORCE_PAUSE: Final = 0.1
"""Seconds between two looks at whether new entries are in force: 15 s in all, milliseconds on an idle machine."""


class Resource(IntEnum):
    """What a right is about."""

    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTION = 5


class Pattern(IntEnum):
    """How its name is matched."""

    ANY = 1
    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """What is allowed."""

    READ = 3
    WRITE = 4
    DESCRIBE = 8
    IDEMPOTENT_WRITE = 12


_ANY, _ALLOW = 1, 3

CLUSTER_NAME = "kafka-cluster"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One entry of the access list."""

    user: str
    operation: Operation
    resource: Resource
    name: str
    pattern: Pattern = Pattern.LITERAL


def rights(workloads: Collection[Workload] = WORKLOADS) -> frozenset[Right]:
    """What the workloads may do. Groups and transactions carry the name of their workload in front."""
    found: set[Right] = set()
    for workload in workloads:
        user = workload.name
        if Access.KAFKA_WRITE in workload.access:
            found |= {Right(user, op, Resource.TOPIC, t.name) for t in TOPICS for op in _WRITING}
            found |= {Right(user, op, Resource.TRANSACTION, user, Pattern.PREFIXED) for op in _WRITING}
            found.add(Right(user, Operation.IDEMPOTENT_WRITE, Resource.CLUSTER, CLUSTER_NAME))
        if Access.KAFKA_READ in workload.access:
            found |= {Right(user, op, Resource.TOPIC, t.name) for t in TOPICS for op in _READING}
            # The copies of another cell's topics, for the time when that cell is lost.
            copies = [copied_name(source, "") for source in CATALOGUE.names]
            found |= {Right(user, op, Resource.TOPIC, copy, Pattern.PREFIXED) for copy in copies for op in _READING}
            found |= {Right(user, op, Resource.GROUP, user, Pattern.PREFIXED) for op in _READING}
    return frozenset(found)


_WRITING = (Operation.WRITE, Operation.DESCRIBE)
_READING = (Operation.READ, Operation.DESCRIBE)


class _Describe(Request[DescribeAclsRequest_v1]):  # type: ignore[misc] # aiokafka publishes no types
    """All entries. aiokafka's own class would choose version 2, which it encodes as if it were not flexible."""

    API_KEY = DescribeAclsRequest_v1.API_KEY

    def build(self, request_struct_class: type[DescribeAclsRequest_v1]) -> DescribeAclsRequest_v1:
        return request_struct_class(_ANY, None, Pattern.ANY, None, None, _ANY, _ANY)


class _Create(Request[CreateAclsRequest_v1]):  # type: ignore[misc] # the same
    """Some entries in one request."""

    API_KEY = CreateAclsRequest_v1.API_KEY

    def __init__(self, entries: Collection[Right]) -> None:
        self._entries = entries

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(
            [(e.resource, e.name, e.pattern, f"User:{e.user}", "*", e.operation, _ALLOW) for e in self._entries]
        )


async def ensure_topics(client: AIOKafkaAdminClient, homes: int = len(CATALOGUE.regions)) -> None:
    """Create the topics that are missing, with the partitions of ``homes`` home cells and one copy.

    Partition counts never change (growth is a new topic version), so one that differs is an error.
    """
    existing = set(await client.list_topics())
    fresh = [
        NewTopic(
            topic.name,
            topic.partitions(homes),
            1,
            # One broker cannot have two copies in sync.
            topic_configs={**TOPIC_CONFIG, "min.insync.replicas": "1", "retention.ms": str(topic.retention_ms)},
        )
        for topic in TOPICS
        if topic.name not in existing
    ]
    if fresh:
        answer = await client.create_topics(fresh, timeout_ms=15_000)
        for name, code, message in answer.topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise PreparationError(f"Kafka cannot create topic {name}: {message or for_code(code).__name__}")
    described = await client.describe_topics([topic.name for topic in TOPICS if topic.name in existing])
    for entry in described if existing else ():
        wanted = next(topic.partitions(homes) for topic in TOPICS if topic.name == entry["topic"])
        if len(entry["partitions"]) != wanted:
            raise PreparationError(
                f"topic {entry['topic']} has {len(entry['partitions'])} partitions and must have {wanted}; "
                "a changed count is a new version of the topic"
            )


async def existing_rights(client: AIOKafkaClient) -> frozenset[Right]:
    """The access list of the broker. Raises `PreparationError` for an entry that these types cannot express."""
    answer = await client.send(client.get_random_node(), _Describe())
    if answer.error_code != 0:
        raise PreparationError(f"Kafka does not show its access list: {answer.error_message}")
    try:
        return frozenset(
            Right(principal.removeprefix("User:"), Operation(operation), Resource(kind), name, Pattern(pattern))
            for kind, name, pattern, entries in answer.resources
            for principal, _host, operation, _permission in entries
        )
    except ValueError as error:
        raise PreparationError(f"the broker's access list has an entry that is not ours: {error}") from error


async def ensure_rights(client: AIOKafkaClient, wanted: Collection[Right] | None = None) -> int:
    """Grant what is missing and wait until it is in force; returns how many entries that were.

    The broker acknowledges an entry before its own authorizer has read it back from the metadata log.
    """
    missing = sorted(set(rights() if wanted is None else wanted) - await existing_rights(client))
    if not missing:
        return 0
    answer = await client.send(client.get_random_node(), _Create(missing))
    for right, (code, message) in zip(missing, answer.creation_responses, strict=True):
        if code != 0:
            raise PreparationError(f"Kafka refuses {right}: {message or for_code(code).__name__}")
    for _ in range(IN_FORCE_TRIES):
        if await existing_rights(client) >= set(missing):
            return len(missing)
        await asyncio.sleep(IN_FORCE_PAUSE)
    raise PreparationError(
        f"Kafka accepted {len(missing)} entries of its access list but does not apply them; see its log"
    )
