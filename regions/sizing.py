"""What sizing speaks of: what contracts fix, bounds, and the rows of the table. Owns no rule and no number of its own.

The rules are in ``pods`` (workloads) and ``stores`` (databases, caches, brokers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from regions import rates
from regions.catalogue import AZS_PER_REGION
from regions.figures import Figure
from regions.loads import Share

ZONES = AZS_PER_REGION
UTILIZATION_PERCENT = int(100 / rates.HEADROOM.value)
"""What autoscalers aim at, so that the headroom is there before it is needed."""


@dataclass(frozen=True, slots=True)
class Pod:
    """What a workload's contract fixes of one pod."""

    cores: float
    memory: float
    """Bytes."""
    least: int
    """Pods at least, at any load."""
    database: bool
    kafka: bool
    disk: float
    """GiB of a disk of its own."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What the services' contracts fix."""

    pods: Mapping[str, Pod]
    """By workload, in the order of the contract."""
    topics: int
    partitions_per_home: int
    replication: int
    """Copies of a partition."""
    retention_seconds: float
    segment_seconds: float
    rungs: int
    media_prefixes: int
    """Beginnings of keys over which media are spread evenly: S3 counts requests by them."""
    ladder_kbps: float
    """All rungs together."""
    pool: int
    """Connections of a process to one database, at most."""
    token_seconds: float
    """How long an access token lives."""
    scrape_seconds: float
    """Between two samples of a metric."""
    converts: bool
    """Renditions are bought: a pod of the transcoder follows one job at a time and computes next to nothing."""


@dataclass(frozen=True, slots=True)
class Replicas:
    """Bounds of a workload's autoscaler."""

    least: int
    """Carry the load of a lost region with nothing left over, and without starting anything."""
    most: int
    """Carry it with the headroom."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: how a load became a number of units."""

    component: str
    what: str
    load: float
    """Of the whole platform."""
    unit: str
    share: Share
    need: float
    """Of the chosen unit, with share and headroom, before rounding."""
    chosen: str
    margin: float
    """Chosen over need: 1 is none to spare beyond the headroom."""
    figures: tuple[Figure, ...]
    """What it follows from beside the load."""
