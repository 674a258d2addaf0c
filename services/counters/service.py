"""The service counters, put together. Owns no rule of its own."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.common.app import Service
from services.common.resources import Resources
from services.common.tasks import end
from services.counters.counting import Counting
from services.counters.routes import router

_log = logging.getLogger(__name__)


@asynccontextmanager
async def start(resources: Resources) -> AsyncIterator[Counting]:
    """Counts until the process is told to stop; then flushes what was read."""
    counting = Counting(resources)
    tasks = [asyncio.create_task(job) for job in counting.jobs()]
    for task in tasks:
        task.add_done_callback(_report)
    try:
        yield counting
    finally:
        await end(*tasks)
        await counting.leave()


def _report(task: asyncio.Task[None]) -> None:
    """A process of which a part is missing would hold its slots and not count: it stops, and is started again."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("a part of counters ended: %r; the process stops", error, exc_info=error)
        signal.raise_signal(signal.SIGTERM)


SERVICE = Service("counters", (router,), start)
