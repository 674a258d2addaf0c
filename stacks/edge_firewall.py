"""The firewall in front of CloudFront, with its log. Owns the rules of scope CLOUDFRONT; regions own theirs.

Everything is in us-east-1, where AWS wants it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions.catalogue import EDGE_CODE
from regions.names import PROJECT
from stacks.context import Context

MANAGED_GROUPS = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
)
"""Rule groups that AWS keeps, cheapest first; together 925 of the 1,500 units that the base price includes."""

LOG_RETENTION_DAYS = 90
REDACTED_HEADERS = ("authorization", "cookie")


@dataclass(frozen=True, kw_only=True)
class EdgeFirewallArgs:
    """What differs between deployments."""

    requests_per_window: int
    """Requests that one address may make within `WINDOW_SECONDS` before it is blocked."""


WINDOW_SECONDS = 60


class EdgeFirewall(pulumi.ComponentResource):
    """Web ACL of the distributions."""

    acl: aws.wafv2.WebAcl

    def __init__(self, name: str, ctx: Context, args: EdgeFirewallArgs) -> None:
        super().__init__("meridian:global:EdgeFirewall", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._args = args
        self.acl = self._create_acl()
        self._create_log()
        self.register_outputs({"arn": self.acl.arn})

    def _create_acl(self) -> aws.wafv2.WebAcl:
        return aws.wafv2.WebAcl(
            "edge",
            region=EDGE_CODE,
            scope="CLOUDFRONT",
            description="In front of media and page",
            default_action=aws.wafv2.WebAclDefaultActionArgs(allow=aws.wafv2.WebAclDefaultActionAllowArgs()),
            rules=[self._rate_rule(), *(self._group_rule(i, name) for i, name in enumerate(MANAGED_GROUPS, 1))],
            visibility_config=aws.wafv2.WebAclVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True, metric_name=f"{PROJECT}-edge", sampled_requests_enabled=True
            ),
            tags=self._ctx.named("edge"),
            opts=self._ctx.options(),
        )

    def _rate_rule(self) -> aws.wafv2.WebAclRuleArgs:
        return aws.wafv2.WebAclRuleArgs(
            name="rate",
            priority=0,
            action=aws.wafv2.WebAclRuleActionArgs(block=aws.wafv2.WebAclRuleActionBlockArgs()),
            statement=aws.wafv2.WebAclRuleStatementArgs(
                rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                    aggregate_key_type="IP",
                    evaluation_window_sec=WINDOW_SECONDS,
                    limit=self._args.requests_per_window,
                )
            ),
            visibility_config=_visible("rate"),
        )

    def _group_rule(self, priority: int, name: str) -> aws.wafv2.WebAclRuleArgs:
        return aws.wafv2.WebAclRuleArgs(
            name=name,
            priority=priority,
            override_action=aws.wafv2.WebAclRuleOverrideActionArgs(
                none=aws.wafv2.WebAclRuleOverrideActionNoneArgs()  # type: ignore[no-untyped-call]  # so in the SDK
            ),
            statement=aws.wafv2.WebAclRuleStatementArgs(
                managed_rule_group_statement=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs(
                    name=name, vendor_name="AWS"
                )
            ),
            visibility_config=_visible(name),
        )

    def _create_log(self) -> None:
        """AWS refuses a destination whose name does not begin with ``aws-waf-logs-``."""
        group = aws.cloudwatch.LogGroup(
            "edge",
            region=EDGE_CODE,
            name=f"aws-waf-logs-{PROJECT}-edge",
            retention_in_days=LOG_RETENTION_DAYS,
            tags=self._ctx.named("firewall-log"),
            opts=self._ctx.options(),
        )
        aws.wafv2.WebAclLoggingConfiguration(
            "edge",
            region=EDGE_CODE,
            resource_arn=self.acl.arn,
            log_destination_configs=[group.arn],
            redacted_fields=[
                aws.wafv2.WebAclLoggingConfigurationRedactedFieldArgs(
                    single_header=aws.wafv2.WebAclLoggingConfigurationRedactedFieldSingleHeaderArgs(name=header)
                )
                for header in REDACTED_HEADERS
            ],
            opts=self._ctx.options(),
        )


def _visible(name: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgs:
    return aws.wafv2.WebAclRuleVisibilityConfigArgs(
        cloudwatch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
