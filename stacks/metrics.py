"""Metrics of a region's services: where they are kept, who collects them, what rings, and who is told.

Owns the workspace of the managed Prometheus, its collector, the rules and the alert manager. Does not own the alerts
(``services.contracts.alerts``), the documents' form (``alert_files``) nor the topic (``alarms``).

The collector is AWS's own and runs nowhere in the cluster. It needs the cluster's private endpoint, access entries as
the way of authentication, and subnets of the cluster in two zones: it puts an interface into each
(https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-collector-how-to.html read 2026-11-23). Its interfaces are
in the cluster's own security group, as pods are, and network policies admit them to the port of metrics. Its access
entry is AWS's: made with the collector, and EKS refuses one that anybody else declares for a service-linked role.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions.names import PROJECT
from stacks import alert_files
from stacks.alarms import Alarm, declare_regional_alarm
from stacks.cluster import Cluster
from stacks.context import CellContext


@dataclass(frozen=True, kw_only=True)
class MetricsArgs:
    """What is watched, and who is told."""

    cluster: Cluster
    subnet_ids: tuple[pulumi.Input[str], ...]
    """The cluster's subnets."""
    topic_arn: pulumi.Output[str]
    """Admits ``aps.amazonaws.com``."""


class Metrics(pulumi.ComponentResource):
    """One region's metrics."""

    def __init__(self, name: str, ctx: CellContext, args: MetricsArgs) -> None:
        super().__init__("meridian:region:Metrics", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._workspace = self._create_workspace()
        self._create_collector()
        self._create_rules()
        self._create_alert_manager()
        self._watch_the_watcher()
        self.register_outputs({"workspaceArn": self._workspace.arn})

    def _create_workspace(self) -> aws.amp.Workspace:
        """Sealed with AWS's key: what is in it are numbers of requests and records, and of nobody.

        AWS's guide used to say that managed collectors cannot write to a workspace with a customer's key, and a
        workspace cannot change its key.
        """
        return aws.amp.Workspace(
            self._name,
            alias=f"{PROJECT}-{self._ctx.cell.name}",
            region=self._ctx.region,
            tags=self._ctx.named(self._name),
            opts=self._ctx.options(),
        )

    def _create_collector(self) -> None:
        aws.amp.Scraper(
            self._name,
            alias=f"{PROJECT}-{self._ctx.cell.name}",
            source=aws.amp.ScraperSourceArgs(
                eks=aws.amp.ScraperSourceEksArgs(
                    cluster_arn=self._args.cluster.arn,
                    subnet_ids=list(self._args.subnet_ids),
                    security_group_ids=self._args.cluster.security_group_ids,
                )
            ),
            destination=aws.amp.ScraperDestinationArgs(
                amp=aws.amp.ScraperDestinationAmpArgs(workspace_arn=self._workspace.arn)
            ),
            scrape_configuration=alert_files.scraping(self._ctx.cell.name),
            region=self._ctx.region,
            tags=self._ctx.named(self._name),
            opts=self._ctx.options(),
        )

    def _create_rules(self) -> None:
        aws.amp.RuleGroupNamespace(
            self._name,
            name=PROJECT,
            workspace_id=self._workspace.id,
            data=alert_files.rules(),
            region=self._ctx.region,
            tags=self._ctx.named(self._name),
            opts=self._ctx.options(),
        )

    def _create_alert_manager(self) -> None:
        cell, region = self._ctx.cell.name, self._ctx.region
        aws.amp.AlertManagerDefinition(
            self._name,
            workspace_id=self._workspace.id,
            definition=self._args.topic_arn.apply(lambda arn: alert_files.telling(cell, region, arn)),
            region=region,
            opts=self._ctx.options(),
        )

    def _watch_the_watcher(self) -> None:
        """The alert manager cannot tell that it cannot tell; CloudWatch can."""
        alarm = Alarm(
            name="alerts-untold",
            means="Alerts of the services' metrics do not reach the topic",
            namespace="AWS/Prometheus",
            metric="AlertManagerNotificationsFailed",
            statistic="Sum",
            threshold=0,
            minutes=1,
            dimensions={"Workspace": self._workspace.id},
        )
        declare_regional_alarm(self._ctx, self._name, alarm, self._args.topic_arn)
