"""Sizes and counts of a region's parts, as data. Owns numbers only.

Assumed values for a first deployment, the same in every region; they follow from no measurement yet.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sizes:
    """One region's sizes. Storage in GiB, times in days unless the name says otherwise."""

    database_class: str = "db.r8g.xlarge"
    """r8g is offered for PostgreSQL in all four regions (CloudFormation region data)."""
    database_storage: int = 400
    """gp3 for PostgreSQL takes its larger baseline of IOPS and throughput from 400 GiB."""
    database_max_storage: int = 4_000
    database_replicas: int = 2
    resident_class: str = "db.r8g.large"
    resident_storage: int = 100
    resident_max_storage: int = 1_000
    cache_node: str = "cache.r8g.large"
    cache_shards: int = 3
    cache_replicas: int = 2
    """Per shard, so that each shard has a node in every zone."""
    broker_class: str = "kafka.m7g.xlarge"
    brokers_per_zone: int = 1
    broker_storage: int = 1_000
    broker_max_storage: int = 8_000
    backup_days: int = 14
    log_days: int = 30
    flow_log_days: int = 14


SIZES = Sizes()
