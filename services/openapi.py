"""The one OpenAPI document: the routing table joined with the forms that the services read and answer.

Owns how the two are joined, and what the gateway adds to every operation (identity, limits, its own errors). Does not
own a path (``services.contracts.routes``) nor a form (the services' models). ``python -m services.openapi`` writes it
to ``services/contracts/openapi.json``, from which the gateway checks paths and queries (``services.gateway.forms``) and
which it serves; the services check the same forms, since the document is made from the models that they read with.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi

from services.accounts import app as accounts
from services.catalog import app as catalog
from services.common.errors import ErrorAnswer
from services.contracts.documents import OPENAPI_FILE
from services.contracts.limits import LIMITS
from services.contracts.routes import ROUTES, Auth, LimitClass, Route, Service
from services.engagement import service as engagement
from services.recommendations import app as recommendations
from services.search import app as search
from services.uploads import routes as uploads

Json = dict[str, Any]

ROUTERS: Final[dict[Service, Sequence[APIRouter]]] = {
    Service.ACCOUNTS: (accounts.router,),
    Service.CATALOG: (catalog.router,),
    Service.UPLOADS: (uploads.router,),
    Service.ENGAGEMENT: engagement.ROUTERS,
    Service.RECOMMENDATIONS: (recommendations.router,),
    Service.SEARCH: (search.router,),
}
"""The routes of every service that the routing table names."""

_ERROR: Final = "Error"
_TOKEN: Final = "token"
_TEXTS: Final = {
    400: "The request is malformed.",
    401: "The token is missing, invalid, expired or revoked.",
    403: "It belongs to somebody else.",
    404: "There is no such thing, or the caller may not see it.",
    409: "The present state does not admit it.",
    410: "It is gone.",
    413: "The body is too large.",
    415: "This kind of content is not taken.",
    422: "A part of the request does not have its form.",
    429: "Too many requests; `Retry-After` says when to come back.",
    502: "The service broke off its answer, or cannot be reached.",
    503: "The service is not available or busy; `Retry-After` says when to come back.",
    504: "The service did not answer in time.",
}


class ContractError(Exception):
    """The routing table and the services do not agree; the message says where."""


def service_document(service: Service) -> Json:
    """What ``service`` says of itself."""
    routes = [route for router in ROUTERS[service] for route in router.routes]
    return get_openapi(title=service.value, version="1", routes=routes)


def document(routes: Sequence[Route] = ROUTES) -> Json:
    """The whole. Raises `ContractError` if a route has no operation, or an operation no route."""
    paths: dict[str, Json] = {}
    schemas: Json = {}
    known = {(route.method, route.template): route for route in routes}
    for service in ROUTERS:
        own = service_document(service)
        schemas |= {f"{service.value}.{name}": form for name, form in _schemas(own, service)}
        for method, template, operation in _operations(own):
            route = known.pop((method, template), None)
            if route is None or route.service is not service:
                raise ContractError(
                    f"{service.value} answers {method} {template}, which the routing table does not say"
                )
            paths.setdefault(template, {})[method.lower()] = _joined(_renamed(operation, service), route)
    if known:
        raise ContractError(f"no service answers {', '.join(f'{m} {t}' for m, t in known)}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Meridian",
            "version": "1",
            "description": "The API of a cell, as its gateway serves it. Made by `make openapi`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {template: paths[template] for template in sorted(paths)},
        "components": {
            "schemas": _errors() | dict(sorted(schemas.items())),
            "responses": {f"{_ERROR}{status}": _refusal(text) for status, text in _TEXTS.items() if status != 429}
            | {f"{_ERROR}429.{kind.value}": _too_many(kind) for kind in _limited()},
            "securitySchemes": {
                _TOKEN: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The access token of sign-up, login or refresh.",
                }
            },
        },
    }


def rendered() -> str:
    """The text of the file."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def _errors() -> Json:
    schema = ErrorAnswer.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: Json = schema.pop("$defs")
    return {_ERROR: schema} | parts


def _schemas(own: Json, service: Service) -> Iterator[tuple[str, Json]]:
    shared = {*_errors(), ErrorAnswer.__name__, "HTTPValidationError", "ValidationError"}
    for name, form in own.get("components", {}).get("schemas", {}).items():
        if name not in shared:
            yield name, _renamed(form, service)


def _operations(own: Json) -> Iterator[tuple[str, str, Json]]:
    for template, methods in own["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), template, operation


def _renamed(part: Any, service: Service) -> Any:
    """A copy in which references lead to the components under the service's name."""
    if isinstance(part, dict):
        return {
            key: f"#/components/schemas/{service.value}.{value.rpartition('/')[2]}"
            if key == "$ref"
            else _renamed(value, service)
            for key, value in part.items()
        }
    if isinstance(part, list):
        return [_renamed(each, service) for each in part]
    return part


def _joined(operation: Json, route: Route) -> Json:
    joined = copy.deepcopy(operation)
    joined["tags"] = [route.service.value]
    joined["operationId"] = f"{route.service.value}.{operation['operationId'].partition('_api_')[0]}"
    # A valid token is always passed on; only some routes ask for one.
    joined["security"] = [{_TOKEN: []}] if route.auth is Auth.USER else [{}, {_TOKEN: []}]
    joined["x-meridian"] = {
        "limit": route.limit.value,
        "priority": route.priority.value,
        "max-body": route.max_body if "requestBody" in operation else 0,
    }
    own = joined["responses"]
    statuses = {int(status) for status in own if int(status) >= 400} | set(_gateway_statuses(operation, route))
    statuses.discard(422) if not _has_form(operation) else statuses.add(422)
    joined["responses"] = {status: answer for status, answer in own.items() if int(status) < 400} | {
        str(status): {"$ref": f"#/components/responses/{_ERROR}{status}{_kind(status, route)}"}
        for status in sorted(statuses)
    }
    return joined


def _has_form(operation: Json) -> bool:
    return bool(operation.get("parameters")) or "requestBody" in operation


def _gateway_statuses(operation: Json, route: Route) -> Iterator[int]:
    yield from (400, 401, 502, 503, 504)
    if "requestBody" in operation:
        yield 413
    if LIMITS[route.limit].algorithm != "none":
        yield 429


def _kind(status: int, route: Route) -> str:
    return f".{route.limit.value}" if status == 429 else ""


def _limited() -> list[LimitClass]:
    return [kind for kind, limit in LIMITS.items() if limit.algorithm != "none"]


def _refusal(text: str) -> Json:
    return {
        "description": text,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{_ERROR}"}}},
    }


def _too_many(kind: LimitClass) -> Json:
    limit = LIMITS[kind]
    what = "failures" if kind is LimitClass.AUTHENTICATION else "requests"
    return _refusal(f"{_TEXTS[429]} At most {limit.count} {what} in {limit.window} s.") | {
        "headers": {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}
    }


def main() -> None:
    """Writes the file."""
    OPENAPI_FILE.write_text(rendered(), encoding="utf-8")


if __name__ == "__main__":
    main()
