"""How workloads grow and how they end: autoscaling targets, limits, scratch space, time to drain.

Owns these numbers; all are assumed until measured. Requests are the workload's own (``services.contracts.workloads``),
between how many pods it grows is computed (``sizes``).

Each workload scales on what it runs out of first. Request services run out of CPU, which the metrics server knows.
``realtime`` runs out of sockets, ``counters`` falls behind its log, ``transcoder`` leaves jobs waiting: these are signals
that only an event scaler reads (``event_scaler``), and for them CPU or memory stand beside as a second reason to grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from regions import rates
from regions.cost import quantity
from regions.sizing import UTILIZATION_PERCENT
from services.contracts.events import PACK_EVENTS
from services.contracts.load import CONNECTIONS, LAG
from services.contracts.workloads import BY_NAME, Workload

CPU_BURST = 2
"""Limit of CPU as a multiple of the request."""
CATCH_UP_SECONDS = 10
"""How long a pod of counters may need for what waits for it."""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Messages of the cell's transcode queue, waiting or being worked on."""

    per_pod: int


@dataclass(frozen=True, slots=True)
class Summed:
    """A gauge of ``services.contracts.load``, added up over all pods."""

    gauge: str
    per_pod: int


Signal = QueueDepth | Summed


@dataclass(frozen=True, slots=True)
class Scaling:
    """Targets of one autoscaler."""

    signal: Signal | None = None
    """None: resources alone decide, and an autoscaler of Kubernetes' own suffices."""
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


def _records(seconds: int) -> int:
    """Records that a pod of counters reads in that time."""
    return int(seconds * quantity(BY_NAME["counters"].cpu) * rates.COUNTING.value / PACK_EVENTS)


_SCALING: Mapping[str, Scaling] = MappingProxyType(
    {
        "realtime": Scaling(
            Summed(CONNECTIONS, int(rates.SOCKETS_PER_POD.value / rates.HEADROOM.value)),
            targets=(("memory", 70), ("cpu", UTILIZATION_PERCENT)),
            hold_seconds=900,
        ),
        "counters": Scaling(Summed(LAG, _records(CATCH_UP_SECONDS))),
        # A worker has one job at a time, and its CPU is busy with it or idle.
        "transcoder": Scaling(QueueDepth(1), targets=(), hold_seconds=600),
    }
)
_DRAIN: Mapping[str, int] = MappingProxyType({"realtime": 120, "transcoder": 600, "counters": 60})


def scaling_of(workload: Workload) -> Scaling:
    """How ``workload`` scales."""
    return _SCALING.get(workload.name, Scaling())


def limits_of(workload: Workload) -> Limits:
    """What one pod of ``workload`` may use."""
    default = Limits(cpu=millicores(_millicores(workload.cpu) * CPU_BURST))
    return Limits(
        cpu=default.cpu,
        drain_seconds=_DRAIN.get(workload.name, default.drain_seconds),
    )


def millicores(amount: int) -> str:
    """An amount of CPU as Kubernetes writes it."""
    return f"{amount}m" if amount % 1000 else str(amount // 1000)


def _millicores(text: str) -> int:
    return int(text[:-1]) if text.endswith("m") else int(text) * 1000
