"""Kafka: the settings without which events are lost or counted twice (docs on counting give the histories)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from policies.model import Resource, Rule, StackRule, Unknown, Value, is_true, of_type, text
from regions.catalogue import CATALOGUE
from services.contracts.topics import BY_NAME, REPLICATION_FACTOR, TOPIC_CONFIG

_CLUSTER: Final = "aws:msk/cluster:Cluster"
_POLICY: Final = "aws:msk/clusterPolicy:ClusterPolicy"
_TABLE: Final = "services/contracts/topics.py"
_NAMED: Final = re.compile(r":cluster/([^/]+)/[^/]+$")
_COPIED: Final = "replicationInfoList.topicReplications"
_MSK: Final = "kafka.amazonaws.com"
_REACHES: Final = ("kafka:CreateVpcConnection", "kafka:GetBootstrapBrokers", "kafka:DescribeClusterV2")

_PROPERTIES: Final = {
    "unclean.leader.election.enable": "false",
    "min.insync.replicas": "2",
    "default.replication.factor": "3",
    "auto.create.topics.enable": "false",
}


def _configuration(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:msk/configuration:Configuration":
        return
    properties = text(resource.get("serverProperties"))
    if properties is None:
        return
    given = dict(line.split("=", 1) for line in properties.replace(" ", "").splitlines() if "=" in line)
    for name, value in _PROPERTIES.items():
        if given.get(name) != value:
            yield f"has {name}={given.get(name)}: it must be {value}"


def _topics(resource: Resource) -> Iterator[str]:
    """As the one table of topics says: partitions are grouped by home cell, so their number is part of the address."""
    if resource.type != "aws:msk/topic:Topic":
        return
    name = text(resource.get("name"))
    topic = BY_NAME.get(name or "")
    if topic is None:
        if not isinstance(resource.get("name"), Unknown):
            yield f"is topic {name}, which {_TABLE} does not have: add it there, or take one of {', '.join(BY_NAME)}"
        return
    counts = {"replicationFactor": REPLICATION_FACTOR, "partitionCount": topic.partitions(CATALOGUE.homes)}
    for path, wanted in counts.items():
        given = resource.get(path)
        if given != wanted and not isinstance(given, Unknown):
            yield f"has {path} {given}: {_TABLE} says {wanted} for {name}"
    if not isinstance(resource.get("configs"), Unknown):
        configs = _configs(text(resource.get("configs")))
        for key, value in {**TOPIC_CONFIG, "retention.ms": str(topic.retention_ms)}.items():
            if configs.get(key) != value:
                yield f"has {key}={configs.get(key)}: {_TABLE} says {value} for {name}"


def _configs(given: str | None) -> Mapping[str, object]:
    """The settings in the JSON text that MSK takes; of no such text: none."""
    try:
        found = json.loads(given or "{}")
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _replicators(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:msk/replicator:Replicator":
        return
    if not isinstance(resource.get(_COPIED), Unknown) and not resource.items(_COPIED):
        yield "copies no topics: declare topicReplications"
    for index, _ in enumerate(resource.items(_COPIED)):
        base = f"{_COPIED}.{index}"
        if resource.get(f"{base}.startingPosition.type") != "EARLIEST":
            yield "must start at the earliest offset"
        if resource.get(f"{base}.topicNameConfiguration.type") != "PREFIXED_WITH_SOURCE_CLUSTER_ALIAS":
            yield "must prefix names with the source's, else events run in circles"
    missing = [name for name in BY_NAME if not _copies(resource, name)]
    if missing:
        yield f"does not copy {', '.join(missing)}: name all topics of {_TABLE} in topicsToReplicates, exclude none"


def _copies(resource: Resource, topic: str) -> bool:
    """Whether some entry copies ``topic``, or may, as far as is known."""
    if isinstance(resource.get(_COPIED), Unknown):
        return True
    bases = [f"{_COPIED}.{index}" for index, _ in enumerate(resource.items(_COPIED))]
    return any(
        _names(resource.get(f"{base}.topicsToReplicates"), topic, unknown=True)
        and not _names(resource.get(f"{base}.topicsToExcludes"), topic, unknown=False)
        for base in bases
    )


def _names(patterns: Value, topic: str, *, unknown: bool) -> bool:
    """Whether one of ``patterns`` (regular expressions for the whole name) is of ``topic``."""
    if isinstance(patterns, Unknown):
        return unknown
    given = patterns if isinstance(patterns, tuple) else ()
    return any(unknown if isinstance(item, Unknown) else _matches(item, topic) for item in given)


def _matches(pattern: Value, topic: str) -> bool:
    try:
        return isinstance(pattern, str) and re.fullmatch(pattern, topic) is not None
    except re.error:
        return False


def _reachable_source(resource: Resource) -> Iterator[str]:
    if resource.type != _CLUSTER:
        return
    iam = "brokerNodeGroupInfo.connectivityInfo.vpcConnectivity.clientAuthentication.sasl.iam"
    if not is_true(resource.get(iam)):
        yield "cannot be replicated from: switch on IAM for private connectivity"


def _admitting(resources: tuple[Resource, ...]) -> Iterator[tuple[Resource | None, str]]:
    """A replicator in another region reaches its source only by the source's own policy
    (https://docs.aws.amazon.com/msk/latest/developerguide/msk-replicator-network-reqs.html)."""
    policies = [policy for policy in of_type(resources, _POLICY) if _admits(policy.get("policy"))]
    arns = [policy.get("clusterArn") for policy in policies]
    named = {found[1] for arn in arns if isinstance(arn, str) and (found := _NAMED.search(arn))}
    closed = [cluster for cluster in of_type(resources, _CLUSTER) if cluster.get("clusterName") not in named]
    # A policy whose ARN names no cluster may be that of any: it is not known yet, or an emulator's own form (moto's).
    unnamed = sum(not isinstance(arn, str) or _NAMED.search(arn) is None for arn in arns)
    if len(closed) > unnamed:
        for cluster in closed:
            yield cluster, f"admits no replicator: declare a ClusterPolicy that lets {_MSK} {', '.join(_REACHES)}"


def _admits(policy: Value) -> bool:
    given = text(policy)
    if given is None:
        return isinstance(policy, Unknown)
    document = _configs(given)
    statements = document.get("Statement")
    return any(
        isinstance(statement, dict)
        and statement.get("Effect") == "Allow"
        and _MSK in json.dumps(statement.get("Principal"))
        and {str(action) for action in _listed(statement.get("Action"))} >= set(_REACHES)
        for statement in _listed(statements)
    )


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


RULES: Final = (
    Rule("KAF-1", "Brokers never elect a leader that lacks events.", "MSK's own default does.", _configuration),
    Rule("KAF-2", "Topics are as the contract says.", "Counts are exact only over a complete log.", _topics),
    Rule(
        "KAF-3",
        "Replicators copy everything, under another name.",
        "Else events are missed or run in circles.",
        _replicators,
    ),
    Rule(
        "KAF-4",
        "Every cluster can be copied by its partner.",
        "The lost region's log is read from its copy.",
        _reachable_source,
    ),
)
STACK_RULES: Final = (
    StackRule("KAF-5", "Every cluster admits replicators.", "Without its policy none can reach it.", _admitting),
)
