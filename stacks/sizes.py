"""Sizes and counts of a region's parts: what capacity computes from the loads and from the services' contracts.

Owns how long things are kept, and the translation of the contracts into what ``regions.capacity`` takes. Every count,
class and size of storage comes out of it; a stack that states one itself fails a test.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

from regions import capacity
from regions.capacity import Sizes
from regions.catalogue import Region
from regions.cost import quantity
from regions.sizing import Contract, Pod, Replicas
from services.contracts.ladder import LADDER, SEGMENT_SECONDS
from services.contracts.topics import PARTITIONS_PER_HOME, REPLICATION_FACTOR, TOPICS
from services.contracts.workloads import WORKLOADS, Access

__all__ = ["BACKUP_DAYS", "CONTRACT", "FLOW_LOG_DAYS", "LOG_DAYS", "Replicas", "Sizes", "sizes_of"]

BACKUP_DAYS = 14
LOG_DAYS = 30
FLOW_LOG_DAYS = 14
POOL = 8
"""Connections of one process to one database, at most (``services.common.database``)."""
_KAFKA = frozenset({Access.KAFKA_READ, Access.KAFKA_WRITE})

CONTRACT = Contract(
    pods=MappingProxyType(
        {
            workload.name: Pod(
                cores=quantity(workload.cpu),
                memory=quantity(workload.memory),
                least=workload.min_replicas,
                database=Access.DATABASE in workload.access,
                kafka=bool(_KAFKA & set(workload.access)),
            )
            for workload in WORKLOADS
        }
    ),
    topics=len(TOPICS),
    partitions_per_home=PARTITIONS_PER_HOME,
    replication=REPLICATION_FACTOR,
    retention_seconds=max(topic.retention_ms for topic in TOPICS) / 1_000,
    segment_seconds=SEGMENT_SECONDS,
    rungs=len(LADDER),
    ladder_kbps=sum(rung.kbps for rung in LADDER),
    pool=POOL,
)
"""What the services fix, for ``regions.capacity``."""


@cache
def sizes_of(cell: Region) -> Sizes:
    """The sizes of ``cell``. Raises `regions.errors.CatalogueError`."""
    return capacity.plan(cell.name, CONTRACT).sizes
