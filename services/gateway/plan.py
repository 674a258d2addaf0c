"""What the gateway knows about a route before a request comes: looked up once, so that the hot path only reads.

Owns the two records. Does not own the routing table (``services.contracts.routes``) nor how a path is found (``routing``).
"""

from __future__ import annotations

from services.contracts.routes import Auth, LimitClass, Route
from services.contracts.settings import Endpoint
from services.gateway.breaker import Breaker, BreakerPolicy
from services.gateway.forms import Form
from services.gateway.limiter import Rule
from services.gateway.metrics import RouteMetrics
from services.gateway.overload import SHARE, ConcurrencyLimit, RetryBudget
from services.gateway.upstream import Pool


class Upstream:
    """One service as the gateway sees it."""

    __slots__ = ("breaker", "endpoints", "limit", "pool", "retries")

    def __init__(self, pool: Pool, endpoints: tuple[Endpoint, ...]) -> None:
        self.pool = pool
        self.endpoints = endpoints
        self.breaker = Breaker(BreakerPolicy())
        self.limit = ConcurrencyLimit()
        self.retries = RetryBudget()


class Plan:
    """One route: whom it asks, what it demands, how it is counted."""

    __slots__ = ("form", "is_attempt", "max_body", "metrics", "needs_user", "rule", "share", "template", "upstream")

    def __init__(self, route: Route, upstream: Upstream, rule: Rule, metrics: RouteMetrics, form: Form) -> None:
        self.template = route.template.encode()
        self.upstream = upstream
        self.rule = rule
        self.form = form
        self.metrics = metrics
        self.max_body = route.max_body
        self.needs_user = route.auth is Auth.USER
        self.is_attempt = route.limit is LimitClass.AUTHENTICATION
        self.share = SHARE[route.priority]
