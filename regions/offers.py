"""What regions offer where CloudFormation's data is silent: zones, and classes of brokers. Owns these facts only.

What that data does say (resource types, database classes, cache nodes, engine versions) is looked up by
``policies/offered.py``. A region that is not here is not judged by these facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ZONES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ap-south-1": ("aps1-az1", "aps1-az2", "aps1-az3"),
        "us-west-2": ("usw2-az1", "usw2-az2", "usw2-az3", "usw2-az4"),
        "eu-central-1": ("euc1-az1", "euc1-az2", "euc1-az3"),
        "ap-southeast-1": ("apse1-az1", "apse1-az2", "apse1-az3"),
        "sa-east-1": ("sae1-az1", "sae1-az2", "sae1-az3"),
    }
)
"""Ids of availability zones by region code. Assumed from AWS's list of regions as remembered, November 2026."""

BROKER_CLASSES: frozenset[str] = frozenset(
    {f"kafka.m7g.{size}" for size in ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")}
    | {f"kafka.m5.{size}" for size in ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge")}
    | {"kafka.m5.24xlarge", "kafka.t3.small"}
)
"""Classes that MSK has (https://docs.aws.amazon.com/msk/latest/developerguide/bestpractices.html read 2026-11-23)."""
