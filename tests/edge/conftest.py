"""One embedded edge of two cells, running: front, two cell edges, their upstreams and an S3."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from edge import certificates, geo, render
from edge.render import Address, CellEdge, Embedded, Front, MediaOrigin, Tls
from local.ports import free_ports
from local.processes import nginx
from tests.edge.running import running
from tests.edge.upstreams import Upstream, echoing, serving

CELLS = ("mumbai", "singapore")
LOOPBACK = "127.0.0.1"
FRONT_ADDRESS = "127.0.0.2"
PAGE = "<!doctype html><title>Meridian</title>"


@dataclass
class Edge:
    """What a test may ask and look at."""

    front: int
    s3_port: int
    tls: dict[str, int]
    internal: dict[str, int]
    gateways: dict[str, Upstream]
    s3: Upstream
    authority: Path

    @property
    def context(self) -> ssl.SSLContext:
        """Trusts the installation's authority."""
        return ssl.create_default_context(cafile=self.authority)

    def client(self, source: str = LOOPBACK) -> httpx.Client:
        """A client that calls from ``source``."""
        transport = httpx.HTTPTransport(verify=self.context, local_address=source)
        return httpx.Client(transport=transport, base_url=f"https://localhost:{self.front}", timeout=10)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    root = tmp_path_factory.mktemp("edge")
    page = root / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text(PAGE)
    (page / "assets" / "app-1f2e.js").write_text("export {};" * 400)
    made = certificates.ensure(root / "tls")
    tls = Tls(made.chain, made.key)
    with ExitStack() as stack:
        s3 = stack.enter_context(serving(Upstream("s3", strict=True)))
        front, s3_port, *ports = free_ports(2 + 2 * len(CELLS))
        edges = Edge(front, s3_port, {}, {}, {}, s3, made.authority)
        for cell in CELLS:
            gateway = stack.enter_context(serving(Upstream(f"{cell}-gateway")))
            instances = [stack.enter_context(echoing(f"{cell}-realtime-{i}")) for i in (1, 2)]
            edges.tls[cell], edges.internal[cell] = ports.pop(), ports.pop()
            edges.gateways[cell] = gateway
            others = [other for other in CELLS if other != cell]
            configuration = render.cell(
                CellEdge(
                    cell=cell,
                    listen=f"{LOOPBACK}:{edges.internal[cell]}",
                    gateway=(Address(LOOPBACK, gateway.port),),
                    realtime=tuple(Address(LOOPBACK, instance) for instance in instances),
                    trusted=(f"{FRONT_ADDRESS}/32",),
                    embedded=Embedded(
                        tls_port=edges.tls[cell],
                        tls=tls,
                        media=MediaOrigin(
                            Address(LOOPBACK, s3.port), tuple(f"media-{name}" for name in (cell, *others))
                        ),
                        page=page,
                        s3_origin=f"https://localhost:{s3_port}",
                    ),
                ),
                nginx.process(),
            )
            stack.enter_context(running(root / cell, configuration, edges.internal[cell]))
        door = Front(
            listen=f"{LOOPBACK}:{front}",
            tls=tls,
            geography=geo.geography(CELLS),
            cells={cell: Address(LOOPBACK, edges.internal[cell]) for cell in CELLS},
            s3_listen=f"{LOOPBACK}:{s3_port}",
            s3=Address(LOOPBACK, s3.port),
            origins=(f"https://localhost:{front}",),
            source=FRONT_ADDRESS,
            script=render.SCRIPT,
        )
        stack.enter_context(running(root / "front", render.front(door, nginx.process()), front))
        yield edges
