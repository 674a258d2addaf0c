"""The gateway's metrics, counted with plain integers on the hot path and rendered for Prometheus on request.

Labels are route templates, services and status classes: bounded, whatever callers send.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Final

from services.gateway.breaker import Breaker

BUCKETS: Final[tuple[float, ...]] = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram, in seconds."""


class RouteMetrics:
    """Requests of one route by status class, and their latency."""

    __slots__ = ("buckets", "seconds", "statuses")

    def __init__(self) -> None:
        self.statuses = [0] * 6
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0

    def observe(self, status: int, seconds: float) -> None:
        """Counts one request."""
        self.statuses[status // 100 if 100 <= status < 600 else 5] += 1
        self.buckets[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds


class Metrics:
    """All counters of one gateway process."""

    def __init__(self) -> None:
        self._routes: dict[str, RouteMetrics] = {}
        self.connections = 0
        self.aborted = 0
        self.refused_heads = 0
        self.retries = 0
        self.shed = 0

    def route(self, template: str) -> RouteMetrics:
        """The counters of a route template (never of a path)."""
        found = self._routes.get(template)
        if found is None:
            found = self._routes[template] = RouteMetrics()
        return found

    def render(self, breakers: Mapping[str, Breaker], limiter_fallbacks: int) -> str:
        """The Prometheus text form (version 0.0.4)."""
        lines = [
            "# TYPE meridian_gateway_requests_total counter",
            *(
                f'meridian_gateway_requests_total{{route="{name}",status="{status}xx"}} {count}'
                for name, route in sorted(self._routes.items())
                for status, count in enumerate(route.statuses)
                if count
            ),
            "# TYPE meridian_gateway_request_seconds histogram",
        ]
        for name, route in sorted(self._routes.items()):
            total = 0
            for bound, count in zip((*map(str, BUCKETS), "+Inf"), route.buckets, strict=True):
                total += count
                lines.append(f'meridian_gateway_request_seconds_bucket{{route="{name}",le="{bound}"}} {total}')
            lines.append(f'meridian_gateway_request_seconds_sum{{route="{name}"}} {route.seconds:.6f}')
            lines.append(f'meridian_gateway_request_seconds_count{{route="{name}"}} {total}')
        lines.append("# TYPE meridian_gateway_breaker_state gauge")
        lines += [f'meridian_gateway_breaker_state{{service="{n}"}} {b.state.value}' for n, b in breakers.items()]
        lines.append("# TYPE meridian_gateway_breaker_transitions_total counter")
        lines += [
            f'meridian_gateway_breaker_transitions_total{{service="{n}"}} {b.transitions}' for n, b in breakers.items()
        ]
        for name, kind, value in (
            ("connections", "gauge", self.connections),
            ("refused_heads_total", "counter", self.refused_heads),
            ("retries_total", "counter", self.retries),
            ("shed_total", "counter", self.shed),
            ("aborted_answers_total", "counter", self.aborted),
            ("limiter_fallbacks_total", "counter", limiter_fallbacks),
        ):
            lines += [f"# TYPE meridian_gateway_{name} {kind}", f"meridian_gateway_{name} {value}"]
        return "\n".join(lines) + "\n"
