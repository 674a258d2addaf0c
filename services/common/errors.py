"""The error that a service answers with. Owns its form, also as OpenAPI; does not own which errors a service has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorField(_Form):
    """One part of a request that is not as it must be."""

    field: str
    problem: str


class ErrorDetail(_Form):
    """What went wrong."""

    code: str
    """A stable word for programs."""
    message: str
    """One sentence for people."""
    fields: list[ErrorField] = []


class ErrorAnswer(_Form):
    """The body of every error, the gateway's too."""

    error: ErrorDetail


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses`` of a route that answers with these errors beside those that every route has (``services.openapi``)."""
    return {status: {"model": ErrorAnswer} for status in statuses}


class ServiceError(Exception):
    """Answered as ``{"error": {"code": code, "message": message}}`` with ``status``.

    ``code`` is a stable word for programs, in snake_case; ``message`` one sentence for people, which never holds a
    secret or another person's data.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def not_found(what: str) -> ServiceError:
    """404 for a ``what`` (for example "video") that does not exist or that the caller may not see."""
    return ServiceError(404, f"{what}_not_found", f"There is no such {what}.")


def unauthenticated(message: str = "Sign in first.") -> ServiceError:
    """401 for a caller who has not shown who they are."""
    return ServiceError(401, "unauthenticated", message)


def forbidden(message: str) -> ServiceError:
    """403 for a caller who is known and not allowed."""
    return ServiceError(403, "forbidden", message)


def conflict(code: str, message: str) -> ServiceError:
    """409 for a request that the present state does not admit."""
    return ServiceError(409, code, message)


def invalid(message: str) -> ServiceError:
    """422 for input that is well-formed and still not acceptable."""
    return ServiceError(422, "invalid_request", message)


def unavailable(message: str, retry_seconds: int = 1) -> ServiceError:
    """503 for a dependency that does not answer or work that would pile up."""
    return ServiceError(503, "unavailable", message, {"retry-after": str(retry_seconds)})
