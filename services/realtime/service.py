"""The service realtime, put together: the hub inside the application that every service is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import socketio
from fastapi import FastAPI
from prometheus_client import Gauge

from services.common.app import Service, create, registry_of
from services.common.keys import Verifier, from_kms
from services.common.resources import Resources
from services.common.tasks import end
from services.common.tokens import Policy
from services.contracts.load import CONNECTIONS
from services.contracts.routes import REALTIME_PREFIX
from services.contracts.settings import PlatformSettings
from services.realtime.hub import Hub

WORKLOAD = "realtime"


@asynccontextmanager
async def start(hub: Hub, resources: Resources) -> AsyncIterator[Hub]:
    """The hub at work, until the process is told to stop."""
    token = resources.settings.own.tokens
    verifier = Verifier(from_kms(resources.aws, token.key_arn), Policy(token.issuer, token.audience))
    tasks = [asyncio.create_task(job) for job in hub.open(resources.cache, verifier)]
    try:
        yield hub
    finally:
        await end(*tasks)


def make(settings: PlatformSettings) -> FastAPI:
    """The application: health and metrics beside the sockets."""
    hub = Hub(settings.own.hosts)
    app = create(Service(WORKLOAD, (), partial(start, hub)), settings)
    sockets = Gauge(
        CONNECTIONS, "Sockets that are connected. Its autoscaler sums it over all pods.", registry=registry_of(app)
    )
    sockets.set_function(lambda: hub.connections)
    prefix = REALTIME_PREFIX.strip("/")
    app.mount(f"/{prefix}", socketio.ASGIApp(hub.server, socketio_path=prefix))
    return app
