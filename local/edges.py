"""The edges of this installation: which cells, ports, files and buckets go into nginx's configurations.

Owns the step from settings and ports to programs. Does not own the configurations (``edge``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from edge import certificates, geo, render
from edge.render import Address, CellEdge, Embedded, Front, MediaOrigin, Tls
from local.dataplane import urls
from local.ports import EDGE, EDGE_INTERNAL, EMULATOR, FRONT, LOOPBACK, S3, PortTable, instance_name
from local.processes import http_probe, nginx
from local.processes.program import Program
from regions.catalogue import CATALOGUE
from services.contracts.health import READY_PATH
from services.contracts.settings import CellSettings, HostSettings
from services.contracts.workloads import BY_NAME

FRONT_ADDRESS = "127.0.0.2"
"""Of this machine too; only the front calls from it, so only what comes from it is believed about the caller."""


def tls(home: Path) -> Tls:
    """This installation's certificate, made if need be."""
    files = certificates.ensure(home / "tls")
    return Tls(files.chain, files.key)


def cell_program(cell: str, ports: PortTable, cells: Mapping[str, CellSettings], page: Path, home: Path) -> Program:
    """The edge of one running cell."""
    certificate = tls(home)
    others = [name for name in geo.geography(ports.cells).chains[cell] if name != cell]
    configuration = render.cell(
        CellEdge(
            cell=cell,
            listen=f"{LOOPBACK}:{ports.of(EDGE_INTERNAL, cell)}",
            gateway=_instances("gateway", cell, ports),
            realtime=_instances("realtime", cell, ports),
            trusted=(f"{FRONT_ADDRESS}/32",),
            embedded=Embedded(
                tls_port=ports.of(EDGE, cell),
                tls=certificate,
                media=MediaOrigin(
                    Address(LOOPBACK, ports.of(EMULATOR)),
                    tuple(cells[name].buckets.media for name in (cell, *others)),
                ),
                page=page,
                s3_origin=_s3_origin(cells[cell].hosts),
            ),
        ),
        nginx.process(),
    )
    return nginx.program(
        part=EDGE,
        cell=cell,
        port=ports.of(EDGE, cell),
        directory=home / "cells" / cell / EDGE,
        configuration=configuration,
        files=(certificate.certificate.read_text(encoding="utf-8"), render.PEERS_SCRIPT.read_text(encoding="utf-8")),
        probe=partial(http_probe.check_http, ports.of(EDGE_INTERNAL, cell), READY_PATH),
    )


def front_program(ports: PortTable, home: Path) -> Program:
    """The one door in front of the cells."""
    certificate = tls(home)
    configuration = render.front(
        Front(
            listen=f"{LOOPBACK}:{ports.of(FRONT)}",
            tls=certificate,
            geography=geo.geography(ports.cells, catalogue=CATALOGUE),
            cells={cell: Address(LOOPBACK, ports.of(EDGE_INTERNAL, cell)) for cell in ports.cells},
            s3_listen=f"{LOOPBACK}:{ports.of(S3)}",
            s3=Address(LOOPBACK, ports.of(EMULATOR)),
            origins=tuple(urls(ports).values()),
            source=FRONT_ADDRESS,
            script=render.SCRIPT,
        ),
        nginx.process(),
    )
    return nginx.program(
        part=FRONT,
        cell=None,
        port=ports.of(FRONT),
        directory=home / FRONT,
        configuration=configuration,
        files=(certificate.certificate.read_text(encoding="utf-8"), render.SCRIPT.read_text(encoding="utf-8")),
        probe=partial(http_probe.check_https, ports.of(FRONT), READY_PATH, home / "tls" / "authority.pem"),
    )


def _instances(name: str, cell: str, ports: PortTable) -> tuple[Address, ...]:
    count = BY_NAME[name].local_instances
    return tuple(Address(LOOPBACK, ports.of(instance_name(name, number, count), cell)) for number in range(count))


def _s3_origin(hosts: HostSettings) -> str:
    if hosts.s3 is None:
        raise ValueError("the settings of a running cell name no S3 for browsers; see local.dataplane.localised")
    return hosts.s3
