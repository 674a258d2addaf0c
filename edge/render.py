"""The nginx configurations, rendered from the contracts: a cell's edge and the embedded front (see docs/adr/0009).

Owns what goes into the templates. Does not own nginx's process (``local.processes.nginx``) nor where anything listens.
Pure: takes values, returns text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from edge import classes
from edge.geo import Geography
from services.contracts import routes


class UnsafeValueError(ValueError):
    """A value would mean something else in an nginx configuration than it says."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an upstream listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """Certificate chain and key, as files."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class MediaOrigin:
    """S3 behind ``/media/``: the buckets in which an object is looked for, the own one first (CloudFront: an origin
    group)."""

    endpoint: Address
    buckets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Embedded:
    """What a cell's edge does beside its work on AWS, where DNS, load balancer and CDN do it."""

    tls_port: int
    tls: Tls
    media: MediaOrigin
    page: Path
    """Directory of the built page."""
    s3_origin: str
    """Where browsers upload to; the page's policy allows it."""


@dataclass(frozen=True, slots=True)
class CellEdge:
    """The edge of one cell. It knows no other cell."""

    cell: str
    listen: str
    """Address and port for plain HTTP: from the load balancer, or from the embedded front."""
    gateway: tuple[Address, ...]
    realtime: tuple[Address, ...]
    trusted: tuple[str, ...]
    """Networks whose X-Forwarded-For is believed."""
    embedded: Embedded | None = None

    @property
    def peers(self) -> dict[str, Address]:
        """Every process behind it, by the name of its upstream."""
        kinds = (("gateway", self.gateway), ("realtime", self.realtime))
        return {f"{kind}_{number}": address for kind, each in kinds for number, address in enumerate(each)}


@dataclass(frozen=True, slots=True)
class Front:
    """The embedded front door."""

    listen: str
    tls: Tls
    geography: Geography
    cells: dict[str, Address]
    """Where each running cell's edge listens for it."""
    s3_listen: str
    s3: Address
    """The emulated S3."""
    origins: tuple[str, ...]
    """Pages that may upload by script (CORS)."""
    source: str
    """Address from which it calls the cells; they believe what it says of the caller, and nobody else."""
    script: Path
    """``edge/front.js``, which watches the cells' health and chooses."""


@dataclass(frozen=True, slots=True)
class Process:
    """How nginx itself runs. Paths are relative to its prefix."""

    workers: int = 1
    connections: int = 2048
    user: str | None = None
    """Set only where it starts as root and its files are closed to others."""


SCRIPT = Path(__file__).with_name("front.js")
PEERS_SCRIPT = Path(__file__).with_name("peers.js")


def cell(edge: CellEdge, process: Process = Process()) -> str:
    """nginx.conf of a cell's edge."""
    return _ENVIRONMENT.get_template("cell.conf.j2").render(edge=edge, process=process, **_contracts())


def front(door: Front, process: Process = Process()) -> str:
    """nginx.conf of the embedded front."""
    return _ENVIRONMENT.get_template("front.conf.j2").render(door=door, process=process, **_contracts())


def quoted(value: object) -> str:
    """``value`` as one nginx parameter. Raises `UnsafeValueError` where quoting cannot make it literal."""
    text = str(value)
    if re.search(r"[\"\\$\x00-\x1f]", text):
        raise UnsafeValueError(f"{text!r} cannot stand in an nginx configuration: it has a quote, \\, $ or a control")
    return f'"{text}"'


def variable(header: str) -> str:
    """nginx's variable for a request header."""
    return "$http_" + header.lower().replace("-", "_")


def _contracts() -> dict[str, object]:
    return {
        "limits": classes.edge_limits(),
        "patterns": classes.patterns(),
        "zone_bytes": classes.ZONE_BYTES,
        "largest_body": classes.largest_body(),
        "connections": classes.CONNECTIONS,
        "peers_script": PEERS_SCRIPT,
        "routes": routes,
    }


def _environment() -> Environment:
    # nginx's syntax is no HTML; values are quoted by the filter instead.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("edge"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["q"] = quoted
    environment.filters["variable"] = variable
    return environment


_ENVIRONMENT = _environment()


def buckets_in_order(own: str, others: Sequence[str]) -> tuple[str, ...]:
    """The own bucket first, every bucket once."""
    return tuple(dict.fromkeys((own, *others)))
