"""Kafka that keeps the laws and Kafka that breaks them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from policies.model import UNKNOWN, Resource, Value
from regions.catalogue import CATALOGUE
from services.contracts.topics import BY_NAME
from tests.policies.made import KAFKA, Fixture, StackFixture, made

_TOPIC = {
    "cleanup.policy": "delete",
    "compression.type": "producer",
    "min.insync.replicas": "2",
    "retention.ms": "604800000",
    "unclean.leader.election.enable": "false",
}
_CONFIGS = json.dumps(_TOPIC)
_HOMES = len(CATALOGUE.regions)
_BROKER = "unclean.leader.election.enable=false\nmin.insync.replicas=2\ndefault.replication.factor=3\n"
_SERVING = _BROKER + "auto.create.topics.enable=false\n"
_PREFIXED = "PREFIXED_WITH_SOURCE_CLUSTER_ALIAS"
_ALL = tuple(name.replace(".", r"\.") for name in BY_NAME)


def _topic(configs: Value = _CONFIGS, /, **props: Value) -> Resource:
    given: Mapping[str, Value] = {
        "name": "views.v1",
        "partitionCount": 15 * _HOMES,
        "replicationFactor": 3,
        "configs": configs,
    }
    return made("aws:msk/topic:Topic", **{**given, **props})


def _replicator(position: str = "EARLIEST", name: str = _PREFIXED, **more: Value) -> Resource:
    topics: Mapping[str, Value] = {
        "startingPosition": {"type": position},
        "topicNameConfiguration": {"type": name},
        "topicsToReplicates": _ALL,
        **more,
    }
    return made("aws:msk/replicator:Replicator", replicationInfoList={"topicReplications": (topics,)})


def _policy(arn: Value, actions: Value = UNKNOWN) -> Resource:
    statement = {"Effect": "Allow", "Principal": {"Service": "kafka.amazonaws.com"}, "Action": actions}
    document = UNKNOWN if actions is UNKNOWN else json.dumps({"Statement": [statement]})
    return made("aws:msk/clusterPolicy:ClusterPolicy", clusterArn=arn, policy=document)


_CLUSTER = made(KAFKA, clusterName="meridian-mumbai")
_ARN = "arn:aws:kafka:ap-south-1:1:cluster/meridian-mumbai/a"
_MOTO = "arn:aws:kafka:ap-south-1:1:cluster/0f0a"
"""As moto makes it: without the name."""
_REACHES = ("kafka:CreateVpcConnection", "kafka:GetBootstrapBrokers", "kafka:DescribeClusterV2")

RULES: Mapping[str, Fixture] = {
    "KAF-1": Fixture(
        (made("aws:msk/configuration:Configuration", serverProperties=_SERVING),),
        (
            made("aws:msk/configuration:Configuration", serverProperties=_BROKER),
            made(
                "aws:msk/configuration:Configuration",
                serverProperties=_SERVING.replace("election.enable=false", "election.enable=true"),
            ),
        ),
    ),
    "KAF-2": Fixture(
        (_topic(), _topic(UNKNOWN), _topic(name="dead-letters.v1", partitionCount=_HOMES), _topic(name=UNKNOWN)),
        (
            _topic(replicationFactor=1),
            _topic(partitionCount=1),
            _topic(partitionCount=None),
            _topic(name="views.v2"),
            _topic(name=None),
            _topic(None),
            _topic("{"),
            *(_topic(json.dumps({**_TOPIC, key: "1000"})) for key in _TOPIC),
            *(_topic(json.dumps({other: _TOPIC[other] for other in _TOPIC if other != key})) for key in _TOPIC),
        ),
    ),
    "KAF-3": Fixture(
        (
            _replicator(),
            _replicator(topicsToReplicates=(".*",)),
            _replicator(topicsToReplicates=UNKNOWN),
            _replicator(topicsToExcludes=("__.*",)),
        ),
        (
            _replicator("LATEST"),
            _replicator(name="IDENTICAL"),
            _replicator(topicsToReplicates=_ALL[:1]),
            _replicator(topicsToReplicates=_ALL[1:]),
            _replicator(topicsToReplicates=("(",)),
            _replicator(topicsToExcludes=("views.*",)),
            made("aws:msk/replicator:Replicator", replicationInfoList={"topicReplications": ()}),
        ),
    ),
    "KAF-4": Fixture(
        (
            made(
                KAFKA,
                brokerNodeGroupInfo={
                    "connectivityInfo": {"vpcConnectivity": {"clientAuthentication": {"sasl": {"iam": True}}}}
                },
            ),
        ),
        (made(KAFKA),),
    ),
}
STACK_RULES: Mapping[str, StackFixture] = {
    "KAF-5": StackFixture(
        (
            (_CLUSTER, _policy(_ARN, _REACHES)),
            (_CLUSTER, _policy(UNKNOWN)),
            (_CLUSTER, _policy(_ARN)),
            (_CLUSTER, _policy(_MOTO, _REACHES)),
        ),
        (
            (_CLUSTER,),
            (_CLUSTER, _policy(_ARN.replace("mumbai", "oregon"), _REACHES)),
            (_CLUSTER, _policy(_ARN, _REACHES[:2])),
            (_CLUSTER, made(KAFKA, clusterName="other"), _policy(UNKNOWN)),
        ),
    ),
}
