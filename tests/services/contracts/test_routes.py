"""The routing table: no ambiguity, and nothing that watches may meet the general limit."""

from services.contracts.limits import LIMITS
from services.contracts.routes import ROUTES, Auth, LimitClass, Route, Service


def _segments(route: Route) -> tuple[str, ...]:
    return tuple("{}" if part.startswith("{") else part for part in route.template.split("/"))


def test_no_two_routes_answer_the_same_request() -> None:
    keys = [(route.method, _segments(route)) for route in ROUTES]
    assert len(keys) == len(set(keys))


def test_every_service_but_realtime_is_reached_through_the_table() -> None:
    assert {route.service for route in ROUTES} == set(Service) - {Service.REALTIME}


def test_signing_up_and_in_are_limited_as_authentication() -> None:
    limited = {route.template for route in ROUTES if route.limit is LimitClass.AUTHENTICATION}
    assert limited == {"/api/accounts/signup", "/api/accounts/login"}


def test_every_limit_class_has_a_limit() -> None:
    assert set(LIMITS) == set(LimitClass)


def test_every_write_but_signing_in_and_watching_needs_a_user() -> None:
    open_writes = {r.template for r in ROUTES if r.method != "GET" and r.auth is Auth.NONE}
    assert open_writes == {"/api/accounts/signup", "/api/accounts/login", "/api/accounts/refresh", "/api/events"}


def test_two_hours_of_heartbeats_every_ten_seconds_stay_under_their_limit() -> None:
    limit = LIMITS[LimitClass.HEARTBEAT]
    assert limit.window / 10 <= limit.count
