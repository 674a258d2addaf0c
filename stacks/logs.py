"""Log groups: made before the service that writes to them, which would else make its own that never expires.

Owns retention and encryption of log groups. Does not own alarms (``observability``).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from stacks.context import Context


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How a region keeps logs."""

    key_arn: pulumi.Input[str]
    days: int


def log_group(ctx: Context, resource: str, name: str, settings: LogSettings) -> aws.cloudwatch.LogGroup:
    """The log group called ``name``; ``resource`` is its name in the stack."""
    return aws.cloudwatch.LogGroup(
        resource,
        name=name,
        kms_key_id=settings.key_arn,
        retention_in_days=settings.days,
        region=ctx.region,
        tags=ctx.tags,
        opts=ctx.options(),
    )
