"""Routing of the API host: the records of ``records``, the health that they stand under, and the operator's switch.

A region's health is one calculated check of two children: the check of its entrance (which the region's stack owns)
and a switch. The switch is a calculated check that nothing can make unhealthy, inverted when an operator drains the
region: Route 53 counts a *disabled* check as healthy, so disabling could never take a region out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions.catalogue import CATALOGUE, EDGE_CODE
from regions.names import PROJECT
from regions.steering import STEERING
from stacks.context import Context
from stacks.exports import RegionExports
from stacks.records import Record, table


@dataclass(frozen=True, kw_only=True)
class ApiRoutingArgs:
    """What routing is made with."""

    zone_id: pulumi.Input[str]
    cells: Mapping[str, RegionExports]
    drained: Collection[str]
    """Regions that an operator has taken out."""
    topic_arn: pulumi.Input[str]
    """Of the topic in us-east-1 that alarms write to."""


class ApiRouting(pulumi.ComponentResource):
    """Health and records of the API host."""

    def __init__(self, name: str, ctx: Context, args: ApiRoutingArgs) -> None:
        super().__init__("meridian:steering:ApiRouting", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self._args = args
        self._checks = {region: self._create_check(region) for region in args.cells}
        self._create_records()
        self._create_alarms()
        self.register_outputs({"checks": {region: check.id for region, check in self._checks.items()}})

    def _create_check(self, region: str) -> aws.route53.HealthCheck:
        entrance = self._args.cells[region].health_check_id
        switch = aws.route53.HealthCheck(
            f"{self._name}-{region}-switch",
            type="CALCULATED",
            child_healthchecks=[entrance],
            child_health_threshold=0,
            invert_healthcheck=region in self._args.drained,
            tags=self._ctx.named(f"{region}-switch"),
            opts=self._ctx.options(),
        )
        return aws.route53.HealthCheck(
            f"{self._name}-{region}",
            type="CALCULATED",
            child_healthchecks=[entrance, switch.id],
            child_health_threshold=2,
            tags=self._ctx.named(region),
            opts=self._ctx.options(),
        )

    def _create_records(self) -> None:
        """A record can only lead to one that exists, so each waits for the records of its target."""
        made: dict[tuple[str, str], list[pulumi.Resource]] = {}
        for record in table(self._ctx.hosts, STEERING, CATALOGUE):
            targets = made.get((record.target, record.type), [])
            made.setdefault((record.name, record.type), []).append(self._create_record(record, targets))

    def _create_record(self, record: Record, targets: list[pulumi.Resource]) -> aws.route53.Record:
        place, role = record.place, record.role
        return aws.route53.Record(
            f"{self._name}-{record.name.removesuffix('.' + self._ctx.config.domain)}-{record.identifier}-{record.type}",
            zone_id=self._args.zone_id,
            name=record.name,
            type=record.type,
            set_identifier=record.identifier,
            aliases=[
                aws.route53.RecordAliasArgs(
                    name=record.target,
                    zone_id=self._args.zone_id,
                    evaluate_target_health=record.follows_health,
                )
            ],
            geolocation_routing_policies=None
            if place is None
            else [
                aws.route53.RecordGeolocationRoutingPolicyArgs(
                    continent=place.continent,
                    country=place.country or (None if place.continent else "*"),
                )
            ],
            failover_routing_policies=None
            if role is None
            else [aws.route53.RecordFailoverRoutingPolicyArgs(type=role.value)],
            health_check_id=None if record.region is None else self._checks[record.region].id,
            opts=self._ctx.options(depends_on=targets),
        )

    def _create_alarms(self) -> None:
        """Metrics of Route 53 are in us-east-1 only, and an alarm's actions must be in its own region."""
        for region, check in self._checks.items():
            aws.cloudwatch.MetricAlarm(
                f"{self._name}-{region}",
                region=EDGE_CODE,
                name=f"{PROJECT}-{region}-out-of-dns",
                alarm_description=f"People of {region} are served by a stand-in: its entrance fails or it is drained",
                namespace="AWS/Route53",
                metric_name="HealthCheckStatus",
                dimensions={"HealthCheckId": check.id},
                statistic="Minimum",
                comparison_operator="LessThanThreshold",
                threshold=1,
                period=60,
                evaluation_periods=2,
                treat_missing_data="breaching",
                alarm_actions=[self._args.topic_arn],
                ok_actions=[self._args.topic_arn],
                tags=self._ctx.tags,
                opts=self._ctx.options(),
            )
