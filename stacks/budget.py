"""The budget of a region: what it may cost in a month, and who is told before and after. Owns no price."""

from __future__ import annotations

import pulumi_aws as aws

from regions.names import PROJECT
from stacks.context import CellContext

WARNINGS = (("ACTUAL", 80.0), ("ACTUAL", 100.0), ("FORECASTED", 100.0))
"""Kind and percentage of the limit."""


def region_budget(ctx: CellContext) -> aws.budgets.Budget:
    """The budget of the region's own resources. Budgets are an account-wide service: no region argument."""
    return aws.budgets.Budget(
        "budget",
        name=f"{PROJECT}-{ctx.cell.name}",
        budget_type="COST",
        time_unit="MONTHLY",
        limit_amount=str(ctx.config.budget),
        limit_unit="USD",
        cost_filters=[aws.budgets.BudgetCostFilterArgs(name="Region", values=[ctx.region])],
        notifications=[
            aws.budgets.BudgetNotificationArgs(
                comparison_operator="GREATER_THAN",
                notification_type=kind,
                threshold=percent,
                threshold_type="PERCENTAGE",
                subscriber_email_addresses=[ctx.config.contact],
            )
            for kind, percent in WARNINGS
        ],
        tags=ctx.tags,
        opts=ctx.options(),
    )
