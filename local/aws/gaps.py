"""Which types each emulator lacks, so that the provider keeps them in its ledger instead; and what it answers wrongly.

The lists are closed: a type that is not on its emulator's list is never recorded, its failure is the deployment's
failure.  A test pins the sets, so that growth is a decision.  A name may carry a variant:
`aws:rds/instance:Instance[cross-region]`.  Each entry was seen with the pinned version of the emulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LACKING: Final[Mapping[str, frozenset[str]]] = {
    "ministack": frozenset(
        {
            "aws:amp/alertManagerDefinition:AlertManagerDefinition",
            "aws:amp/ruleGroupNamespace:RuleGroupNamespace",
            "aws:amp/scraper:Scraper",
            "aws:amp/workspace:Workspace",
            "aws:appautoscaling/policy:Policy",
            "aws:appautoscaling/target:Target",
            "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
            "aws:costexplorer/anomalySubscription:AnomalySubscription",
            "aws:ecr/replicationConfiguration:ReplicationConfiguration",
            "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
            "aws:msk/clusterPolicy:ClusterPolicy",
            # It creates configurations and cannot delete them.
            "aws:msk/configuration:Configuration",
            "aws:msk/replicator:Replicator",
            "aws:msk/topic:Topic",
            "aws:mediaconvert/queue:Queue",
            "aws:rds/instance:Instance[cross-region]",
            "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
            "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
            "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        }
    ),
    "moto": frozenset(
        {
            "aws:amp/alertManagerDefinition:AlertManagerDefinition",
            "aws:amp/scraper:Scraper",
            "aws:backup/selection:Selection",
            # It creates most of these and cannot delete them; a distribution with an origin group it refuses.
            "aws:cloudfront/cachePolicy:CachePolicy",
            "aws:cloudfront/distribution:Distribution",
            "aws:cloudfront/function:Function",
            "aws:cloudfront/keyGroup:KeyGroup",
            "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
            "aws:cloudfront/publicKey:PublicKey",
            "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
            "aws:cloudwatch/compositeAlarm:CompositeAlarm",
            "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
            "aws:costexplorer/anomalySubscription:AnomalySubscription",
            "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
            "aws:eks/accessEntry:AccessEntry",
            "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
            "aws:eks/addon:Addon",
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
            "aws:elasticache/parameterGroup:ParameterGroup",
            # It creates subnet groups and cannot delete them.
            "aws:elasticache/subnetGroup:SubnetGroup",
            "aws:elasticache/userGroup:UserGroup",
            "aws:mediaconvert/queue:Queue",
            "aws:msk/clusterPolicy:ClusterPolicy",
            "aws:msk/configuration:Configuration",
            "aws:msk/replicator:Replicator",
            "aws:msk/topic:Topic",
            "aws:rds/instance:Instance[cross-region]",
            "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
            "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        }
    ),
    # Services that its free core does not have at all.
    "localstack": frozenset(
        {
            "aws:amp/alertManagerDefinition:AlertManagerDefinition",
            "aws:amp/ruleGroupNamespace:RuleGroupNamespace",
            "aws:amp/scraper:Scraper",
            "aws:amp/workspace:Workspace",
            "aws:appautoscaling/policy:Policy",
            "aws:appautoscaling/target:Target",
            "aws:backup/plan:Plan",
            "aws:backup/selection:Selection",
            "aws:backup/vault:Vault",
            "aws:budgets/budget:Budget",
            "aws:cloudfront/cachePolicy:CachePolicy",
            "aws:cloudfront/distribution:Distribution",
            "aws:cloudfront/function:Function",
            "aws:cloudfront/keyGroup:KeyGroup",
            "aws:cloudfront/originAccessControl:OriginAccessControl",
            "aws:cloudfront/originRequestPolicy:OriginRequestPolicy",
            "aws:cloudfront/publicKey:PublicKey",
            "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
            "aws:costexplorer/anomalyMonitor:AnomalyMonitor",
            "aws:costexplorer/anomalySubscription:AnomalySubscription",
            "aws:ecr/lifecyclePolicy:LifecyclePolicy",
            "aws:ecr/replicationConfiguration:ReplicationConfiguration",
            "aws:ecr/repository:Repository",
            "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate",
            "aws:eks/accessEntry:AccessEntry",
            "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
            "aws:eks/addon:Addon",
            "aws:eks/cluster:Cluster",
            "aws:eks/podIdentityAssociation:PodIdentityAssociation",
            "aws:elasticache/parameterGroup:ParameterGroup",
            "aws:elasticache/replicationGroup:ReplicationGroup",
            "aws:elasticache/subnetGroup:SubnetGroup",
            "aws:elasticache/user:User",
            "aws:elasticache/userGroup:UserGroup",
            "aws:lb/listener:Listener",
            "aws:lb/listenerRule:ListenerRule",
            "aws:lb/loadBalancer:LoadBalancer",
            "aws:lb/targetGroup:TargetGroup",
            "aws:mediaconvert/queue:Queue",
            "aws:msk/cluster:Cluster",
            "aws:msk/clusterPolicy:ClusterPolicy",
            "aws:msk/configuration:Configuration",
            "aws:msk/replicator:Replicator",
            "aws:msk/topic:Topic",
            "aws:rds/instance:Instance",
            "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication",
            "aws:rds/parameterGroup:ParameterGroup",
            "aws:rds/subnetGroup:SubnetGroup",
            "aws:wafv2/webAcl:WebAcl",
            "aws:wafv2/webAclAssociation:WebAclAssociation",
            "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        }
    ),
}
"""Emulator -> types (with variant) that only the ledger holds."""

UNFAITHFUL: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "ministack": {
        "aws:acm/certificate:Certificate": frozenset({"keyAlgorithm"}),
        "aws:ec2/flowLog:FlowLog": frozenset({"iamRoleArn", "maxAggregationInterval"}),
        "aws:ec2/natGateway:NatGateway": frozenset({"allocationId"}),
        "aws:ec2/vpcEndpoint:VpcEndpoint": frozenset({"privateDnsEnabled", "securityGroupIds", "subnetIds"}),
        "aws:eks/cluster:Cluster": frozenset(
            {"computeConfig", "kubernetesNetworkConfig", "storageConfig", "upgradePolicy", "zonalShiftConfig"}
        ),
        "aws:elasticache/replicationGroup:ReplicationGroup": frozenset({"kmsKeyId"}),
        "aws:rds/instance:Instance": frozenset(
            {
                "backupRetentionPeriod",
                "backupWindow",
                "enabledCloudwatchLogsExports",
                "engineLifecycleSupport",
                "performanceInsightsKmsKeyId",
                "port",
            }
        ),
        "aws:route53/healthCheck:HealthCheck": frozenset(
            {"childHealthchecks", "enableSni", "measureLatency", "regions"}
        ),
        "aws:wafv2/webAcl:WebAcl": frozenset({"description"}),
    },
    "moto": {
        "aws:acm/certificate:Certificate": frozenset({"keyAlgorithm"}),
        "aws:appautoscaling/target:Target": frozenset({"tags"}),
        "aws:budgets/budget:Budget": frozenset({"tags"}),
        "aws:ec2/vpcEndpoint:VpcEndpoint": frozenset({"subnetIds"}),
        "aws:eks/cluster:Cluster": frozenset(
            {"accessConfig", "computeConfig", "storageConfig", "upgradePolicy", "zonalShiftConfig"}
        ),
        "aws:rds/instance:Instance": frozenset(
            {
                "enabledCloudwatchLogsExports",
                "engineLifecycleSupport",
                "performanceInsightsEnabled",
                "performanceInsightsKmsKeyId",
                "performanceInsightsRetentionPeriod",
            }
        ),
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig": frozenset({"rules"}),
    },
    "localstack": {
        "aws:acm/certificate:Certificate": frozenset({"keyAlgorithm"}),
        "aws:cloudwatch/logDelivery:LogDelivery": frozenset({"tags"}),
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": frozenset({"tags"}),
        "aws:cloudwatch/logDeliverySource:LogDeliverySource": frozenset({"tags"}),
        "aws:ec2/vpcEndpoint:VpcEndpoint": frozenset({"subnetIds"}),
        "aws:route53/healthCheck:HealthCheck": frozenset({"childHealthchecks", "invertHealthcheck", "regions"}),
        "aws:s3/bucketNotification:BucketNotification": frozenset({"queues"}),
    },
}
"""Emulator -> type -> properties that it accepts and then answers wrongly or not at all: a refresh keeps what was declared."""


MISSING: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "ministack": {"aws:route53/zone:Zone": frozenset({"enableAcceleratedRecovery"})},
    "moto": {"aws:route53/zone:Zone": frozenset({"enableAcceleratedRecovery"})},
    "localstack": {"aws:route53/zone:Zone": frozenset({"enableAcceleratedRecovery"})},
}
"""Emulator -> type -> properties for which it has no operation: checked, kept in the state, and not sent."""

UNFINISHED: Final[Mapping[str, frozenset[str]]] = {
    "ministack": frozenset(),
    # A cluster stays CREATING for ever, and GetBootstrapBrokers is missing.
    "moto": frozenset({"aws:msk/cluster:Cluster"}),
    "localstack": frozenset(),
}
"""Emulator -> types that never become ready in it: nobody waits for them, and what only a ready one tells is made up."""


SHARED: Final[Mapping[str, frozenset[str]]] = {
    "ministack": frozenset(),
    # All members of a multi-Region key share one set of aliases: one made in a region is there in all of them.
    "moto": frozenset({"aws:kms/alias:Alias"}),
    "localstack": frozenset(),
}
"""Emulator -> types that it makes elsewhere too: one that exists already and is as declared counts as made."""


def lacking(emulator: str) -> frozenset[str]:
    """The types that the emulator lacks; raises ValueError for an emulator that is none."""
    if emulator not in LACKING:
        raise ValueError(f"no emulator {emulator!r}; known: {', '.join(sorted(LACKING))}")
    return LACKING[emulator]


def unfaithful(emulator: str, token: str) -> frozenset[str]:
    """The properties of a type that the emulator answers wrongly."""
    return UNFAITHFUL[emulator].get(token, frozenset())


def missing(emulator: str, token: str) -> frozenset[str]:
    """The properties of a type for which the emulator has no operation."""
    return MISSING[emulator].get(token, frozenset())


def unfinished(emulator: str, token: str) -> bool:
    """True when the emulator makes the type but never finishes it."""
    return token in UNFINISHED[emulator]


def shared(emulator: str, token: str) -> bool:
    """True when the emulator makes the type in other places too."""
    return token in SHARED[emulator]
