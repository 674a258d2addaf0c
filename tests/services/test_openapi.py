"""The OpenAPI document and what each service says of itself must be the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.common.app import Service as Application
from services.common.app import create
from services.contracts.documents import OPENAPI_FILE
from services.contracts.limits import LIMITS
from services.contracts.routes import ROUTES, Auth, Route, Service
from services.openapi import ROUTERS, ContractError, document, rendered
from tests.servers import Cells

DOCUMENT: dict[str, Any] = json.loads(OPENAPI_FILE.read_text(encoding="utf-8"))


def resolved(part: Any, root: dict[str, Any]) -> Any:
    """``part`` with what its references lead to in their place."""
    if isinstance(part, list):
        return [resolved(each, root) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        target: Any = root
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        return resolved(target, root)
    return {key: resolved(value, root) for key, value in part.items()}


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.template][route.method.lower()]
    return found


def test_the_committed_document_is_the_one_that_table_and_models_make() -> None:
    assert OPENAPI_FILE.read_text(encoding="utf-8") == rendered(), "run `make openapi`"


@pytest.mark.parametrize("service", ROUTERS, ids=str)
def test_a_running_services_own_schema_has_the_same_paths_parameters_bodies_and_answers(
    service: Service, cells: Cells
) -> None:
    async def never(_: object) -> None:
        raise AssertionError("it is only asked for its schema")

    app = create(Application(service.value, ROUTERS[service], never), cells.settings("mumbai"))  # type: ignore[arg-type] # never started
    own = app.openapi()
    said = {(method.upper(), path) for path, methods in own["paths"].items() for method in methods}
    assert said == {(route.method, route.template) for route in ROUTES if route.service is service}
    for method, path in said:
        mine = resolved(own["paths"][path][method.lower()], own)
        ours = resolved(DOCUMENT["paths"][path][method.lower()], DOCUMENT)
        assert ours.get("parameters", []) == mine.get("parameters", [])
        assert ours.get("requestBody") == mine.get("requestBody")
        for status, answer in mine["responses"].items():
            if int(status) < 400:
                assert ours["responses"][status] == answer
            else:
                assert status in ours["responses"]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_an_operation_says_who_may_call_and_which_limit_counts_it(route: Route) -> None:
    said = operation(route)
    assert ({} in said["security"]) == (route.auth is Auth.NONE)
    assert said["x-meridian"]["limit"] == route.limit.value
    assert ("429" in said["responses"]) == (LIMITS[route.limit].algorithm != "none")


def test_every_error_has_the_one_form_of_errors() -> None:
    form = resolved({"$ref": "#/components/schemas/Error"}, DOCUMENT)
    for route in ROUTES:
        for status, answer in resolved(operation(route)["responses"], DOCUMENT).items():
            if int(status) >= 400:
                assert answer["content"]["application/json"]["schema"] == form


def test_operation_ids_are_unique() -> None:
    ids = [operation(route)["operationId"] for route in ROUTES]
    assert len(ids) == len(set(ids))


def test_a_route_without_an_operation_is_reported() -> None:
    extra = Route("GET", "/api/nobody", Service.SEARCH, Auth.NONE)
    with pytest.raises(ContractError, match="no service answers GET /api/nobody"):
        document((*ROUTES, extra))


def test_an_operation_that_the_table_does_not_name_is_reported() -> None:
    routes = [route for route in ROUTES if route.template != "/api/search"]
    with pytest.raises(ContractError, match="search answers GET /api/search"):
        document(routes)
