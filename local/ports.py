"""The one table of ports of the embedded default, and who holds one that should be free.

Owns every port number. Does not own what listens there (``processes``). All of them are on 127.0.0.1.
Layout from the base B: B+0..99 belong to the installation, B+100*i..B+100*i+99 to the cell with catalogue index i.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import psutil

from regions.catalogue import CATALOGUE, Catalogue
from services.contracts.workloads import WORKLOADS

LOOPBACK = "127.0.0.1"
DEFAULT_BASE = 21_000
SPAN = 100
"""Ports of one cell, and of the installation."""
HIGHEST = 65_535

FRONT, S3, EMULATOR = "front", "s3", "emulator"
PROVIDER_AWS, PROVIDER_KUBERNETES = "provider-aws", "provider-kubernetes"
"""Parts that exist once: the front door, S3 as a browser reaches it, the emulated AWS, the two providers."""
EDGE, EDGE_INTERNAL = "edge", "edge-internal"
"""A cell's nginx: with TLS for browsers, without for the front."""
POSTGRES = ("postgres-primary", "postgres-replica-1", "postgres-replica-2")
POSTGRES_COPY = "postgres-copy"
"""In each cell: the instance there of the partner's database."""
VALKEY = ("valkey-1", "valkey-2")
"""The first is the primary at the start; Sentinel may change that."""
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
KAFKA, KAFKA_CONTROLLER = "kafka", "kafka-controller"

_INSTALLATION: Mapping[str, int] = {FRONT: 0, S3: 1, EMULATOR: 2, PROVIDER_AWS: 3, PROVIDER_KUBERNETES: 4}
_FIRST_WORKLOAD = 10
_SERVERS: Mapping[str, int] = {
    EDGE: 0,
    EDGE_INTERNAL: 1,
    **{part: 60 + i for i, part in enumerate(POSTGRES)},
    POSTGRES_COPY: 60 + len(POSTGRES),
    **{part: 70 + i for i, part in enumerate(VALKEY)},
    **{part: 75 + i for i, part in enumerate(SENTINELS)},
    KAFKA: 80,
    KAFKA_CONTROLLER: 81,
}


class PortsError(Exception):
    """The table cannot be built, or a port is held by somebody else; the message says by whom and what to do."""


def instance_name(workload: str, instance: int, instances: int) -> str:
    """Name of one process of a workload: ``gateway``, or ``realtime-2`` where there are several (from 1)."""
    return workload if instances == 1 else f"{workload}-{instance + 1}"


def workload_parts() -> tuple[str, ...]:
    """Every service process of a cell, in the order of the workloads."""
    return tuple(
        instance_name(workload.name, number, workload.local_instances)
        for workload in WORKLOADS
        for number in range(workload.local_instances)
    )


@dataclass(frozen=True, slots=True)
class Port:
    """One row: ``cell`` is None for what exists once."""

    cell: str | None
    part: str
    number: int

    @property
    def name(self) -> str:
        """For people, for example ``mumbai kafka``."""
        return self.part if self.cell is None else f"{self.cell} {self.part}"


@dataclass(frozen=True, slots=True)
class PortTable:
    """All ports of an installation with some running cells."""

    base: int
    cells: tuple[str, ...]
    ports: tuple[Port, ...]

    def of(self, part: str, cell: str | None = None) -> int:
        """The port of ``part`` of ``cell``. Raises KeyError for what is not in the table."""
        for port in self.ports:
            if port.part == part and port.cell == cell:
                return port.number
        raise KeyError(f"no port for {part!r} of {cell or 'the installation'}")


def table(base: int, cells: Collection[str], catalogue: Catalogue = CATALOGUE) -> PortTable:
    """The table. Raises `PortsError` when it does not fit below port 65536 or above the privileged ones."""
    top = base + SPAN * (max(region.index for region in catalogue.regions) + 1) - 1
    if base < 1024 or top > HIGHEST:
        raise PortsError(
            f"port base {base} does not fit: the table needs ports {base} to {top}; "
            f"choose a base from 1024 to {HIGHEST - (top - base)}"
        )
    names = tuple(region.name for region in catalogue.regions if region.name in cells)
    ports = [Port(None, part, base + slot) for part, slot in _INSTALLATION.items()]
    parts = {**_SERVERS, **{part: _FIRST_WORKLOAD + i for i, part in enumerate(workload_parts())}}
    for name in names:
        first = base + SPAN * catalogue.get(name).index
        ports += [Port(name, part, first + slot) for part, slot in parts.items()]
    return PortTable(base=base, cells=names, ports=tuple(sorted(ports, key=lambda port: port.number)))


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens on one of our ports. ``pid`` is None where the system hides it (another user's)."""

    port: Port
    pid: int | None
    command: str

    def __str__(self) -> str:
        who = f"pid {self.pid} ({self.command})" if self.pid else "a process of another user"
        return f"port {self.port.number} ({self.port.name}) is held by {who}"


def holders(ports: PortTable, ours: Collection[int] = ()) -> tuple[Holder, ...]:
    """Who listens on a port of the table, except the processes in ``ours`` (pids)."""
    wanted = {port.number: port for port in ports.ports}
    found: dict[int, Holder] = {}
    for connection in psutil.net_connections(kind="tcp"):
        if connection.status != psutil.CONN_LISTEN or not connection.laddr or connection.pid in ours:
            continue
        port = wanted.get(connection.laddr.port)
        if port is not None:
            found[port.number] = Holder(port, connection.pid, _command(connection.pid) if connection.pid else "")
    return tuple(found[number] for number in sorted(found))


def free_ports(count: int) -> tuple[int, ...]:
    """Ports that the kernel says are free now, for something that lives for seconds; all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return tuple(each.getsockname()[1] for each in sockets)


def require_free(ports: PortTable, ours: Collection[int] = ()) -> None:
    """Raises `PortsError` that names every taken port, who holds it, and the remedy."""
    taken = holders(ports, ours)
    if taken:
        lines = "\n".join(f"  {holder}" for holder in taken)
        raise PortsError(
            f"{len(taken)} of the ports {ports.base} and up are taken:\n{lines}\n"
            "Stop those processes, or choose another range with MERIDIAN_PORT_BASE."
        )


def _command(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        return " ".join(process.cmdline()[:4]) or process.name()
    except psutil.Error:
        return "gone meanwhile"
