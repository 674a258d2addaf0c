"""Kafka: the settings without which events are lost or counted twice (docs on counting give the histories)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from policies.model import Resource, Rule, Unknown, is_true, text

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
    if resource.type != "aws:msk/topic:Topic":
        return
    if resource.get("replicationFactor") not in (3,) and not isinstance(resource.get("replicationFactor"), Unknown):
        yield "must have three copies"
    given = text(resource.get("configs"))
    configs = json.loads(given) if given is not None else {}
    if given is not None and configs.get("cleanup.policy") != "delete":
        yield "may be compacted: set cleanup.policy=delete"
    if given is not None and configs.get("unclean.leader.election.enable") != "false":
        yield "may elect a leader that lacks events: set unclean.leader.election.enable=false"
    if given is not None and configs.get("min.insync.replicas") != "2":
        yield "may acknowledge what one broker has: set min.insync.replicas=2"


def _replicators(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:msk/replicator:Replicator":
        return
    for index, _ in enumerate(resource.items("replicationInfoList.topicReplications")) or ():
        base = f"replicationInfoList.topicReplications.{index}"
        if resource.get(f"{base}.startingPosition.type") != "EARLIEST":
            yield "must start at the earliest offset"
        if resource.get(f"{base}.topicNameConfiguration.type") != "PREFIXED_WITH_SOURCE_CLUSTER_ALIAS":
            yield "must prefix names with the source's, else events run in circles"


def _reachable_source(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:msk/cluster:Cluster":
        return
    iam = "brokerNodeGroupInfo.connectivityInfo.vpcConnectivity.clientAuthentication.sasl.iam"
    if not is_true(resource.get(iam)):
        yield "cannot be replicated from: switch on IAM for private connectivity"


RULES: Final = (
    Rule("KAF-1", "Brokers never elect a leader that lacks events.", "MSK's own default does.", _configuration),
    Rule("KAF-2", "Topics keep every event in three copies.", "Counts are exact only over a complete log.", _topics),
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
