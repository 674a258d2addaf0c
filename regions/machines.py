"""Instance classes that the footprint may use: their memory and what else grows with size. Owns no choice.

Only families that all regions of the catalogue offer (CloudFormation's region data, held by a test). Memory as AWS
lists it in November 2026; ElastiCache states what is usable, RDS and MSK state the machine's.
"""

from __future__ import annotations

from dataclasses import dataclass

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Machine:
    """One class."""

    name: str
    size: float
    """In units of large: twice the size has twice the cores, memory and network."""
    cores: int
    memory: float
    """Bytes."""


def _family(prefix: str, large_gib: float) -> tuple[Machine, ...]:
    sizes = (("large", 1), ("xlarge", 2), ("2xlarge", 4), ("4xlarge", 8), ("8xlarge", 16), ("12xlarge", 24))
    return tuple(Machine(f"{prefix}.{name}", n, 2 * n, n * large_gib * GIB) for name, n in sizes)


DATABASES = _family("db.r8g", 16)
"""Graviton 4, 8 GiB a core. Ascending."""
CACHES = _family("cache.r8g", 13.07)
"""Ascending. xlarge and larger have a little more than in proportion."""
BROKERS = _family("kafka.m7g", 8)
"""Ascending."""


def recommended_partitions(broker: Machine) -> int:
    """Replicas of partitions that AWS recommends for a broker, at most.

    https://docs.aws.amazon.com/msk/latest/developerguide/bestpractices.html read 2026-11-23.
    """
    if broker.size <= 2:
        return 1_000
    return 2_000 if broker.size <= 4 else 4_000
