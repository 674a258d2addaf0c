"""The service engagement, put together. Owns no rule of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from services.common.app import Service
from services.common.resources import Resources
from services.engagement.desk import Desk
from services.engagement.log import KafkaLog
from services.engagement.packer import Packer
from services.engagement.routes import router


@asynccontextmanager
async def start(resources: Resources) -> AsyncIterator[Desk]:
    """The desk, until the process is told to stop; then what waits for the log is sent."""
    packer = Packer(resources.settings.own.cell, partial(KafkaLog.connect, resources.kafka))
    try:
        yield Desk(resources.router, resources.cache, packer, resources.context_keys.current)
    finally:
        await packer.close()


SERVICE = Service("engagement", (router,), start)
