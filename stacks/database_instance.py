"""What every PostgreSQL instance of the platform has alike: writers, read replicas, copies in a partner region.

Owns storage type, encryption, privacy, monitoring and what deletion leaves behind. Does not own sizes, sources, backups
or where an instance stands (``database``, ``replication``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

import pulumi

PORT = 5432
LOG_EXPORTS = ("postgresql", "upgrade")


class Common(TypedDict):
    """Arguments of `pulumi_aws.rds.Instance`."""

    storage_type: Literal["gp3"]
    storage_encrypted: bool
    max_allocated_storage: int
    auto_minor_version_upgrade: bool
    port: int
    publicly_accessible: bool
    vpc_security_group_ids: Sequence[pulumi.Input[str]]
    parameter_group_name: pulumi.Input[str]
    ca_cert_identifier: str
    copy_tags_to_snapshot: bool
    deletion_protection: bool
    enabled_cloudwatch_logs_exports: Sequence[pulumi.Input[str]]
    performance_insights_enabled: bool
    performance_insights_kms_key_id: pulumi.Input[str]
    performance_insights_retention_period: int
    monitoring_interval: int
    monitoring_role_arn: pulumi.Input[str]


def common(
    *,
    max_storage: int,
    security_group_id: pulumi.Input[str],
    parameter_group_name: pulumi.Input[str],
    key_arn: pulumi.Input[str],
    monitoring_role_arn: pulumi.Input[str],
    protect: bool,
) -> Common:
    """Private, encrypted under ``key_arn`` and monitored each minute; ``max_storage`` in GiB; ``protect`` from deletion."""
    return Common(
        storage_type="gp3",
        storage_encrypted=True,
        max_allocated_storage=max_storage,
        auto_minor_version_upgrade=False,
        port=PORT,
        publicly_accessible=False,
        vpc_security_group_ids=[security_group_id],
        parameter_group_name=parameter_group_name,
        ca_cert_identifier="rds-ca-rsa2048-g1",
        copy_tags_to_snapshot=True,
        deletion_protection=protect,
        enabled_cloudwatch_logs_exports=list(LOG_EXPORTS),
        performance_insights_enabled=True,
        performance_insights_kms_key_id=key_arn,
        performance_insights_retention_period=7,
        monitoring_interval=60,
        monitoring_role_arn=monitoring_role_arn,
    )
