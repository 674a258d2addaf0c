"""Alarms: how one is declared, and the topic through which they reach people.

Owns the form. Which alarms a region has stands in ``observability``, those of copies in ``replication``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pulumi
import pulumi_aws as aws

from regions.names import PROJECT
from stacks.context import CellContext, Context

ABOVE, BELOW = "GreaterThanThreshold", "LessThanThreshold"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One metric and the value beyond which somebody is told. Evaluated each minute."""

    name: str
    means: str
    """What users or operators see when it rings."""
    namespace: str
    metric: str
    threshold: float
    statistic: str = "Average"
    comparison: str = ABOVE
    minutes: int = 5
    """Consecutive minutes beyond the threshold."""
    missing: str = "notBreaching"
    percentile: str | None = None
    """Takes the place of the statistic, for example ``p99``."""
    dimensions: Mapping[str, pulumi.Input[str]] = field(default_factory=lambda: MappingProxyType({}))


class AlarmTopic(pulumi.ComponentResource):
    """Where a region's alarms and budget messages go."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, ctx: CellContext, key_arn: pulumi.Output[str]) -> None:
        super().__init__("meridian:region:AlarmTopic", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        topic_name = f"{PROJECT}-{ctx.cell.name}-alarms"
        topic = aws.sns.Topic(
            name,
            name=topic_name,
            kms_master_key_id=key_arn,
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )
        self.arn = topic.arn
        aws.sns.TopicPolicy(
            name,
            arn=topic.arn,
            policy=topic_policy(f"arn:aws:sns:{ctx.region}:{ctx.account}:{topic_name}", ctx.account, ctx.region),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        aws.sns.TopicSubscription(
            name,
            topic=topic.arn,
            protocol="email",
            endpoint=ctx.config.contact,
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        self.register_outputs({"arn": self.arn})


def topic_policy(topic_arn: str, account: str, region: str | None = None) -> str:
    """Lets alarms and budgets of ``account`` publish, and alert managers of its workspaces in ``region`` if it is given.

    The latter as https://docs.aws.amazon.com/prometheus/latest/userguide/AMP-alertmanager-receiver-AMPpermission.html
    asks, read 2026-11-23, but for the workspace: it is made after the topic, and its id is AWS's choice.
    """
    statements = [
        {
            "Sid": "AlarmsAndBudgets",
            "Effect": "Allow",
            "Principal": {"Service": ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
    ]
    if region is not None:
        statements.append(
            {
                "Sid": "AlertManagers",
                "Effect": "Allow",
                "Principal": {"Service": "aps.amazonaws.com"},
                "Action": ["sns:Publish", "sns:GetTopicAttributes"],
                "Resource": topic_arn,
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnLike": {"aws:SourceArn": f"arn:aws:aps:{region}:{account}:workspace/*"},
                },
            }
        )
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def declare_alarm(
    ctx: Context, resource: str, name: str, alarm: Alarm, topic_arn: pulumi.Input[str]
) -> aws.cloudwatch.MetricAlarm:
    """Declare ``alarm`` in the context's region, which must be its metric's and its topic's."""
    return aws.cloudwatch.MetricAlarm(
        resource,
        name=name,
        alarm_description=alarm.means,
        namespace=alarm.namespace,
        metric_name=alarm.metric,
        dimensions=dict(alarm.dimensions),
        statistic=None if alarm.percentile else alarm.statistic,
        extended_statistic=alarm.percentile,
        comparison_operator=alarm.comparison,
        threshold=alarm.threshold,
        period=60,
        evaluation_periods=alarm.minutes,
        treat_missing_data=alarm.missing,
        alarm_actions=[topic_arn],
        ok_actions=[topic_arn],
        region=ctx.region,
        tags=ctx.tags,
        opts=ctx.options(),
    )


def declare_regional_alarm(
    ctx: CellContext, component: str, alarm: Alarm, topic_arn: pulumi.Input[str]
) -> aws.cloudwatch.MetricAlarm:
    """`declare_alarm` for an alarm of a cell, named by the project, the cell and the alarm."""
    name = f"{PROJECT}-{ctx.cell.name}-{alarm.name}"
    return declare_alarm(ctx, f"{component}-{alarm.name}", name, alarm, topic_arn)
