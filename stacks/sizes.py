"""Sizes and counts of a region's parts, as capacity computes them, and how long things are kept.

Owns the times only. Every count, class and size of storage comes from ``regions.capacity``; a stack that states one
itself fails a test.
"""

from __future__ import annotations

from functools import cache

from regions import capacity
from regions.capacity import Sizes
from regions.catalogue import Region
from regions.sizing import Replicas
from services.contracts.demand import contract_of
from services.contracts.workloads import Transcoder

__all__ = ["BACKUP_DAYS", "FLOW_LOG_DAYS", "LOG_DAYS", "Replicas", "Sizes", "sizes_of"]

BACKUP_DAYS = 14
LOG_DAYS = 30
FLOW_LOG_DAYS = 14


@cache
def sizes_of(cell: Region, transcoder: Transcoder = "ffmpeg") -> Sizes:
    """The sizes of ``cell``, whose renditions are made by ``transcoder``. Raises `regions.errors.CatalogueError`."""
    return capacity.plan(cell.name, contract_of(transcoder)).sizes
