"""What one stack exports for others, as types: the only place where the names of exported values stand.

Owns the shape of the output ``exports`` of every stack and how it is written and read. Does not own the output
``settings`` (``services.contracts.settings``), which services read.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self

import pulumi

OUTPUT = "exports"
"""Name of the stack output that holds an `Exports` as a mapping."""


@dataclass(frozen=True, kw_only=True)
class Exports:
    """Base: each field is one exported value. A list is an output of a list."""

    def write(self) -> None:
        """Export every field of this stack."""
        pulumi.export(OUTPUT, {item.name: getattr(self, item.name) for item in fields(self)})

    @classmethod
    def read(cls, stack: str, reference: pulumi.StackReference) -> Self:
        """The exports of ``stack``. While it is not deployed its values are unknown in a preview and an error else."""
        whole = reference.get_output(OUTPUT)
        return cls(**{item.name: _value(stack, whole, item.name) for item in fields(cls)})


def _value(stack: str, whole: pulumi.Output[Any], name: str) -> pulumi.Output[Any]:
    def pick(mapping: dict[str, Any] | None) -> pulumi.Output[Any]:
        if mapping is not None and mapping.get(name) is not None:
            return pulumi.Output.from_input(mapping[name])
        if pulumi.runtime.is_dry_run():
            return _unknown()
        raise pulumi.RunError(
            f"stack {stack} exports no {name!r}, which this stack needs: deploy {stack} first (`pulumi up -s {stack}`)"
        )

    return whole.apply(pick)


def _unknown() -> pulumi.Output[Any]:
    """A value that only a deployment can tell, as the SDK represents it in a preview."""

    async def value() -> None:
        return None

    async def known() -> bool:
        return False

    return pulumi.Output(set(), value(), known())


@dataclass(frozen=True, kw_only=True)
class GlobalExports(Exports):
    """Of the stack ``global``."""

    zone_id: pulumi.Output[str]
    """The public Route 53 zone of the domain."""
    token_key_arn: pulumi.Output[str]
    """The primary of the multi-Region token key, in ``regions.catalogue.HOME_CODE``."""
    flow_logs_role_arn: pulumi.Output[str]
    """Lets VPC flow logs write to CloudWatch Logs."""
    database_monitoring_role_arn: pulumi.Output[str]
    """Lets RDS publish enhanced monitoring."""
    boundary_arn: pulumi.Output[str]
    """Permissions boundary that every role under ``stacks.trust.WORKLOAD_PATH`` carries."""
    deploy_role_arn: pulumi.Output[str]
    preview_role_arn: pulumi.Output[str]
    """Roles of the pipelines."""
    certificate_arn: pulumi.Output[str]
    """Certificate of the domain and its wildcard in us-east-1, for CloudFront."""
    firewall_arn: pulumi.Output[str]
    """Web ACL of scope CLOUDFRONT."""
    key_group_ids: pulumi.Output[list[str]]
    """The key group that media distributions trust; empty while playback is unsigned."""
    playback_keys: pulumi.Output[dict[str, str]]
    """Ids of the keys of that group by fingerprint (``services.contracts.playback``)."""


@dataclass(frozen=True, kw_only=True)
class RegionExports(Exports):
    """Of a region's stack: what links, steering and the operator need beside ``settings``."""

    vpc_id: pulumi.Output[str]
    route_table_ids: pulumi.Output[list[str]]
    """Private and data route tables: each gets a route to the peer."""
    database_arn: pulumi.Output[str]
    """The region's own instance, source of the partner's copy unless that one was promoted."""
    database_address: pulumi.Output[str]
    database_subnet_group: pulumi.Output[str]
    database_security_group_id: pulumi.Output[str]
    database_parameter_group: pulumi.Output[str]
    database_key_arn: pulumi.Output[str]
    kafka_arn: pulumi.Output[str]
    kafka_subnet_ids: pulumi.Output[list[str]]
    kafka_security_group_id: pulumi.Output[str]
    uploads_bucket: pulumi.Output[str]
    uploads_bucket_arn: pulumi.Output[str]
    media_bucket: pulumi.Output[str]
    media_bucket_arn: pulumi.Output[str]
    media_bucket_domain: pulumi.Output[str]
    """Regional domain name, as a CDN's origin."""
    page_bucket: pulumi.Output[str]
    page_bucket_arn: pulumi.Output[str]
    page_bucket_domain: pulumi.Output[str]
    logs_key_arn: pulumi.Output[str]
    """Key of the log groups."""
    media_key_arn: pulumi.Output[str]
    """Key of the buckets."""
    alarm_topic_arn: pulumi.Output[str]
    balancer_arn: pulumi.Output[str]
    balancer_dns_name: pulumi.Output[str]
    balancer_zone_id: pulumi.Output[str]
    health_check_id: pulumi.Output[str]
    """Route 53 health check of what the gateway says of its cell, through its load balancer."""


@dataclass(frozen=True, kw_only=True)
class LinkExports(Exports):
    """Of a stack between two regions."""

    peering_id: pulumi.Output[str]
    database_copies: pulumi.Output[dict[str, str]]
    """Address of each cross-region replica by its identifier (``regions.names.database_copy``)."""
