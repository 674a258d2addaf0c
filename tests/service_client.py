"""A service run in process, and calls to it as the gateway makes them. Owns no server (``tests.servers``)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from fastapi import FastAPI

from services.common import consistency
from services.common.app import Service, create
from services.common.context import GATEWAY, Context, ContextKeys, sign
from services.common.resources import Resources
from services.contracts.routes import CONTEXT_HEADER
from services.contracts.settings import PlatformSettings


@dataclass
class ServiceClient:
    """Calls one service. Remembers the read-your-writes token, as a browser does."""

    app: FastAPI
    http: httpx.AsyncClient
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def resources(self) -> Resources:
        """What the process holds open."""
        resources = self.app.state.resources
        assert isinstance(resources, Resources)
        return resources

    @property
    def keys(self) -> ContextKeys:
        """The keys that this cell's gateway signs with."""
        return self.resources.context_keys

    def context(self, user_id: int | None = None, name: str | None = None, session_id: int | None = None) -> str:
        """A context header as the gateway signs it."""
        now = int(time.time())
        return sign(Context(GATEWAY, now, now + 30, user_id, name, session_id), self.keys)

    async def call(
        self,
        method: str,
        path: str,
        *,
        user_id: int | None = None,
        name: str = "Somebody",
        session_id: int | None = None,
        json: object = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> httpx.Response:
        """One call, signed in as ``user_id`` or as nobody."""
        all_headers = {CONTEXT_HEADER: self.context(user_id, name if user_id is not None else None, session_id)}
        all_headers |= self.seen | dict(headers or {})
        response = await self.http.request(method, path, json=json, content=content, headers=all_headers, params=params)
        if consistency.HEADER in response.headers:
            self.seen = {consistency.HEADER: response.headers[consistency.HEADER]}
        return response


@asynccontextmanager
async def running(service: Service, settings: PlatformSettings) -> AsyncIterator[ServiceClient]:
    """``service`` with ``settings``, started and stopped."""
    app = create(service, settings)
    async with app.router.lifespan_context(app):
        # Errors become answers, as they do behind a real server.
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as http:
            yield ServiceClient(app, http)
