"""How many pods of each workload a region needs. Owns what each workload has to do and the rules of its bounds.

Rates are in ``rates``; what a pod is and may use comes from the services' contracts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from regions import rates
from regions.errors import CatalogueError
from regions.figures import Figure
from regions.loads import Loads, Share
from regions.sizing import ZONES, Contract, Line, Pod, Replicas


@dataclass(frozen=True, slots=True)
class Workloads:
    """Pods of a region."""

    replicas: Mapping[str, Replicas]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Work:
    """A load that keeps cores busy, or fills pods."""

    what: str
    load: float
    unit: str
    per_core: float | None
    """Units of load a core carries at full use; None: ``per_pod`` holds."""
    per_pod: float | None
    figures: tuple[Figure, ...]


def workloads(contract: Contract, loads: Loads, share: Share, homes: int) -> Workloads:
    """Pods of every workload. What keeps cores busy adds up; what fills a pod stands beside it; the larger counts."""
    replicas: dict[str, Replicas] = {}
    lines: list[Line] = []
    for name, works in _works(contract, loads).items():
        pod = contract.pods[name]
        busy = [work for work in works if work.per_core is not None]
        filling = [work for work in works if work.per_pod is not None]
        cores = sum(work.load / work.per_core for work in busy if work.per_core)
        pods = max([cores / pod.cores, *(work.load / work.per_pod for work in filling if work.per_pod)]) * share.value
        bounds = _bounds(name, pod, pods, _pod_limit(contract, name, homes))
        replicas[name] = bounds
        for work in works:
            alone = work.load * share.value * rates.HEADROOM.value
            need = alone / (work.per_core * pod.cores if work.per_core else work.per_pod or 1)
            lines.append(
                Line(
                    component=name,
                    what=work.what,
                    load=work.load,
                    unit=work.unit,
                    share=share,
                    need=need,
                    chosen=f"{bounds.least}-{bounds.most} pods of {pod.cores:g} vCPU",
                    margin=bounds.most / (pods * rates.HEADROOM.value),
                    figures=(*work.figures, rates.HEADROOM),
                )
            )
    return Workloads(replicas, tuple(lines))


def _works(contract: Contract, loads: Loads) -> Mapping[str, Sequence[_Work]]:
    """What every workload has to do, by name. A workload that nothing is said about is an error of this table."""
    works: dict[str, list[_Work]] = {name: [] for name in contract.pods}

    def busy(name: str, what: str, load: float, unit: str, rate: Figure, *more: Figure) -> None:
        works[name].append(_Work(what, load, unit, rate.value, None, (rate, *more)))

    requests = loads.api_rps + loads.beacon_rps
    busy("gateway", "API requests and beacons", requests, "requests/s", rates.GATEWAY)
    busy("engagement", "beacons", loads.beacon_rps, "beacons/s", rates.ENGAGEMENT)
    for name, part in rates.API_MIX.items():
        rate = rates.CACHED if name in ("catalog", "search", "recommendations") else rates.STORED
        busy(name, "API requests", loads.api_rps * part.value, "requests/s", rate, part)
    busy("counters", "events", loads.events, "events/s", rates.COUNTING)
    deliveries = loads.sessions * rates.DELIVERED.value
    busy("realtime", "deliveries", deliveries, "deliveries/s", rates.DELIVERIES, rates.DELIVERED)
    works["realtime"].append(
        _Work("sockets", loads.sessions, "sockets", None, rates.SOCKETS_PER_POD.value, (rates.SOCKETS_PER_POD,))
    )
    memory = contract.pods["realtime"].memory / 2 / rates.SOCKET_BYTES.value
    works["realtime"].append(_Work("memory of sockets", loads.sessions, "sockets", None, memory, (rates.SOCKET_BYTES,)))
    seconds = loads.source_seconds
    core, pod, rate = (
        (None, rates.CONVERTED.value, rates.CONVERTED)
        if contract.converts
        else (1 / rates.ENCODING.value, None, rates.ENCODING)
    )
    works["transcoder"].append(_Work("uploaded video", seconds, "s/s", core, pod, (rate,)))
    idle = [name for name, found in works.items() if not found]
    if idle:
        raise CatalogueError(f"regions/sizing.py: nothing says what {', '.join(idle)} must carry; add it to _works")
    return works


def _pod_limit(contract: Contract, name: str, homes: int) -> int | None:
    """More pods than partitions of a topic would idle."""
    return contract.partitions_per_home * homes if name == "counters" else None


def _bounds(name: str, pod: Pod, pods: float, limit: int | None) -> Replicas:
    """Bounds for a need of ``pods`` pods: never fewer than the contract says, and the same number in every zone."""
    least = _whole_zones(max(pod.least, pods))
    most = max(_whole_zones(pods * rates.HEADROOM.value), least + ZONES)
    if limit is not None and most > limit:
        most = limit
        if least > limit:
            raise CatalogueError(
                f"{name}: needs {least} pods but a topic has {limit} partitions; make a new version of the topics with "
                "more partitions for each home (services/contracts/topics.py)"
            )
    return Replicas(least, most)


def _whole_zones(number: float) -> int:
    return ceil(number / ZONES) * ZONES
