"""What the services fix of capacity: pods, topics, the ladder, pools. For ``regions.capacity``, which knows no service.

Owns the translation only; every number stands in the contract that it comes from.
"""

from __future__ import annotations

from types import MappingProxyType

from regions.cost import quantity
from regions.sizing import Contract, Pod
from services.contracts.alerts import SCRAPE_SECONDS
from services.contracts.ladder import LADDER, SEGMENT_SECONDS
from services.contracts.media import MEDIA_PREFIXES
from services.contracts.settings import TokenSettings
from services.contracts.topics import PARTITIONS_PER_HOME, REPLICATION_FACTOR, TOPICS
from services.contracts.workloads import Access, Transcoder, workloads

POOL = 8
"""Connections of one process to one database, at most (``services.common.database``)."""
_KAFKA = frozenset({Access.KAFKA_READ, Access.KAFKA_WRITE})


def contract_of(transcoder: Transcoder) -> Contract:
    """What the services of a cell fix whose renditions are made by ``transcoder``."""
    return Contract(
        pods=MappingProxyType(
            {
                workload.name: Pod(
                    cores=quantity(workload.cpu),
                    memory=quantity(workload.memory),
                    least=workload.min_replicas,
                    database=Access.DATABASE in workload.access,
                    kafka=bool(_KAFKA & set(workload.access)),
                    disk=workload.disk,
                )
                for workload in workloads(transcoder)
            }
        ),
        topics=len(TOPICS),
        partitions_per_home=PARTITIONS_PER_HOME,
        replication=REPLICATION_FACTOR,
        retention_seconds=max(topic.retention_ms for topic in TOPICS) / 1_000,
        segment_seconds=SEGMENT_SECONDS,
        rungs=len(LADDER),
        media_prefixes=MEDIA_PREFIXES,
        ladder_kbps=sum(rung.kbps for rung in LADDER),
        pool=POOL,
        token_seconds=TokenSettings.model_fields["access_seconds"].default,
        scrape_seconds=SCRAPE_SECONDS,
        converts=transcoder == "mediaconvert",
    )


CONTRACT = contract_of("ffmpeg")
"""What the services fix by default."""
