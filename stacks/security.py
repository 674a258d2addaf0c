"""Security groups: one call declares a group with its rules, one resource per rule.

Owns how groups and rules are declared. Which ports are open to whom stands with the component that listens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from stacks.context import Context


@dataclass(frozen=True, slots=True)
class Ingress:
    """Who may reach which TCP ports."""

    name: str
    """Unique in its group; part of the rule's resource name."""
    description: str
    cidr: str
    port: int
    last_port: int | None = None
    """For a range of ports; the same as ``port`` if None."""


def security_group(
    ctx: Context,
    name: str,
    *,
    vpc_id: pulumi.Input[str],
    description: str,
    ingress: Sequence[Ingress],
    egress: Sequence[str] = (),
) -> aws.ec2.SecurityGroup:
    """A group that admits ``ingress`` and lets out TCP to the blocks of ``egress`` only.

    AWS adds an allow-all egress rule to a new group; the provider removes it, so an empty ``egress`` lets nothing out
    (answers to admitted connections always pass).
    """
    group = aws.ec2.SecurityGroup(
        name,
        description=description,
        vpc_id=vpc_id,
        region=ctx.region,
        tags=ctx.named(name),
        opts=ctx.options(),
    )
    for rule in ingress:
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-from-{rule.name}",
            security_group_id=group.id,
            description=rule.description,
            cidr_ipv4=rule.cidr,
            ip_protocol="tcp",
            from_port=rule.port,
            to_port=rule.port if rule.last_port is None else rule.last_port,
            region=ctx.region,
            tags=ctx.tags,
            opts=ctx.options(),
        )
    for number, cidr in enumerate(egress):
        aws.vpc.SecurityGroupEgressRule(
            f"{name}-to-{number}",
            security_group_id=group.id,
            cidr_ipv4=cidr,
            ip_protocol="tcp",
            from_port=0,
            to_port=65535,
            region=ctx.region,
            tags=ctx.tags,
            opts=ctx.options(),
        )
    return group
