"""Request classes at the edge: which of them a path belongs to, and how fast one address may ask.

The edge only stops floods, by address and without memory; the gateway's limits (`services.contracts.limits`) count
users. So every burst here is above what the gateway allows at once, and nobody is refused here who would be served
there, unless more than `SHARING` people behind one address use up their whole allowance together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.contracts.limits import LIMITS
from services.contracts.routes import ROUTES, LimitClass, Route

SHARING = 4
"""People behind one address (a household, a small office) that the burst allows for."""
CONNECTIONS = LIMITS[LimitClass.WEBSOCKET].count * SHARING + 64
"""Requests and sockets of one address at a time: every socket that the gateway's class admits in one window, and the
requests of browsers beside them."""
ZONE_BYTES = "10m"
"""About 160,000 addresses (64 bytes each, nginx's manual of limit_req_zone)."""


@dataclass(frozen=True, slots=True)
class EdgeLimit:
    """One flood limit: requests per second and address, and how many may come at once."""

    name: str
    rate: int
    burst: int


def edge_limits() -> tuple[EdgeLimit, ...]:
    """A limit for every class that has one."""
    return tuple(
        EdgeLimit(kind.value, rate=_RATES[kind], burst=limit.count * SHARING)
        for kind, limit in LIMITS.items()
        if limit.algorithm != "none"
    )


_RATES = {
    LimitClass.GENERAL: 50,
    LimitClass.AUTHENTICATION: 5,
    LimitClass.HEARTBEAT: 50,
    LimitClass.WEBSOCKET: 20,
}
"""Assumed: far above one person's use, far below what would hurt a gateway (some thousands per second and core)."""


def patterns() -> tuple[tuple[str, str], ...]:
    """(regular expression over ``METHOD:path``, class) for every route that is not in the general class."""
    return tuple((pattern(route), route.limit.value) for route in ROUTES if route.limit is not LimitClass.GENERAL)


def pattern(route: Route) -> str:
    """Matches exactly the requests of ``route``, as ``METHOD:path``."""
    parts = re.split(r"\{[a-z_]+\}", route.template)
    return f"^{route.method}:{'[^/]+'.join(re.escape(part) for part in parts)}$"


def largest_body() -> int:
    """Bytes of the largest body that any route takes; the gateway enforces each route's own."""
    return max(route.max_body for route in ROUTES)
