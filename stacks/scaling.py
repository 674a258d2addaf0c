"""How workloads grow and how they end: autoscaling targets, limits, scratch space, time to drain.

Owns these numbers; all are assumed until measured. Requests are the workload's own (``services.contracts.workloads``),
between how many pods it grows is computed (``sizes``).

Each workload scales on what it runs out of first. Request services run out of CPU. ``realtime`` holds connections,
which cost memory. ``transcoder`` is busy with FFmpeg or idle, so CPU follows the queue, with the delay of one job.
``counters`` has work in proportion to its records, so CPU follows the lag. Queue depth and consumer lag themselves would be external metrics, and nothing in the cluster
serves those: an autoscaler that names one it cannot read refuses to scale down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from regions.sizing import UTILIZATION_PERCENT
from services.contracts.workloads import Workload

CPU_BURST = 2
"""Limit of CPU as a multiple of the request."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Targets of one autoscaler."""

    targets: tuple[tuple[str, int], ...] = (("cpu", UTILIZATION_PERCENT),)
    """Resource and its average utilization in percent of the request."""
    hold_seconds: int = 300
    """How long a lower need must last before pods are taken away."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds one pod beside its requests."""

    cpu: str
    scratch: str = "256Mi"
    drain_seconds: int = 30
    """Time to finish what has begun."""


_SCALING: Mapping[str, Scaling] = MappingProxyType(
    {
        "realtime": Scaling(targets=(("memory", 70), ("cpu", UTILIZATION_PERCENT)), hold_seconds=900),
        "transcoder": Scaling(targets=(("cpu", 50),), hold_seconds=600),
    }
)
_SCRATCH: Mapping[str, str] = MappingProxyType({"transcoder": "60Gi"})
"""The transcoder holds the upload and every rung of it."""
_DRAIN: Mapping[str, int] = MappingProxyType({"realtime": 120, "transcoder": 600, "counters": 60})


def scaling_of(workload: Workload) -> Scaling:
    """How ``workload`` scales."""
    return _SCALING.get(workload.name, Scaling())


def limits_of(workload: Workload) -> Limits:
    """What one pod of ``workload`` may use."""
    default = Limits(cpu=millicores(_millicores(workload.cpu) * CPU_BURST))
    return Limits(
        cpu=default.cpu,
        scratch=_SCRATCH.get(workload.name, default.scratch),
        drain_seconds=_DRAIN.get(workload.name, default.drain_seconds),
    )


def millicores(amount: int) -> str:
    """An amount of CPU as Kubernetes writes it."""
    return f"{amount}m" if amount % 1000 else str(amount // 1000)


def _millicores(text: str) -> int:
    return int(text[:-1]) if text.endswith("m") else int(text) * 1000
