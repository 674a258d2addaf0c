"""Copies of one region in its partner: database, buckets, event streams, backups, and the alarms on their lag.

One component is one direction. Owns the copies and what makes them, and the name under which the source's database is
written, which follows the recorded promotions (``regions.writers``). Does not own the sources (the region's stack), and
never touches the instance for residency-bound data, of which no copy leaves its region.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import names
from regions.catalogue import Region
from regions.writers import Seats
from services.contracts.topics import TOPICS
from stacks import service_permissions, trust
from stacks.alarms import Alarm, declare_alarm
from stacks.context import Context
from stacks.database_instance import LOG_EXPORTS, common
from stacks.exports import GlobalExports, RegionExports
from stacks.logs import LogSettings, log_group
from stacks.permissions import Statement, document
from stacks.sizes import BACKUP_DAYS, LOG_DAYS, Sizes

REPLICATED_BUCKETS = ("uploads", "media")
"""Uploads cannot be made again, renditions are costly to; the page is deployed to every region."""
RECORD_SECONDS = 60
"""How long a resolver may keep where a database is written: after a promotion nobody writes the fork for longer."""
REPLICATION_MINUTES = 15
"""What S3 commits to with replication time control; AWS allows no other value."""


@dataclass(frozen=True, kw_only=True)
class ReplicationArgs:
    """One direction."""

    source: Region
    target: Region
    of_source: RegionExports
    of_target: RegionExports
    shared: GlobalExports
    sizes: Sizes
    """The source's: its copy must carry all of it after a promotion."""
    seats: Seats
    """Who writes the source's database, and which instance follows."""


