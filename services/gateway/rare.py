"""What is rare: health and metrics, as a FastAPI application that the hot protocol calls for unknown paths.

Owns the application and the small bridge to it. Bodies are not accepted here: nothing that is rare needs one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse

from services.contracts.health import CELL_PATH, DEEP_PATH, READY_PATH
from services.gateway import responses
from services.gateway.heads import RequestHead

if TYPE_CHECKING:
    from services.gateway.core import Core

OPENAPI_PATH = "/api/openapi.json"
_PATHS = frozenset(
    path.encode() for path in ("/health/live", READY_PATH, DEEP_PATH, CELL_PATH, "/metrics", OPENAPI_PATH)
)


def application(core: Core) -> FastAPI:
    """The application; ``core`` is asked at each request."""
    app = FastAPI(title="Meridian gateway", openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @app.get(READY_PATH)
    async def ready() -> JSONResponse:
        reasons = core.unready()
        return JSONResponse(
            {"status": "not-ready" if reasons else "ready", "reasons": reasons}, 503 if reasons else 200
        )

    @app.get(DEEP_PATH)
    async def deep() -> JSONResponse:
        checks = await core.deep_health()
        healthy = all(state == "ok" for state in checks.values())
        return JSONResponse({"status": "ok" if healthy else "failing", "checks": checks}, 200 if healthy else 503)

    @app.get(CELL_PATH)
    async def cell() -> JSONResponse:
        failing = bool(core.cell.failing)
        return JSONResponse({"status": "failing" if failing else "well"}, 503 if failing else 200)

    @app.get(OPENAPI_PATH)
    async def document() -> Response:
        return Response(core.forms.text, media_type="application/json")

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(core.render_metrics(), media_type="text/plain; version=0.0.4")

    return app


class Rare:
    """Calls an ASGI application for a request without body."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    @staticmethod
    def serves(path: bytes) -> bool:
        """Whether ``path`` is one of the rare ones."""
        return path in _PATHS

    async def answer(self, head: RequestHead, keep_alive: bool) -> tuple[int, bytes]:
        """(status, the whole answer). A request with a body is refused."""
        if head.has_body:
            return 413, responses.error(413, "too_large", "this path takes no body", keep_alive=False)
        path, query = head.path, head.target.partition(b"?")[2]
        status = 500
        content: list[bytes] = []
        lines: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                lines.extend(b"%b: %b\r\n" % (name, value) for name, value in message.get("headers", ()))
            else:
                content.append(message.get("body", b""))

        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": head.method.decode(),
            "scheme": "http",
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [],
            "client": None,
            "server": None,
        }
        await self._app(scope, receive, send)
        body = b"" if head.method == b"HEAD" else b"".join(content)
        answer = b"".join(
            (
                responses.status_line(status),
                *lines,
                b"Cache-Control: no-store\r\n",
                responses.SECURITY_HEADERS,
                responses.connection_line(keep_alive),
                b"\r\n",
                body,
            )
        )
        return status, answer
