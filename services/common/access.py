"""Who may call: dependencies of routes that turn headers into a verified caller. Owns no permission of any service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.common import consistency
from services.common.consistency import SeenWrites
from services.common.context import Context, ContextError, verify
from services.common.errors import ServiceError, unauthenticated
from services.common.resources import Resources
from services.contracts.routes import CONTEXT_HEADER


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A caller who is signed in."""

    user_id: int
    name: str
    session_id: int | None
    context: Context


def resources(request: Request) -> Resources:
    """What the process holds open."""
    value = request.app.state.resources
    if not isinstance(value, Resources):
        raise TypeError("the application was not started with resources")
    return value


def caller(request: Request) -> Context:
    """The verified context. Raises `ServiceError` 401 if it is missing, forged, expired or given twice."""
    headers = request.headers.getlist(CONTEXT_HEADER)
    try:
        return verify(headers[0] if len(headers) == 1 else None, resources(request).context_keys)
    except ContextError as error:
        raise ServiceError(401, "context_refused", f"This service answers its gateway only: {error}.") from error


def user(context: Annotated[Context, Depends(caller)]) -> SignedIn:
    """The caller as a signed-in user. Raises `ServiceError` 401 if nobody is signed in."""
    if context.user_id is None:
        raise unauthenticated()
    return SignedIn(context.user_id, context.name or "", context.session_id, context)


def seen(request: Request) -> SeenWrites:
    """What the caller has written and must see; a write adds to it and the answer carries it back."""
    value = consistency.decode(request.headers.get(consistency.HEADER), resources(request).context_keys)
    request.state.seen = value
    return value


Caller = Annotated[Context, Depends(caller)]
"""Anybody who came through the gateway."""
User = Annotated[SignedIn, Depends(user)]
"""Somebody signed in."""
Seen = Annotated[SeenWrites, Depends(seen)]
"""Read-your-writes state of the caller."""
