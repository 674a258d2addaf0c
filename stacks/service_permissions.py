"""What copies, logs and scales for the platform may do, and the ceiling of every role.

Pure, as ``permissions``. Owns the statements of flow logs, S3 replication, MSK replicators and the event scaler, and the
boundary.
"""

from __future__ import annotations

from types import MappingProxyType

from regions import names
from regions.catalogue import CATALOGUE, Catalogue, Region
from services.contracts.workloads import WORKLOADS
from stacks.permissions import Scope, Statement, converter_statements, workload_statements


def flow_logs(account: str) -> tuple[Statement, ...]:
    """Write the flow logs of any region of the account."""
    group = f"arn:aws:logs:*:{account}:log-group:/{names.PROJECT}/*"
    return (
        Statement(
            "WriteFlowLogs",
            ("logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams", "logs:DescribeLogGroups"),
            (group, f"{group}:*"),
        ),
    )


def bucket_replication(
    source: Region, target: Region, purposes: tuple[str, ...], account: str
) -> tuple[Statement, ...]:
    """Copy the buckets of ``source`` into those of ``target``: open under the one key, seal under the other.

    As https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html and
    replication-config-for-kms-objects.html state it.
    """
    origins = tuple(f"arn:aws:s3:::{names.bucket(source, purpose, account)}" for purpose in purposes)
    copies = tuple(f"arn:aws:s3:::{names.bucket(target, purpose, account)}" for purpose in purposes)
    return (
        Statement("ReadRules", ("s3:GetReplicationConfiguration", "s3:ListBucket"), origins),
        Statement(
            "ReadVersions",
            ("s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"),
            tuple(f"{origin}/*" for origin in origins),
        ),
        Statement(
            "WriteCopies",
            ("s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"),
            tuple(f"{copy}/*" for copy in copies),
        ),
        _bucket_key("OpenSource", source, account, ("kms:Decrypt",)),
        _bucket_key("SealCopy", target, account, ("kms:Encrypt",)),
    )


def _bucket_key(sid: str, region: Region, account: str, actions: tuple[str, ...]) -> Statement:
    return Statement(
        sid,
        actions,
        (f"arn:aws:kms:{region.code}:{account}:key/*",),
        MappingProxyType(
            {
                "ForAnyValue:StringEquals": MappingProxyType(
                    {"kms:ResourceAliases": (names.key_alias(region, "media"),)}
                ),
                "StringEquals": MappingProxyType({"kms:ViaService": (f"s3.{region.code}.amazonaws.com",)}),
            }
        ),
    )


def stream_replication(source: Region, target: Region, account: str) -> tuple[Statement, ...]:
    """Read every topic of ``source``, write its prefixed copy in ``target``, and carry the groups' offsets over.

    As the managed policy AWSMSKReplicatorExecutionRole, narrowed to two clusters.
    """

    def part(region: Region, kind: str, tail: str) -> str:
        return f"arn:aws:kafka:{region.code}:{account}:{kind}/{names.kafka(region)}/*{tail}"

    both = (source, target)
    return (
        Statement(
            "Clusters",
            (
                "kafka-cluster:Connect",
                "kafka-cluster:DescribeCluster",
                "kafka-cluster:AlterCluster",
                "kafka-cluster:WriteDataIdempotently",
            ),
            tuple(part(region, "cluster", "") for region in both),
        ),
        Statement(
            "Topics",
            (
                "kafka-cluster:DescribeTopic",
                "kafka-cluster:CreateTopic",
                "kafka-cluster:AlterTopic",
                "kafka-cluster:WriteData",
                "kafka-cluster:ReadData",
                "kafka-cluster:DescribeTopicDynamicConfiguration",
                "kafka-cluster:AlterTopicDynamicConfiguration",
            ),
            tuple(part(region, "topic", "/*") for region in both),
        ),
        Statement(
            "Groups",
            ("kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"),
            tuple(part(region, "group", "/*") for region in both),
        ),
    )


def queue_depth(region: Region, purpose: str, account: str) -> tuple[Statement, ...]:
    """Ask how many messages one queue holds (https://keda.sh/docs/2.20/scalers/aws-sqs/)."""
    queue = f"arn:aws:sqs:{region.code}:{account}:{names.queue(region, purpose)}"
    return (Statement("QueueDepth", ("sqs:GetQueueAttributes",), (queue,)),)


def boundary(account: str, catalogue: Catalogue = CATALOGUE) -> tuple[Statement, ...]:
    """The most that any role under the workloads' path can ever do: the union of what all of them are given.

    A boundary grants nothing: each role's own statements name the resources, so this one names none.
    """
    actions: set[str] = set()
    for region in catalogue.regions:
        scope = Scope(account=account, region=region, cells=catalogue.regions, converts=True)
        partner = catalogue.partner(region)
        given = (
            *(statement for workload in WORKLOADS for statement in workload_statements(workload, scope)),
            *bucket_replication(region, partner, ("media",), account),
            *stream_replication(region, partner, account),
            *converter_statements(scope),
        )
        actions.update(action for statement in given for action in statement.actions)
    actions.update(action for statement in flow_logs(account) for action in statement.actions)
    return (Statement("Ceiling", tuple(sorted(actions)), ("*",)),)
