"""The application that every service is: health, metrics, errors, lifespan, start. Owns no route of any service.

Health: ``/health/live`` the process runs; ``/health/ready`` it has started and is not being stopped; ``/health/deep``
its dependencies answer, each named (for people and drills, not for load balancers: a database that is away must not
take down every process that could still serve from its cache).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import FrameType
from typing import TypeVar

import psycopg
import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from services.common import logs
from services.common.errors import ServiceError, unavailable
from services.common.metrics import CONTENT_TYPE, RequestMetrics
from services.common.middleware import Observe
from services.common.read_metrics import ReadMetrics
from services.common.resources import Resources, open_resources
from services.contracts import settings as contract
from services.contracts.health import DEEP_PATH, READS, READY_PATH
from services.contracts.settings import PlatformSettings
from services.contracts.workloads import BY_NAME

GRACE_SECONDS = 15
"""How long requests may take to end after the signal to stop."""
CHECK_SECONDS = 2.0

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

Start = Callable[[Resources], AbstractAsyncContextManager[object]]


@dataclass(frozen=True, slots=True)
class Service:
    """One service: its routes, and what it sets up around them."""

    workload: str
    routers: Sequence[APIRouter]
    start: Start
    """Yields the object that `state` hands to the routes; ends when the process is told to stop."""


def state(request: Request, kind: type[_T]) -> _T:
    """What the service's ``start`` yielded. Raises TypeError if it is no ``kind``."""
    value = request.app.state.service
    if not isinstance(value, kind):
        raise TypeError(f"the service's start yields {type(value).__name__}, the route wants {kind.__name__}")
    return value


def registry_of(app: FastAPI) -> CollectorRegistry:
    """Where a service's own metrics go, beside those of its requests. ``app`` is one that `create` made."""
    metrics: RequestMetrics = app.state.metrics
    return metrics.registry


def create(service: Service, settings: PlatformSettings) -> FastAPI:
    """The application; its lifespan opens everything."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources(service.workload, settings) as resources, _reads_measured(metrics, resources):
            app.state.resources = resources
            async with service.start(resources) as value:
                app.state.service = value
                app.state.ready = True
                try:
                    yield
                finally:
                    app.state.ready = False

    app = FastAPI(
        title=f"meridian {service.workload}", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.ready = False
    metrics = RequestMetrics()
    app.state.metrics = metrics
    for router in service.routers:
        app.include_router(router)
    app.include_router(_health(metrics))
    app.add_middleware(Observe, metrics=metrics)
    _handle_errors(app)
    return app


@asynccontextmanager
async def _reads_measured(metrics: RequestMetrics, resources: Resources) -> AsyncIterator[None]:
    if resources.maybe_router is None:
        yield
        return
    reads = ReadMetrics(resources.maybe_router)
    metrics.registry.register(reads)
    try:
        yield
    finally:
        # The application may be started again.
        metrics.registry.unregister(reads)


def _error(status: int, code: str, message: str, **more: object) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message, **more}}, status)


def _printable(part: object) -> str:
    # A key of a hostile body can be anything, also what UTF-8 cannot carry.
    return str(part)[:64].encode("utf-8", "replace").decode("utf-8")


def _handle_errors(app: FastAPI) -> None:
    async def service_error(_: Request, error: Exception) -> Response:
        if not isinstance(error, ServiceError):
            raise error
        response = _error(error.status, error.code, error.message)
        response.headers.update(error.headers)
        return response

    async def invalid(_: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        fields = [
            {"field": ".".join(_printable(part) for part in item["loc"]), "problem": _printable(item["type"])}
            for item in error.errors()[:10]
        ]
        return _error(422, "invalid_request", "The request does not have the form that it must have.", fields=fields)

    async def http_error(_: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status_code, "refused")
        response = _error(error.status_code, code, "There is nothing here for this method and path.")
        response.headers.update(error.headers or {})
        return response

    async def database_away(request: Request, error: Exception) -> Response:
        _log.warning("database error %s", type(error).__name__, exc_info=error)
        return await service_error(request, unavailable("The database does not answer at the moment."))

    async def unexpected(_: Request, error: Exception) -> Response:
        # Starlette hands the error on afterwards, so the server logs it with its trace.
        _log.error("unexpected %s", type(error).__name__)
        return _error(500, "internal", "Something went wrong on our side; it has been logged.")

    app.add_exception_handler(ServiceError, service_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    for kind in (psycopg.OperationalError, PoolTimeout, TooManyRequests):
        app.add_exception_handler(kind, database_away)
    app.add_exception_handler(Exception, unexpected)


def _health(metrics: RequestMetrics) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get(READY_PATH)
    async def ready(request: Request) -> Response:
        is_ready = bool(request.app.state.ready)
        return JSONResponse({"status": "ready" if is_ready else "not ready"}, 200 if is_ready else 503)

    @router.get(DEEP_PATH)
    async def deep(request: Request) -> Response:
        resources = getattr(request.app.state, "resources", None)
        results = await deep_checks(resources) if isinstance(resources, Resources) else {"resources": "not open"}
        well = all(result == "ok" for result in results.values())
        return JSONResponse({"status": "well" if well else "unwell", "checks": results}, 200 if well else 503)

    @router.get("/metrics")
    async def exposition() -> Response:
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    return router


async def deep_checks(resources: Resources) -> dict[str, str]:
    """By dependency: "ok", or the kind of its error."""
    checks: dict[str, Callable[[], Awaitable[object]]] = {}
    if resources.maybe_router is not None:
        checks["database"] = resources.maybe_router.ping
        checks[READS] = resources.maybe_router.ping_reads
    if resources.maybe_cache is not None:
        checks["cache"] = resources.maybe_cache.ping

    async def check(call: Callable[[], Awaitable[object]]) -> str:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await call()
        except Exception as error:  # whatever a client library raises, the check names it
            return type(error).__name__
        return "ok"

    answers = await asyncio.gather(*(check(call) for call in checks.values()))
    return dict(zip(checks, answers, strict=True))


class _Server(uvicorn.Server):
    """Tells the application that it is being stopped before it stops listening."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        application = self.config.app
        if isinstance(application, FastAPI):
            application.state.ready = False
        super().handle_exit(sig, frame)


def serve(app: ASGIApp, workload: str, settings: PlatformSettings) -> None:
    """Runs ``app`` until a signal stops it, on the host and port that the environment names."""
    instance = int(os.environ.get(contract.INSTANCE_ENV, "0"))
    logs.configure(workload, settings.own.cell, instance)
    config = uvicorn.Config(
        app,
        host=os.environ.get(contract.HOST_ENV, "127.0.0.1"),
        port=int(os.environ.get(contract.PORT_ENV, str(BY_NAME[workload].port))),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=75,
        backlog=1024,
    )
    _Server(config).run()


def run(service: Service) -> None:
    """Starts ``service`` with the settings that the environment names. Returns when it was stopped."""
    settings = contract.load()
    serve(create(service, settings), service.workload, settings)
