"""What happens around every request: metrics, access log, read-your-writes header. Plain ASGI; owns no route."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common import consistency
from services.common.consistency import SeenWrites
from services.common.metrics import UNMATCHED, RequestMetrics
from services.common.resources import Resources

_QUIET = ("/health/", "/metrics")

_log = logging.getLogger("access")


def _template(scope: Scope) -> str:
    route = scope.get("route")
    return route.path if isinstance(route, Route) else UNMATCHED


class Observe:
    """Counts and logs each request by its route template, and sends back what it wrote."""

    def __init__(self, app: ASGIApp, metrics: RequestMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_seen(scope, message)
            await send(message)

        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, observed_send)
        finally:
            self._metrics.in_flight.dec()
            seconds = time.perf_counter() - started
            template = _template(scope)
            method = str(scope["method"])
            self._metrics.observe(method, template, status, seconds)
            if not str(scope["path"]).startswith(_QUIET):
                _log.info(
                    "request",
                    extra={
                        "method": method[:16],
                        "route": template,
                        "status": status,
                        "ms": round(seconds * 1000, 2),
                    },
                )


def _add_seen(scope: Scope, message: Message) -> None:
    seen = scope.get("state", {}).get("seen")
    resources = getattr(scope["app"].state, "resources", None) if "app" in scope else None
    if isinstance(seen, SeenWrites) and seen.changed and isinstance(resources, Resources):
        headers = MutableHeaders(scope=message)
        headers[consistency.HEADER] = consistency.encode(seen, resources.context_keys)
