"""Kafka of a region: an MSK cluster, its configuration, the policy that replicators use, and the topics.

Owns the cluster. Topics, partitions and their laws come from ``services.contracts.topics``; replication to the partner
is in ``links``. Brokers speak TLS with IAM only; private connectivity is on because a replicator in another region
reaches its source through it (https://docs.aws.amazon.com/msk/latest/developerguide/msk-replicator-network-reqs.html).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import names
from regions.addresses import plan
from regions.catalogue import AZS_PER_REGION, CATALOGUE
from services.contracts.topics import REPLICATION_FACTOR, TOPIC_CONFIG, TOPICS, Topic
from stacks.context import CellContext
from stacks.logs import LogSettings, log_group
from stacks.security import Ingress, security_group
from stacks.sizes import Sizes

IAM_PORT = 9098
STORAGE_TARGET_PERCENT = 60.0
"""Brokers' volumes grow from here; one can grow again only after six hours (MSK's documentation)."""
KAFKA_VERSION = "3.9.x.kraft"
"""KRaft from the first day: a cluster cannot leave ZooKeeper in place."""

SERVER_PROPERTIES = {
    "auto.create.topics.enable": "false",
    "default.replication.factor": str(REPLICATION_FACTOR),
    "min.insync.replicas": TOPIC_CONFIG["min.insync.replicas"],
    "unclean.leader.election.enable": TOPIC_CONFIG["unclean.leader.election.enable"],
    "num.partitions": "1",
    "offsets.topic.replication.factor": str(REPLICATION_FACTOR),
    "transaction.state.log.replication.factor": str(REPLICATION_FACTOR),
    "transaction.state.log.min.isr": "2",
}


@dataclass(frozen=True, kw_only=True)
class StreamingArgs:
    """What a cluster is made with."""

    vpc_id: pulumi.Output[str]
    subnet_ids: Sequence[pulumi.Output[str]]
    key_arn: pulumi.Output[str]
    logs: LogSettings
    sizes: Sizes


class Streaming(pulumi.ComponentResource):
    """One region's Kafka."""

    cluster: aws.msk.Cluster
    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, ctx: CellContext, args: StreamingArgs) -> None:
        super().__init__("meridian:region:Streaming", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self.security_group_id = self._create_security_group()
        self.cluster = self._create_cluster(self._create_configuration(), self._create_log_group())
        self._let_storage_grow()
        self._admit_replicators()
        for topic in TOPICS:
            self._create_topic(topic)
        self.register_outputs({"arn": self.cluster.arn})

    def _create_security_group(self) -> pulumi.Output[str]:
        network = plan(self._ctx.cell)
        pods = [
            Ingress(zone_id, f"Pods in {zone_id}", str(block), IAM_PORT)
            for zone_id, block in zip(self._ctx.cell.zone_ids, network.private, strict=True)
        ]
        # A replicator's interfaces are in the data subnets, with this group.
        replicators = [
            Ingress(f"data-{zone_id}", f"Replicators in {zone_id}", str(block), IAM_PORT)
            for zone_id, block in zip(self._ctx.cell.zone_ids, network.data, strict=True)
        ]
        group = security_group(
            self._ctx,
            self._name,
            vpc_id=self._args.vpc_id,
            description="Kafka",
            ingress=[*pods, *replicators],
            egress=[str(network.vpc)],
        )
        return group.id

    def _create_configuration(self) -> aws.msk.Configuration:
        return aws.msk.Configuration(
            self._name,
            name=names.kafka(self._ctx.cell),
            description="Laws of the counters: no unclean election, two copies before an answer",
            kafka_versions=[KAFKA_VERSION],
            server_properties="".join(f"{key}={value}\n" for key, value in SERVER_PROPERTIES.items()),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )

    def _create_log_group(self) -> pulumi.Output[str]:
        return log_group(self._ctx, self._name, f"/aws/msk/{names.kafka(self._ctx.cell)}/broker", self._args.logs).name

    def _create_cluster(
        self, configuration: aws.msk.Configuration, log_group_name: pulumi.Output[str]
    ) -> aws.msk.Cluster:
        msk = aws.msk
        return msk.Cluster(
            self._name,
            cluster_name=names.kafka(self._ctx.cell),
            kafka_version=KAFKA_VERSION,
            number_of_broker_nodes=AZS_PER_REGION * self._args.sizes.brokers_per_zone,
            broker_node_group_info=msk.ClusterBrokerNodeGroupInfoArgs(
                instance_type=self._args.sizes.broker_class,
                client_subnets=list(self._args.subnet_ids),
                security_groups=[self.security_group_id],
                storage_info=msk.ClusterBrokerNodeGroupInfoStorageInfoArgs(
                    ebs_storage_info=msk.ClusterBrokerNodeGroupInfoStorageInfoEbsStorageInfoArgs(
                        volume_size=self._args.sizes.broker_storage
                    )
                ),
                connectivity_info=msk.ClusterBrokerNodeGroupInfoConnectivityInfoArgs(
                    vpc_connectivity=msk.ClusterBrokerNodeGroupInfoConnectivityInfoVpcConnectivityArgs(
                        client_authentication=msk.ClusterBrokerNodeGroupInfoConnectivityInfoVpcConnectivityClientAuthenticationArgs(
                            sasl=msk.ClusterBrokerNodeGroupInfoConnectivityInfoVpcConnectivityClientAuthenticationSaslArgs(
                                iam=True
                            )
                        )
                    )
                ),
            ),
            client_authentication=msk.ClusterClientAuthenticationArgs(
                sasl=msk.ClusterClientAuthenticationSaslArgs(iam=True)
            ),
            encryption_info=msk.ClusterEncryptionInfoArgs(
                encryption_at_rest_kms_key_arn=self._args.key_arn,
                encryption_in_transit=msk.ClusterEncryptionInfoEncryptionInTransitArgs(
                    client_broker="TLS", in_cluster=True
                ),
            ),
            configuration_info=msk.ClusterConfigurationInfoArgs(
                arn=configuration.arn, revision=configuration.latest_revision
            ),
            enhanced_monitoring="PER_TOPIC_PER_BROKER",
            logging_info=msk.ClusterLoggingInfoArgs(
                broker_logs=msk.ClusterLoggingInfoBrokerLogsArgs(
                    cloudwatch_logs=msk.ClusterLoggingInfoBrokerLogsCloudwatchLogsArgs(
                        enabled=True, log_group=log_group_name
                    )
                )
            ),
            region=self._ctx.region,
            tags=self._ctx.tags,
            # Volumes grow by themselves and never shrink: the size here is the one at creation.
            opts=self._ctx.stateful(ignore_changes=["brokerNodeGroupInfo.storageInfo.ebsStorageInfo.volumeSize"]),
        )

    def _let_storage_grow(self) -> None:
        target = aws.appautoscaling.Target(
            self._name,
            service_namespace="kafka",
            resource_id=self.cluster.arn,
            scalable_dimension="kafka:broker-storage:VolumeSize",
            min_capacity=1,
            max_capacity=self._args.sizes.broker_max_storage,
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        aws.appautoscaling.Policy(
            self._name,
            name=f"{names.kafka(self._ctx.cell)}-storage",
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            resource_id=target.resource_id,
            scalable_dimension=target.scalable_dimension,
            target_tracking_scaling_policy_configuration=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                target_value=STORAGE_TARGET_PERCENT,
                disable_scale_in=True,
                predefined_metric_specification=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                    predefined_metric_type="KafkaBrokerStorageUtilization"
                ),
            ),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )

    def _admit_replicators(self) -> None:
        aws.msk.ClusterPolicy(
            self._name,
            cluster_arn=self.cluster.arn,
            policy=self.cluster.arn.apply(replicator_policy),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )

    def _create_topic(self, topic: Topic) -> None:
        aws.msk.Topic(
            f"{self._name}-{topic.name}",
            cluster_arn=self.cluster.arn,
            name=topic.name,
            partition_count=topic.partitions(CATALOGUE.homes),
            replication_factor=REPLICATION_FACTOR,
            configs=topic_config(topic),
            region=self._ctx.region,
            opts=self._ctx.stateful(),
        )


def topic_config(topic: Topic) -> str:
    """The configuration of ``topic`` as MSK takes it: JSON text, all values strings."""
    return json.dumps({**TOPIC_CONFIG, "retention.ms": str(topic.retention_ms)}, sort_keys=True)


def replicator_policy(cluster_arn: str) -> str:
    """What lets MSK's replicators connect to the cluster as their source, as AWS documents it."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Replicators",
                    "Effect": "Allow",
                    "Principal": {"Service": "kafka.amazonaws.com"},
                    "Action": [
                        "kafka:CreateVpcConnection",
                        "kafka:GetBootstrapBrokers",
                        "kafka:DescribeClusterV2",
                    ],
                    "Resource": cluster_arn,
                }
            ],
        }
    )