class Replication(pulumi.ComponentResource):
    """Everything of ``source`` that ``target`` holds a copy of."""

    database: aws.rds.Instance

    def __init__(self, name: str, ctx: Context, args: ReplicationArgs) -> None:
        super().__init__("meridian:links:Replication", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._seats = args.seats
        self.database = self._copy_database()
        self._create_writer_record()
        self._watch_database()
        self._copy_backups()
        self._copy_buckets()
        self._copy_streams()
        self.register_outputs({"databaseAddress": self.database.address})

    def _copy_database(self) -> aws.rds.Instance:
        """Under a key of its own region. Name, user and password come from the source; backups make it promotable.

        One that was promoted only lost its source: it stays the same resource, and nothing of it is replaced.
        """
        source, target, of_target = self._args.source, self._args.target, self._args.of_target
        built = self._seats.built_in(target.name)
        identifier = names.database_copy(source, target, built)
        replica = self._seats.replica(target.name)
        # The writer of its buckets leaves a snapshot, as every primary does; RDS takes none of a replica.
        snapshot = self._ctx.protect and not replica
        logs = LogSettings(key_arn=of_target.logs_key_arn, days=LOG_DAYS)
        groups = [
            log_group(self._ctx.at(target.code), f"{self._name}-{kind}", f"/aws/rds/instance/{identifier}/{kind}", logs)
            for kind in LOG_EXPORTS
        ]
        return aws.rds.Instance(
            f"{self._name}-database" if built == 1 else f"{self._name}-database-t{built}",
            region=target.code,
            identifier=identifier,
            replicate_source_db=self._args.of_source.database_arn if replica else None,
            instance_class=self._args.sizes.database_class,
            multi_az=True,
            kms_key_id=of_target.database_key_arn,
            db_subnet_group_name=of_target.database_subnet_group,
            backup_retention_period=BACKUP_DAYS,
            delete_automated_backups=not self._ctx.protect,
            skip_final_snapshot=not snapshot,
            final_snapshot_identifier=f"{identifier}-final" if snapshot else None,
            tags=self._ctx.named(f"database-{source.name}-in-{target.name}"),
            **common(
                max_storage=self._args.sizes.database_max_storage,
                security_group_id=of_target.database_security_group_id,
                parameter_group_name=of_target.database_parameter_group,
                key_arn=of_target.database_key_arn,
                monitoring_role_arn=self._args.shared.database_monitoring_role_arn,
                protect=self._ctx.protect,
            ),
            opts=self._ctx.stateful(depends_on=groups),
        )

    def _create_writer_record(self) -> None:
        """A private address under a public name: it leads nowhere from outside the peered networks."""
        source = self._args.source
        promoted = self._seats.writer != source.name
        aws.route53.Record(
            f"{self._name}-writer",
            zone_id=self._args.shared.zone_id,
            name=self._ctx.hosts.writer(source),
            type="CNAME",
            ttl=RECORD_SECONDS,
            records=[self.database.address if promoted else self._args.of_source.database_address],
            opts=self._ctx.options(),
        )

    def _watch_database(self) -> None:
        """Whichever of the two follows the other; after a promotion neither does until the lost one was built anew."""
        source, target = self._args.source, self._args.target
        if self._seats.replica(target.name):
            identifier = names.database_copy(source, target, self._seats.built_in(target.name))
            where, of = target, self._args.of_target
        elif self._seats.replica(source.name):
            identifier = names.database(source, self._seats.built_in(source.name))
            where, of = source, self._args.of_source
        else:
            return
        self._alarm(
            Alarm(
                name="database",
                means=f"The copy of {source.name}'s database in {where.name} lags: a promotion would lose that much",
                namespace="AWS/RDS",
                metric="ReplicaLag",
                threshold=60,
                statistic="Maximum",
                missing="breaching",
                dimensions={"DBInstanceIdentifier": identifier},
            ),
            where,
            of,
        )

    def _copy_backups(self) -> None:
        """The writer's own backups in the other region: any second of the last days, even without the writer."""
        swapped = self._seats.replica(self._args.source.name)
        where, of = (self._args.source, self._args.of_source) if swapped else (self._args.target, self._args.of_target)
        aws.rds.InstanceAutomatedBackupsReplication(
            f"{self._name}-backups",
            region=where.code,
            source_db_instance_arn=self.database.arn if swapped else self._args.of_source.database_arn,
            kms_key_id=of.database_key_arn,
            retention_period=BACKUP_DAYS,
            opts=self._ctx.stateful(),
        )

    def _copy_buckets(self) -> None:
        source, target, account = self._args.source, self._args.target, self._ctx.account
        role_arn = self._create_role(
            "buckets",
            trust.bucket_replication(),
            service_permissions.bucket_replication(source, target, REPLICATED_BUCKETS, account),
        )
        for purpose in REPLICATED_BUCKETS:
            bucket, copy = names.bucket(source, purpose, account), names.bucket(target, purpose, account)
            self._copy_bucket(purpose, bucket, copy, role_arn)

    def _copy_bucket(self, purpose: str, bucket: str, copy: str, role_arn: pulumi.Output[str]) -> None:
        rule = f"to-{self._args.target.name}"
        time = aws.s3.BucketReplicationConfigRuleDestinationReplicationTimeTimeArgs(minutes=REPLICATION_MINUTES)
        threshold = aws.s3.BucketReplicationConfigRuleDestinationMetricsEventThresholdArgs(minutes=REPLICATION_MINUTES)
        criteria = aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs(
            sse_kms_encrypted_objects=aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs(
                status="Enabled"
            ),
            # Both directions exist, so a change of a copy's tags finds its way back.
            replica_modifications=aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaReplicaModificationsArgs(
                status="Enabled"
            ),
        )
        destination = aws.s3.BucketReplicationConfigRuleDestinationArgs(
            bucket=f"arn:aws:s3:::{copy}",
            storage_class="STANDARD",
            encryption_configuration=aws.s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs(
                replica_kms_key_id=self._args.of_target.media_key_arn
            ),
            replication_time=aws.s3.BucketReplicationConfigRuleDestinationReplicationTimeArgs(
                status="Enabled", time=time
            ),
            metrics=aws.s3.BucketReplicationConfigRuleDestinationMetricsArgs(
                status="Enabled", event_threshold=threshold
            ),
        )
        aws.s3.BucketReplicationConfig(
            f"{self._name}-{purpose}",
            region=self._args.source.code,
            bucket=bucket,
            role=role_arn,
            rules=[
                aws.s3.BucketReplicationConfigRuleArgs(
                    id=rule,
                    priority=1,
                    status="Enabled",
                    filter=aws.s3.BucketReplicationConfigRuleFilterArgs(prefix=""),
                    delete_marker_replication=aws.s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs(
                        status="Enabled"
                    ),
                    source_selection_criteria=criteria,
                    destination=destination,
                )
            ],
            opts=self._ctx.options(),
        )
        self._alarm(
            Alarm(
                name=purpose,
                means=f"Objects of {bucket} reach {self._args.target.name} late",
                namespace="AWS/S3",
                metric="ReplicationLatency",
                threshold=REPLICATION_MINUTES * 60,
                statistic="Maximum",
                minutes=15,
                dimensions={"SourceBucket": bucket, "DestinationBucket": copy, "RuleId": rule},
            ),
            # Latency is published where the copy is (https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html).
            self._args.target,
            self._args.of_target,
        )

    def _copy_streams(self) -> None:
        """From the first record on, under prefixed names: a copy is never mistaken for the original, nor copied back."""
        source, target, account = self._args.source, self._args.target, self._ctx.account
        of_source, of_target = self._args.of_source, self._args.of_target
        replicator = f"{names.PROJECT}-{source.name}-to-{target.name}"
        role_arn = self._create_role(
            "streams",
            trust.service("kafka.amazonaws.com", account),
            service_permissions.stream_replication(source, target, account),
        )
        topics = aws.msk.ReplicatorReplicationInfoListTopicReplicationArgs(
            topics_to_replicates=[re.escape(topic.name) for topic in TOPICS],
            copy_topic_configurations=True,
            copy_access_control_lists_for_topics=False,
            detect_and_copy_new_topics=True,
            starting_position=aws.msk.ReplicatorReplicationInfoListTopicReplicationStartingPositionArgs(
                type="EARLIEST"
            ),
            topic_name_configuration=aws.msk.ReplicatorReplicationInfoListTopicReplicationTopicNameConfigurationArgs(
                type="PREFIXED_WITH_SOURCE_CLUSTER_ALIAS"
            ),
        )
        # Consumers keep their positions in the database beside the counts, so groups are copied only to be looked at.
        groups = aws.msk.ReplicatorReplicationInfoListConsumerGroupReplicationArgs(
            consumer_groups_to_replicates=[".*"],
            detect_and_copy_new_consumer_groups=True,
            synchronise_consumer_group_offsets=False,
        )
        aws.msk.Replicator(
            f"{self._name}-streams",
            region=target.code,
            replicator_name=replicator,
            description=f"Events of {source.title} in {target.title}",
            service_execution_role_arn=role_arn,
            kafka_clusters=[_cluster(of_source, with_groups=False), _cluster(of_target, with_groups=True)],
            replication_info_list=aws.msk.ReplicatorReplicationInfoListArgs(
                source_kafka_cluster_arn=of_source.kafka_arn,
                target_kafka_cluster_arn=of_target.kafka_arn,
                target_compression_type="NONE",
                topic_replications=[topics],
                consumer_group_replications=[groups],
            ),
            tags=self._ctx.named(f"streams-{source.name}-to-{target.name}"),
            opts=self._ctx.stateful(),
        )
        self._alarm(
            Alarm(
                name="streams",
                means=f"Events of {source.name} reach {target.name} late",
                namespace="AWS/Kafka",
                metric="ReplicationLatency",
                threshold=60_000,
                statistic="Maximum",
                dimensions={"ReplicatorName": replicator},
            ),
            target,
            of_target,
        )

    def _create_role(self, kind: str, trusted: str, statements: tuple[Statement, ...]) -> pulumi.Output[str]:
        role = aws.iam.Role(
            f"{self._name}-{kind}",
            path=trust.WORKLOAD_PATH,
            description=f"Copies {kind} of {self._args.source.title} to {self._args.target.title}",
            assume_role_policy=trusted,
            permissions_boundary=self._args.shared.boundary_arn,
            tags=self._ctx.named(f"{kind}-{self._args.source.name}"),
            opts=self._ctx.options(),
        )
        policy = aws.iam.RolePolicy(
            f"{self._name}-{kind}", role=role.name, policy=document(statements), opts=self._ctx.options()
        )
        # Whoever uses the role waits for its policy, which the replicator tries as soon as it exists.
        return pulumi.Output.all(role.arn, policy.id).apply(lambda parts: str(parts[0]))

    def _alarm(self, alarm: Alarm, where: Region, exports: RegionExports) -> None:
        """In the region of the metric, to that region's people."""
        route = f"{self._args.source.name}-to-{self._args.target.name}"
        declare_alarm(
            self._ctx.at(where.code),
            f"{self._name}-{alarm.name}-lag",
            f"{names.PROJECT}-{route}-{alarm.name}-lag",
            alarm,
            exports.alarm_topic_arn,
        )


def _cluster(exports: RegionExports, *, with_groups: bool) -> aws.msk.ReplicatorKafkaClusterArgs:
    """A cluster as the replicator reaches it: its own region's subnets; security groups only at the target.

    https://docs.aws.amazon.com/msk/latest/developerguide/msk-replicator-network-reqs.html
    """
    return aws.msk.ReplicatorKafkaClusterArgs(
        amazon_msk_cluster=aws.msk.ReplicatorKafkaClusterAmazonMskClusterArgs(msk_cluster_arn=exports.kafka_arn),
        vpc_config=aws.msk.ReplicatorKafkaClusterVpcConfigArgs(
            subnet_ids=exports.kafka_subnet_ids,
            security_groups_ids=[exports.kafka_security_group_id] if with_groups else None,
        ),
    )
