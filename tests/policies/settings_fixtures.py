"""Settings that go together, and such as AWS refuses."""

from __future__ import annotations

from collections.abc import Mapping

from policies.model import UNKNOWN, Resource, Value
from tests.policies.made import CACHE, Fixture, made

_ON: Mapping[str, Value] = {"status": "Enabled"}
_OFF: Mapping[str, Value] = {"status": "Disabled"}
_TIME: Mapping[str, Value] = {**_ON, "time": {"minutes": 15}}
_METRICS: Mapping[str, Value] = {**_ON, "eventThreshold": {"minutes": 15}}
_DESTINATION: Mapping[str, Value] = {
    "encryptionConfiguration": {"replicaKmsKeyId": UNKNOWN},
    "metrics": _METRICS,
    "replicationTime": _TIME,
}


def _copy(destination: Mapping[str, Value] = _DESTINATION, /, **more: Value) -> Resource:
    rule: Mapping[str, Value] = {
        **_ON,
        "filter": {"prefix": ""},
        "deleteMarkerReplication": _ON,
        "sourceSelectionCriteria": {"sseKmsEncryptedObjects": _ON},
        "destination": destination,
        **more,
    }
    return made("aws:s3/bucketReplicationConfig:BucketReplicationConfig", rules=(rule,))


def _cluster(compute: Value, balancing: Value, storage: Value, **more: Value) -> Resource:
    return made(
        "aws:eks/cluster:Cluster",
        computeConfig={"enabled": compute},
        kubernetesNetworkConfig={"elasticLoadBalancing": {"enabled": balancing}},
        storageConfig={"blockStorage": {"enabled": storage}},
        **more,
    )


def _logged(*destinations: Value) -> Resource:
    kind = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
    return made(kind, logDestinationConfigs=destinations)


_GROUP = "arn:aws:logs:ap-south-1:1:log-group:"

RULES: Mapping[str, Fixture] = {
    "S3-1": Fixture(
        (_copy(), _copy({**_DESTINATION, "metrics": None, "replicationTime": _OFF})),
        (
            _copy({**_DESTINATION, "metrics": None}),
            _copy({**_DESTINATION, "metrics": _OFF}),
            _copy({**_DESTINATION, "metrics": _ON}),
            _copy({**_DESTINATION, "replicationTime": {**_ON, "time": {"minutes": 5}}}),
            _copy({**_DESTINATION, "encryptionConfiguration": None}),
            _copy(deleteMarkerReplication=None),
            _copy(deleteMarkerReplication=_OFF),
            _copy(sourceSelectionCriteria=None),
            _copy(status="Disabled"),
            made("aws:s3/bucketReplicationConfig:BucketReplicationConfig", rules=()),
        ),
    ),
    "CACHE-1": Fixture(
        (made(CACHE, engine="valkey"), made(CACHE, engine=UNKNOWN)),
        (made(CACHE, engine="redis"), made(CACHE)),
    ),
    "EKS-1": Fixture(
        (
            _cluster(True, True, True, bootstrapSelfManagedAddons=False),
            _cluster(False, False, False, bootstrapSelfManagedAddons=True),
            made("aws:eks/cluster:Cluster"),
        ),
        (
            _cluster(True, True, True, bootstrapSelfManagedAddons=True),
            _cluster(True, True, True),
            _cluster(True, False, True, bootstrapSelfManagedAddons=False),
            _cluster(True, True, None, bootstrapSelfManagedAddons=False),
            _cluster(None, True, True, bootstrapSelfManagedAddons=False),
        ),
    ),
    "WAF-1": Fixture(
        (
            _logged(f"{_GROUP}aws-waf-logs-meridian"),
            _logged("arn:aws:s3:::aws-waf-logs-meridian"),
            _logged("arn:aws:firehose:ap-south-1:1:deliverystream/aws-waf-logs-meridian"),
            _logged(UNKNOWN),
        ),
        (
            _logged(f"{_GROUP}meridian"),
            _logged("arn:aws:s3:::meridian-aws-waf-logs-"),
            _logged(),
            _logged(f"{_GROUP}aws-waf-logs-a", f"{_GROUP}aws-waf-logs-b"),
        ),
    ),
}
