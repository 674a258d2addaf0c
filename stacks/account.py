"""What exists once in the account: the public access block, the roles of AWS services, and the watch over its cost."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from regions import aws_policies
from regions.names import PROJECT
from stacks import service_permissions, trust
from stacks.context import Context
from stacks.permissions import document

WARNING_PERCENT = 80.0
FULL_PERCENT = 100.0


@dataclass(frozen=True, kw_only=True)
class AccountArgs:
    """Who is told about cost, and from where on."""

    boundary_arn: pulumi.Input[str]
    """Permissions boundary of roles that carry the project's own statements."""
    contact: str
    budget: int
    """USD a month."""
    anomaly: int
    """USD of unexpected cost from which a message is sent."""


class Account(pulumi.ComponentResource):
    """The account's own settings."""

    flow_logs_role: aws.iam.Role
    database_monitoring_role: aws.iam.Role

    def __init__(self, name: str, ctx: Context, args: AccountArgs) -> None:
        super().__init__("meridian:global:Account", name, None, ctx.component())
        self._ctx = ctx.within(self)
        self._args = args
        self._create_public_access_block()
        self.flow_logs_role = self._create_flow_logs_role()
        self.database_monitoring_role = self._create_database_monitoring_role()
        self._create_budget()
        self._create_anomaly_watch()
        self.register_outputs({})

    def _create_public_access_block(self) -> None:
        aws.s3.AccountPublicAccessBlock(
            "account",
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._ctx.options(),
        )

    def _create_flow_logs_role(self) -> aws.iam.Role:
        account = self._ctx.account
        role = aws.iam.Role(
            "flow-logs",
            path=trust.WORKLOAD_PATH,
            permissions_boundary=self._args.boundary_arn,
            assume_role_policy=trust.service(
                "vpc-flow-logs.amazonaws.com", account, sources=(f"arn:aws:ec2:*:{account}:vpc-flow-log/*",)
            ),
            description="Lets VPC flow logs write to CloudWatch Logs",
            tags=self._ctx.named("flow-logs"),
            opts=self._ctx.options(),
        )
        aws.iam.RolePolicy(
            "flow-logs",
            role=role.name,
            policy=document(service_permissions.flow_logs(account)),
            opts=self._ctx.options(),
        )
        return role

    def _create_database_monitoring_role(self) -> aws.iam.Role:
        """Trust and policy as https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Monitoring.OS.html has them."""
        role = aws.iam.Role(
            "database-monitoring",
            path=trust.SERVICE_PATH,
            assume_role_policy=trust.service("monitoring.rds.amazonaws.com", self._ctx.account),
            description="Lets RDS publish enhanced monitoring",
            tags=self._ctx.named("database-monitoring"),
            opts=self._ctx.options(),
        )
        aws.iam.RolePolicyAttachment(
            "database-monitoring",
            role=role.name,
            policy_arn=aws_policies.arn(aws_policies.DATABASE_MONITORING),
            opts=self._ctx.options(),
        )
        return role

    def _create_budget(self) -> None:
        def notification(kind: str, percent: float) -> aws.budgets.BudgetNotificationArgs:
            return aws.budgets.BudgetNotificationArgs(
                comparison_operator="GREATER_THAN",
                notification_type=kind,
                threshold=percent,
                threshold_type="PERCENTAGE",
                subscriber_email_addresses=[self._args.contact],
            )

        aws.budgets.Budget(
            "account",
            name=f"{PROJECT}-account",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(self._args.budget),
            limit_unit="USD",
            notifications=[
                notification("ACTUAL", WARNING_PERCENT),
                notification("ACTUAL", FULL_PERCENT),
                notification("FORECASTED", FULL_PERCENT),
            ],
            tags=self._ctx.named("budget"),
            opts=self._ctx.options(),
        )

    def _create_anomaly_watch(self) -> None:
        monitor = aws.costexplorer.AnomalyMonitor(
            "services",
            name=f"{PROJECT}-services",
            monitor_type="DIMENSIONAL",
            monitor_dimension="SERVICE",
            tags=self._ctx.named("anomalies"),
            opts=self._ctx.options(),
        )
        aws.costexplorer.AnomalySubscription(
            "services",
            name=f"{PROJECT}-services",
            frequency="DAILY",
            monitor_arn_lists=[monitor.arn],
            subscribers=[aws.costexplorer.AnomalySubscriptionSubscriberArgs(type="EMAIL", address=self._args.contact)],
            threshold_expression=aws.costexplorer.AnomalySubscriptionThresholdExpressionArgs(
                dimension=aws.costexplorer.AnomalySubscriptionThresholdExpressionDimensionArgs(
                    key="ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                    match_options=["GREATER_THAN_OR_EQUAL"],
                    values=[str(self._args.anomaly)],
                )
            ),
            tags=self._ctx.named("anomalies"),
            opts=self._ctx.options(),
        )
