"""The service engagement, put together. Owns no rule of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from services.common.app import Service
from services.common.resources import Resources
from services.common.tasks import end
from services.engagement import audience, notices
from services.engagement.announcer import Announcer
from services.engagement.desk import Desk
from services.engagement.log import KafkaLog
from services.engagement.mirror import Mirror
from services.engagement.packer import Packer
from services.engagement.routes import router


@asynccontextmanager
async def start(resources: Resources) -> AsyncIterator[Desk]:
    """The desk, until the process is told to stop; then what waits for the log is sent."""
    own = resources.settings.own.cell
    connect = partial(KafkaLog.connect, resources.kafka)
    packer = Packer(own, connect)
    desk = Desk(resources.router, resources.cache, packer, resources.context_keys.current)
    tasks = [
        asyncio.create_task(loop.run())
        for home in resources.settings.tended
        for loop in (Announcer(desk, home), Mirror(resources.router, home, connect))
    ]
    try:
        yield desk
    finally:
        await end(*tasks)
        await packer.close()


ROUTERS = (router, notices.router, audience.router)
SERVICE = Service("engagement", ROUTERS, start)
