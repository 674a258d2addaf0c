"""What is watched in a region: what users notice first, then the causes behind it.

Owns the list. How an alarm is declared stands in ``alarms``; log groups stand with what writes to them (``logs``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import names
from stacks.alarms import BELOW, Alarm, declare_regional_alarm
from stacks.context import CellContext

GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class ObservabilityArgs:
    """What is watched."""

    topic_arn: pulumi.Output[str]
    balancer: aws.lb.LoadBalancer
    target_groups: Mapping[str, aws.lb.TargetGroup]
    databases: tuple[tuple[str, aws.rds.Instance], ...]
    cache_nodes: tuple[str, ...]
    brokers: int


class Observability(pulumi.ComponentResource):
    """One region's alarms."""

    def __init__(self, name: str, ctx: CellContext, args: ObservabilityArgs) -> None:
        super().__init__("meridian:region:Observability", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._args = args
        for alarm in (
            *self._entrance(),
            *self._databases(),
            *self._cache(),
            *self._streaming(),
            *self._transcoding(),
        ):
            declare_regional_alarm(self._ctx, name, alarm, args.topic_arn)
        self.register_outputs({})

    def _entrance(self) -> list[Alarm]:
        balancer = {"LoadBalancer": self._args.balancer.arn_suffix}
        alarms = [
            Alarm(
                name="errors",
                means="Users get 5xx answers from the region",
                namespace="AWS/ApplicationELB",
                metric="HTTPCode_ELB_5XX_Count",
                statistic="Sum",
                threshold=100,
                dimensions=balancer,
            ),
            Alarm(
                name="target-errors",
                means="Services answer 5xx to users",
                namespace="AWS/ApplicationELB",
                metric="HTTPCode_Target_5XX_Count",
                statistic="Sum",
                threshold=500,
                dimensions=balancer,
            ),
            Alarm(
                name="latency",
                means="One request in a hundred takes more than a second",
                namespace="AWS/ApplicationELB",
                metric="TargetResponseTime",
                percentile="p99",
                threshold=1,
                # Not of the whole balancer: a realtime client that polls waits for its answer on purpose.
                dimensions={**balancer, "TargetGroup": self._args.target_groups["gateway"].arn_suffix},
            ),
        ]
        for kind, group in self._args.target_groups.items():
            alarms.append(
                Alarm(
                    name=f"{kind}-hosts",
                    means=f"Fewer than two healthy pods of {kind}: the next failure is an outage",
                    namespace="AWS/ApplicationELB",
                    metric="HealthyHostCount",
                    statistic="Minimum",
                    comparison=BELOW,
                    threshold=2,
                    missing="breaching",
                    dimensions={**balancer, "TargetGroup": group.arn_suffix},
                )
            )
        return alarms

    def _databases(self) -> list[Alarm]:
        alarms = []
        for kind, instance in self._args.databases:
            dimensions = {"DBInstanceIdentifier": instance.identifier}
            alarms += [
                Alarm(
                    name=f"database-{kind}-cpu",
                    means="Statements queue for the processor",
                    namespace="AWS/RDS",
                    metric="CPUUtilization",
                    threshold=80,
                    minutes=10,
                    dimensions=dimensions,
                ),
                Alarm(
                    name=f"database-{kind}-storage",
                    means="The disk is nearly full in spite of autoscaling; a full one refuses writes",
                    namespace="AWS/RDS",
                    metric="FreeStorageSpace",
                    comparison=BELOW,
                    threshold=20 * GIB,
                    dimensions=dimensions,
                ),
            ]
            if kind.startswith("replica"):
                alarms.append(
                    Alarm(
                        name=f"database-{kind}-lag",
                        means="Reads of callers who wrote go to the writer, because this replica is behind",
                        namespace="AWS/RDS",
                        metric="ReplicaLag",
                        statistic="Maximum",
                        threshold=10,
                        missing="breaching",
                        dimensions=dimensions,
                    )
                )
        return alarms

    def _cache(self) -> list[Alarm]:
        """For each node, because ElastiCache publishes these metrics by node."""
        alarms = []
        for node in self._args.cache_nodes:
            dimensions = {"CacheClusterId": node}
            short = node.removeprefix(f"{names.cache(self._ctx.cell)}-")
            alarms += [
                Alarm(
                    name=f"cache-{short}-cpu",
                    means="Limits and sessions answer late",
                    namespace="AWS/ElastiCache",
                    metric="EngineCPUUtilization",
                    statistic="Maximum",
                    threshold=80,
                    dimensions=dimensions,
                ),
                Alarm(
                    name=f"cache-{short}-memory",
                    means="Keys are evicted before they expire: limits forget",
                    namespace="AWS/ElastiCache",
                    metric="DatabaseMemoryUsagePercentage",
                    statistic="Maximum",
                    threshold=85,
                    dimensions=dimensions,
                ),
            ]
        return alarms

    def _streaming(self) -> list[Alarm]:
        cluster = {"Cluster Name": names.kafka(self._ctx.cell)}
        disks = [
            Alarm(
                name=f"kafka-disk-{broker}",
                means="Events are refused when a broker's disk is full",
                namespace="AWS/Kafka",
                metric="KafkaDataLogsDiskUsed",
                statistic="Maximum",
                threshold=80,
                missing="breaching",
                dimensions={**cluster, "Broker ID": str(broker)},
            )
            for broker in range(1, self._args.brokers + 1)
        ]
        return [
            Alarm(
                name="kafka-offline",
                means="Events of some videos can be neither written nor counted",
                namespace="AWS/Kafka",
                metric="OfflinePartitionsCount",
                statistic="Maximum",
                threshold=0,
                minutes=2,
                dimensions=cluster,
            ),
            *disks,
        ]

    def _transcoding(self) -> list[Alarm]:
        def queue(purpose: str) -> dict[str, str]:
            return {"QueueName": names.queue(self._ctx.cell, purpose)}

        return [
            Alarm(
                name="transcode-wait",
                means="People wait more than ten minutes for the first rendition",
                namespace="AWS/SQS",
                metric="ApproximateAgeOfOldestMessage",
                statistic="Maximum",
                threshold=600,
                dimensions=queue("transcode"),
            ),
            Alarm(
                name="transcode-dead",
                means="An upload failed for good and waits for a person",
                namespace="AWS/SQS",
                metric="ApproximateNumberOfMessagesVisible",
                statistic="Maximum",
                threshold=0,
                minutes=1,
                dimensions=queue("transcode-dead"),
            ),
        ]
