import re

import pytest

from edge import classes
from services.contracts.limits import LIMITS
from services.contracts.routes import ROUTES, LimitClass, Route


def class_of(method: str, path: str) -> str:
    """As nginx's map decides: the first expression that matches, else general."""
    matching = (name for pattern, name in classes.patterns() if re.search(pattern, f"{method}:{path}"))
    return next(matching, LimitClass.GENERAL.value)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_every_route_is_in_the_class_that_the_routing_table_gives_it(route: Route) -> None:
    path = re.sub(r"\{[a-z_]+\}", "AbC-_123456", route.template)
    assert class_of(route.method, path) == route.limit.value


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/accounts/login"),
        ("POST", "/api/accounts/login/"),
        ("POST", "/api/accounts/loginx"),
        ("POST", "/x/api/accounts/login"),
        ("POST", "/api/uploads/a/b/parts"),
    ],
)
def test_a_request_that_is_no_route_is_in_the_general_class(method: str, path: str) -> None:
    assert class_of(method, path) == LimitClass.GENERAL.value


def test_the_edge_never_refuses_what_the_gateway_allows_at_once() -> None:
    for limit in classes.edge_limits():
        assert limit.burst >= LIMITS[LimitClass(limit.name)].count


def test_the_edge_lets_through_for_ever_whatever_the_gateway_refills() -> None:
    for limit in classes.edge_limits():
        allowed = LIMITS[LimitClass(limit.name)]
        assert limit.rate >= classes.SHARING * allowed.count / allowed.window


def test_the_edge_limits_exactly_the_classes_that_the_gateway_limits() -> None:
    limited = {kind.value for kind, limit in LIMITS.items() if limit.algorithm != "none"}
    assert {limit.name for limit in classes.edge_limits()} == limited


def test_one_address_may_hold_every_socket_that_the_gateway_admits() -> None:
    assert LIMITS[LimitClass.WEBSOCKET].count * classes.SHARING < classes.CONNECTIONS


def test_media_is_in_no_limited_class() -> None:
    assert LimitClass.MEDIA.value not in {limit.name for limit in classes.edge_limits()}


def test_the_largest_body_of_any_route_passes_the_edge() -> None:
    assert classes.largest_body() == max(route.max_body for route in ROUTES)
