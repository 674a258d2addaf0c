"""What all connections of a gateway process share, and its life: start, sweep, drain.

Owns no decision about a single request (``exchange``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Final

from services.contracts.routes import ROUTES, Route, Service
from services.contracts.settings import Endpoint
from services.gateway.access import AccessLog
from services.gateway.breaker import State
from services.gateway.cell_health import CellHealth
from services.gateway.connection import ClientConnection
from services.gateway.forms import Forms
from services.gateway.heads import HeadMemo
from services.gateway.identity import Identities
from services.gateway.limiter import Limiter
from services.gateway.metrics import Metrics
from services.gateway.plan import Plan, Upstream
from services.gateway.rare import Rare, application
from services.gateway.responses import Cors
from services.gateway.routing import Router
from services.gateway.upstream import Pool

SWEEP_SECONDS: Final = 0.25
DEEP_SECONDS: Final = 1.0
DRAIN_NOTICE_SECONDS: Final = 1.0
"""Between turning not-ready and closing connections: the edge's health checks must see it first."""
DRAIN_SECONDS: Final = 15.0


class Core:
    """See the module. ``clock`` is monotonic seconds; the loop's own, so that timers agree."""

    def __init__(
        self,
        services: Mapping[str, Sequence[Endpoint]],
        identities: Identities,
        limiter: Limiter,
        origins: Sequence[str],
        access: AccessLog,
        clock: Callable[[], float],
        cell: CellHealth,
    ) -> None:
        self.clock = clock
        self.cell = cell
        self.identities = identities
        self.limiter = limiter
        self.access = access
        self.memo = HeadMemo()
        self.metrics = Metrics()
        self.cors = Cors(origins)
        self.forms = Forms.load()
        self.rare = Rare(application(self))
        self.connections: set[ClientConnection] = set()
        self.upstreams = {
            service: Upstream(Pool(services[service.value], clock), tuple(services[service.value]))
            for service in Service
            if services.get(service.value)
        }
        missing = {route.service for route in ROUTES} - set(self.upstreams)
        if missing:
            raise SystemExit(f"the settings name no endpoint for {', '.join(sorted(missing))}; write them again")
        self.router = Router((route, self._plan(route)) for route in ROUTES)
        self.draining = False
        self._tasks: set[asyncio.Task[None]] = set()

    def _plan(self, route: Route) -> Plan:
        rule = self.limiter.rules[route.limit]
        metrics = self.metrics.route(route.template)
        return Plan(route, self.upstreams[route.service], rule, metrics, self.forms.of(route.method, route.template))

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Runs ``work`` beside the callbacks, and keeps it alive until it ends."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def unready(self) -> list[str]:
        """Why no new requests should come here; empty if they should. Services that fail are their breakers' affair."""
        return ["draining"] if self.draining else []

    async def deep_health(self) -> dict[str, str]:
        """The state of each service as this gateway can reach it: ``ok``, ``open`` (breaker) or ``unreachable``."""
        names = list(self.upstreams)
        states = await asyncio.gather(*(self._reach(self.upstreams[name]) for name in names))
        return {name.value: state for name, state in zip(names, states, strict=True)}

    async def _reach(self, upstream: Upstream) -> str:
        if upstream.breaker.state is State.OPEN:
            return "open"
        for endpoint in upstream.endpoints:
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(endpoint.host, endpoint.port), DEEP_SECONDS)
            except (OSError, TimeoutError):
                continue
            writer.close()
            return "ok"
        return "unreachable"

    def render_metrics(self) -> str:
        """The metrics in Prometheus' text form."""
        self.metrics.connections = len(self.connections)
        breakers = {service.value: upstream.breaker for service, upstream in self.upstreams.items()}
        return self.metrics.render(breakers, self.limiter.fallbacks)

    async def sweep(self) -> None:
        """Ends what takes too long and writes the access log, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = self.clock()
            for connection in tuple(self.connections):
                connection.sweep(now)
            self.access.flush()

    async def drain(self) -> None:
        """Turns not-ready, lets requests in flight end, closes everything."""
        self.draining = True
        await asyncio.sleep(DRAIN_NOTICE_SECONDS)
        end = self.clock() + DRAIN_SECONDS
        while self.connections and self.clock() < end:
            for connection in tuple(self.connections):
                connection.drain()
            await asyncio.sleep(0.05)
        for connection in tuple(self.connections):
            connection.abort()
        self.limiter.close()
        for upstream in self.upstreams.values():
            upstream.pool.close()
        self.access.flush()
