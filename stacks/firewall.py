"""The web firewall of a region: which requests the public load balancer refuses before a service sees them.

Owns the REGIONAL access list, its association and its log. CloudFront's own list is in ``global``. Limits by user are
the gateway's; the rate here stops what no gateway should have to read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import crowds
from regions.names import PROJECT
from stacks.context import CellContext
from stacks.logs import LogSettings, log_group

RATE_WINDOW_SECONDS = 300

REDACTED_HEADERS = ("authorization", "cookie")


@dataclass(frozen=True, slots=True)
class ManagedRules:
    """A group of rules that AWS maintains."""

    name: str
    count_only: tuple[str, ...] = ()
    """Rules of the group that are counted instead of enforced."""


MANAGED = (
    ManagedRules("AWSManagedRulesAmazonIpReputationList"),
    # Completing an upload names up to 10,000 parts: its body is larger than the 8 KB that the group allows.
    ManagedRules("AWSManagedRulesCommonRuleSet", count_only=("SizeRestrictions_BODY",)),
    ManagedRules("AWSManagedRulesKnownBadInputsRuleSet"),
)


@dataclass(frozen=True, kw_only=True)
class FirewallArgs:
    """What a firewall is made with."""

    balancer_arn: pulumi.Output[str]
    logs: LogSettings


class Firewall(pulumi.ComponentResource):
    """One region's firewall."""

    acl: aws.wafv2.WebAcl

    def __init__(self, name: str, ctx: CellContext, args: FirewallArgs) -> None:
        super().__init__("meridian:region:Firewall", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._name = name
        self.acl = self._create_acl()
        self._attach(args.balancer_arn)
        self._log(args.logs)
        self.register_outputs({"arn": self.acl.arn})

    def _create_acl(self) -> aws.wafv2.WebAcl:
        return aws.wafv2.WebAcl(
            self._name,
            name=f"{PROJECT}-{self._ctx.cell.name}",
            scope="REGIONAL",
            description=f"Public load balancer of {self._ctx.cell.name}",
            default_action=aws.wafv2.WebAclDefaultActionArgs(allow=aws.wafv2.WebAclDefaultActionAllowArgs()),
            rules=[_rate_rule(0), *(_managed_rule(n + 1, group) for n, group in enumerate(MANAGED))],
            visibility_config=aws.wafv2.WebAclVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True,
                metric_name=f"{PROJECT}-{self._ctx.cell.name}",
                sampled_requests_enabled=True,
            ),
            region=self._ctx.region,
            tags=self._ctx.tags,
            opts=self._ctx.options(),
        )

    def _attach(self, balancer_arn: pulumi.Output[str]) -> None:
        aws.wafv2.WebAclAssociation(
            self._name,
            resource_arn=balancer_arn,
            web_acl_arn=self.acl.arn,
            region=self._ctx.region,
            opts=self._ctx.options(),
        )

    def _log(self, settings: LogSettings) -> None:
        # The prefix is required. Our own resource policy, because the one that WAF writes by itself is shared by all
        # its logs and overflows.
        group = log_group(self._ctx, self._name, f"aws-waf-logs-{PROJECT}-{self._ctx.cell.name}", settings)
        policy = aws.cloudwatch.LogResourcePolicy(
            self._name,
            policy_name=f"{PROJECT}-{self._ctx.cell.name}-waf",
            policy_document=log_policy(group_name(self._ctx), self._ctx.region, self._ctx.account),
            region=self._ctx.region,
            opts=self._ctx.options(),
        )
        aws.wafv2.WebAclLoggingConfiguration(
            self._name,
            resource_arn=self.acl.arn,
            log_destination_configs=[group.arn],
            redacted_fields=[
                aws.wafv2.WebAclLoggingConfigurationRedactedFieldArgs(
                    single_header=aws.wafv2.WebAclLoggingConfigurationRedactedFieldSingleHeaderArgs(name=header)
                )
                for header in REDACTED_HEADERS
            ],
            region=self._ctx.region,
            opts=self._ctx.options(depends_on=[policy]),
        )


def group_name(ctx: CellContext) -> str:
    """Name of the firewall's log group."""
    return f"aws-waf-logs-{PROJECT}-{ctx.cell.name}"


def log_policy(group: str, region: str, account: str) -> str:
    """Lets the delivery service of AWS logs write to the log group called ``group``."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "WebFirewallLogs",
                    "Effect": "Allow",
                    "Principal": {"Service": "delivery.logs.amazonaws.com"},
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                    "Resource": f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:*",
                    "Condition": {
                        "StringEquals": {"aws:SourceAccount": account},
                        "ArnLike": {"aws:SourceArn": f"arn:aws:logs:{region}:{account}:*"},
                    },
                }
            ],
        }
    )


def _visibility(name: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgs:
    return aws.wafv2.WebAclRuleVisibilityConfigArgs(
        cloudwatch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )


def _rate_rule(priority: int) -> aws.wafv2.WebAclRuleArgs:
    return aws.wafv2.WebAclRuleArgs(
        name="rate-by-address",
        priority=priority,
        action=aws.wafv2.WebAclRuleActionArgs(block=aws.wafv2.WebAclRuleActionBlockArgs()),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                aggregate_key_type="IP",
                limit=crowds.api_requests(RATE_WINDOW_SECONDS),
                evaluation_window_sec=RATE_WINDOW_SECONDS,
            )
        ),
        visibility_config=_visibility("rate-by-address"),
    )


def _managed_rule(priority: int, group: ManagedRules) -> aws.wafv2.WebAclRuleArgs:
    """A group takes ``override_action`` where a rule takes ``action``."""
    overrides = [
        aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideArgs(
            name=rule,
            action_to_use=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideActionToUseArgs(
                count=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideActionToUseCountArgs()
            ),
        )
        for rule in group.count_only
    ]
    return aws.wafv2.WebAclRuleArgs(
        name=group.name,
        priority=priority,
        override_action=aws.wafv2.WebAclRuleOverrideActionArgs(
            none=aws.wafv2.WebAclRuleOverrideActionNoneArgs()  # type: ignore[no-untyped-call]  # so in the SDK
        ),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            managed_rule_group_statement=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs(
                vendor_name="AWS", name=group.name, rule_action_overrides=overrides or None
            )
        ),
        visibility_config=_visibility(group.name),
    )
