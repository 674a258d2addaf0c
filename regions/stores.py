"""Databases, caches, brokers and gateways of a region: classes, counts, storage. Owns the rules that choose them.

Which share sizes which part is ``capacity``; numbers are in ``rates`` and ``machines``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from regions import rates
from regions.errors import CatalogueError
from regions.loads import Loads, Share
from regions.machines import BROKERS, CACHES, DATABASES, GIB, Machine, recommended_partitions
from regions.sizing import ZONES, Contract, Line

STORAGE_STEP = 100
"""GiB: sizes are rounded up to it."""
GP3_STEP = 400
"""GiB: from here gp3 for PostgreSQL has its larger baseline of operations and throughput (RDS user guide, storage)."""
VOLUME_LIMIT = 16_384
"""GiB: the largest volume of a broker (MSK's limits)."""
_MEGA = 1e6


@dataclass(frozen=True, slots=True)
class Database:
    """PostgreSQL of a region. Storage in GiB."""

    machine: Machine
    readers: int
    storage: int
    max_storage: int
    resident_machine: Machine
    resident_storage: int
    resident_max_storage: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Cache:
    """Valkey of a region."""

    machine: Machine
    shards: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Kafka:
    """Kafka of a region. Storage in GiB of each broker."""

    machine: Machine
    brokers: int
    storage: int
    max_storage: int
    lines: tuple[Line, ...]


def database(loads: Loads, share: Share, *, readers: int = ZONES - 1) -> Database:
    """PostgreSQL for the buckets at home: one instance must carry all of it, as the copy does after a promotion.

    ``readers``: replicas at least; by default one in each zone beside the primary's.
    """
    headroom = rates.HEADROOM.value
    stored_bytes = rates.STORED_BYTES.value * loads.viewers
    reads = loads.api_rps * (1 - rates.CACHE_HITS.value)
    commits = loads.api_rps * rates.API_WRITES.value
    rows = rates.COUNTER_ROWS.value * loads.events
    work = (
        ("rows of counters", rows, "rows/s", rates.ROW_WRITES, (rates.COUNTER_ROWS,)),
        ("direct writes", commits, "commits/s", rates.COMMITS, (rates.API_WRITES,)),
        ("reads that miss the cache", reads, "reads/s", rates.POINT_READS, (rates.CACHE_HITS,)),
    )
    cores = sum(load / rate.value for _, load, _, rate, _ in work) * share.value * headroom
    hot = stored_bytes * rates.HOT_PART.value * share.value
    machine = _smallest(DATABASES, "database", lambda one: one.cores >= cores and one.memory >= hot)
    stored = _gib(stored_bytes * share.value * headroom, GP3_STEP)
    resident = _gib(stored_bytes * rates.RESIDENT_PART.value * share.value * headroom, STORAGE_STEP)
    readers = max(readers, ceil(reads * share.value * headroom / rates.POINT_READS.value / machine.cores))
    smaller = DATABASES[max(DATABASES.index(machine) - 1, 0)]
    chosen = f"{machine.name}, {readers} readers"
    lines = [
        Line(
            "database", what, load, unit, share, load * share.value * headroom / rate.value, chosen,
            machine.cores / cores if cores else float("inf"), (rate, *figures, rates.HEADROOM),
        )
        for what, load, unit, rate, figures in work
    ]  # fmt: skip
    lines.append(
        Line(
            "database", "data in memory", stored_bytes * rates.HOT_PART.value, "bytes", share, hot / GIB,
            f"{machine.memory / GIB:.0f} GiB", machine.memory / hot if hot else float("inf"),
            (rates.STORED_BYTES, rates.HOT_PART),
        )
    )  # fmt: skip
    lines.append(
        Line(
            "database", "data stored", stored_bytes, "bytes", share,
            stored_bytes * share.value * headroom / GIB,
            f"{stored} GiB", stored * GIB / (stored_bytes * share.value * headroom) if share.value else float("inf"),
            (rates.STORED_BYTES, rates.HEADROOM),
        )
    )  # fmt: skip
    growth = rates.GROWTH.value
    return Database(
        machine, readers, stored, int(stored * growth), smaller, resident, int(resident * growth), tuple(lines)
    )


def cache(loads: Loads, share: Share, *, shards: int = 3) -> Cache:
    """Valkey: one thread a shard bounds the rate, a node's memory the data.

    ``shards``: at least; by default three, as fewer cannot elect a primary for the one that failed.
    """
    headroom = rates.HEADROOM.value
    checks = loads.api_rps + loads.beacon_rps
    commands = (
        loads.api_rps * rates.COMMANDS_PER_REQUEST.value
        + loads.viewers * rates.VIEWS.value
        + loads.sessions * rates.PRESENCE.value
    )
    work = (
        ("limit checks", checks, "checks/s", rates.SCRIPTED, ()),
        ("objects, claims, presence", commands, "commands/s", rates.COMMANDS,
         (rates.COMMANDS_PER_REQUEST, rates.VIEWS, rates.PRESENCE)),
    )  # fmt: skip
    need = sum(load / rate.value for _, load, _, rate, _ in work) * share.value * headroom
    shards = max(shards, ceil(need))
    cached = rates.CACHED_BYTES.value * loads.sessions
    held = cached * share.value * headroom / rates.CACHE_FILL.value
    machine = _smallest(CACHES, "cache", lambda one: one.memory * shards >= held)
    chosen = f"{shards} shards of {machine.name}"
    lines = [
        Line(
            "cache", what, load, unit, share, load * share.value * headroom / rate.value, chosen, shards / need,
            (rate, *figures, rates.HEADROOM),
        )
        for what, load, unit, rate, figures in work
    ]  # fmt: skip
    lines.append(
        Line(
            "cache", "data held", cached, "bytes", share, held / GIB,
            f"{shards * machine.memory / GIB:.0f} GiB", shards * machine.memory / held,
            (rates.CACHED_BYTES, rates.CACHE_FILL, rates.HEADROOM),
        )
    )  # fmt: skip
    return Cache(machine, shards, tuple(lines))


def kafka(contract: Contract, loads: Loads, share: Share, *, homes: int, sources: int, per_zone: int = 1) -> Kafka:
    """Kafka: one broker a zone while a class is large enough, since partitions do not move to new brokers by themselves.

    ``homes``: cells whose videos have partitions. ``sources``: regions whose topics are copied here. ``per_zone``:
    brokers in a zone at least.
    """
    headroom = rates.HEADROOM.value
    rate = loads.events * rates.EVENT_BYTES.value / _MEGA
    large_in = rate * share.value * headroom / rates.BROKER_IN.value
    large_out = rate * rates.READERS.value * share.value * headroom / rates.BROKER_OUT.value
    large = max(large_in, large_out)
    replicas = contract.topics * contract.partitions_per_home * homes * (1 + sources) * contract.replication
    fitting = [
        one for one in BROKERS
        if one.size * ZONES >= large and replicas / ZONES <= recommended_partitions(one)
    ]  # fmt: skip
    machine = fitting[0] if fitting else BROKERS[-1]
    kept = rate * _MEGA / rates.PEAK_TO_MEAN.value * contract.retention_seconds * contract.replication
    held = kept * share.value * headroom
    per_zone = max(
        per_zone,
        ceil(large / machine.size / ZONES),
        ceil(replicas / ZONES / recommended_partitions(machine)),
        ceil(held / GIB / ZONES / (VOLUME_LIMIT - STORAGE_STEP)),
    )
    brokers = ZONES * per_zone
    most = _gib(held / brokers, STORAGE_STEP)
    # Volumes grow by themselves and never shrink, so they begin small.
    storage = _gib(held / brokers / rates.GROWTH.value, STORAGE_STEP)
    chosen = f"{brokers} x {machine.name}"
    carried = machine.size * brokers
    event = (rates.EVENT_BYTES, rates.HEADROOM)
    lines = (
        Line("kafka", "events in, with copies", rate, "MB/s", share, large_in / machine.size, chosen,
             carried / large_in, (rates.BROKER_IN, *event)),
        Line("kafka", "events out", rate * rates.READERS.value, "MB/s", share, large_out / machine.size, chosen,
             carried / large_out, (rates.BROKER_OUT, rates.READERS, *event)),
        Line("kafka", "retained", kept / GIB, "GiB", share, most, f"{storage}-{most} GiB a broker",
             most * brokers * GIB / held,
             (*event, rates.PEAK_TO_MEAN, rates.GROWTH)),
    )  # fmt: skip
    return Kafka(machine, brokers, storage, most, lines)


def outward(loads: Loads) -> float:
    """Gb/s that leave all VPCs through gateways."""
    return (loads.api_rps + loads.beacon_rps) * rates.NAT_BYTES.value * 8 / 1e9


def nat(loads: Loads, share: Share) -> Line:
    """One gateway a zone, so that a zone needs no other. Raises `CatalogueError` if one does not carry its third."""
    gigabits = outward(loads)
    need = gigabits * share.value * rates.HEADROOM.value / ZONES / rates.NAT_BANDWIDTH.value
    if need > 1:
        raise CatalogueError(
            f"nat: {need:.1f} gateways a zone are needed; declare an endpoint for what is called most (stacks/network.py)"
        )
    return Line(
        "nat", "calls out of the VPC", gigabits, "Gb/s", share, need, "1 a zone", 1 / need,
        (rates.NAT_BYTES, rates.NAT_BANDWIDTH, rates.HEADROOM),
    )  # fmt: skip


def _smallest(machines: Sequence[Machine], what: str, carries: Callable[[Machine], bool]) -> Machine:
    for machine in machines:
        if carries(machine):
            return machine
    raise CatalogueError(
        f"{what}: even {machines[-1].name} is too small; give the region fewer buckets or add a larger class to "
        "regions/machines.py"
    )


def _gib(size: float, step: int) -> int:
    """``size`` bytes in GiB, rounded up to whole steps, at least one."""
    return max(1, ceil(size / GIB / step)) * step
