"""What an emulator is excused from: properties that it accepts and then does not tell, or tells wrongly.

Finer than the provider's own list (`local.aws.gaps`), which names whole properties: here a single member of a structure
can be excused, so that the rest of it is still compared. Nothing may be excused that the provider's list does not have,
and an excuse that is no longer needed fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from local.aws import gaps
from tests.footprint.asking import Subject

_SILENT: Final = "accepts it and does not tell it"

EXCUSES: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "moto": {
        "aws:acm/certificate:Certificate": {"keyAlgorithm": "always makes RSA_2048"},
        "aws:appautoscaling/target:Target": {"tags": "fails when it is asked for them"},
        "aws:budgets/budget:Budget": {"tags": "fails when it is asked for them"},
        "aws:eks/cluster:Cluster": dict.fromkeys(
            ("accessConfig", "computeConfig", "storageConfig", "upgradePolicy", "zonalShiftConfig"), _SILENT
        ),
        "aws:rds/instance:Instance": dict.fromkeys(
            (
                "engineLifecycleSupport",
                "performanceInsightsEnabled",
                "performanceInsightsKmsKeyId",
                "performanceInsightsRetentionPeriod",
            ),
            _SILENT,
        ),
        "aws:route53/zone:Zone": {"enableAcceleratedRecovery": "has no operation for it"},
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig": {
            "rules.deleteMarkerReplication": "always says Disabled",
            "rules.sourceSelectionCriteria": _SILENT,
        },
    },
    "ministack": {
        "aws:acm/certificate:Certificate": {"keyAlgorithm": "always makes RSA_2048"},
        "aws:ec2/flowLog:FlowLog": dict.fromkeys(("iamRoleArn", "maxAggregationInterval"), _SILENT),
        "aws:ec2/natGateway:NatGateway": {"allocationId": _SILENT},
        "aws:ec2/vpcEndpoint:VpcEndpoint": dict.fromkeys(("privateDnsEnabled", "securityGroupIds"), _SILENT),
        "aws:eks/cluster:Cluster": {
            **dict.fromkeys(("computeConfig", "storageConfig", "upgradePolicy", "zonalShiftConfig"), _SILENT),
            "kubernetesNetworkConfig.elasticLoadBalancing": _SILENT,
        },
        "aws:elasticache/replicationGroup:ReplicationGroup": {"kmsKeyId": _SILENT},
        "aws:rds/instance:Instance": {
            "backupRetentionPeriod": "gives a replica that of its source",
            "backupWindow": "always says 03:00-04:00",
            "enabledCloudwatchLogsExports": "always says none",
            "engineLifecycleSupport": _SILENT,
            "performanceInsightsKmsKeyId": _SILENT,
            "port": "tells one of its own",
        },
        "aws:route53/healthCheck:HealthCheck": {
            "childHealthchecks": "tells empty names",
            "enableSni": "always says no",
            "measureLatency": "always says no",
            "regions": "tells empty names",
        },
        "aws:route53/zone:Zone": {"enableAcceleratedRecovery": "has no operation for it"},
    },
    "localstack": {
        "aws:acm/certificate:Certificate": {"keyAlgorithm": "always makes RSA_2048"},
        "aws:route53/healthCheck:HealthCheck": {
            **dict.fromkeys(("childHealthchecks", "regions"), _SILENT),
            "invertHealthcheck": "always says no",
        },
        "aws:route53/zone:Zone": {"enableAcceleratedRecovery": "has no operation for it"},
    },
}
"""Emulator -> type -> property, or `property.member` -> what it does."""


def recorded(emulator: str, subject: Subject) -> bool:
    """Whether the emulator lacks the type, or this use of it, so that only the provider's ledger has the resource."""
    lacking = gaps.lacking(emulator)
    elsewhere = str(subject.declared.get("replicateSourceDb", "")).startswith("arn:")
    return subject.type in lacking or (elsewhere and f"{subject.type}[cross-region]" in lacking)


def excused(emulator: str, token: str) -> Mapping[str, str]:
    """The properties and members of a type that are not held against the emulator."""
    return EXCUSES[emulator].get(token, {})
