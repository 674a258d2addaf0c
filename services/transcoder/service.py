"""The transcoder, put together: health and metrics over HTTP, and the worker's loop beside it. Owns no rule of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from services.common.app import Service, create, registry_of
from services.common.resources import Resources
from services.common.tasks import end
from services.contracts.settings import PlatformSettings
from services.transcoder import tools
from services.transcoder.converter import MediaConvert
from services.transcoder.job import Seams
from services.transcoder.ledger import PostgresLedger
from services.transcoder.spending import PostgresSpending, SpendingMetrics
from services.transcoder.storage import S3Storage
from services.transcoder.worker import SqsQueue, Worker
from services.transcoder.workspace import remove_leftovers

WORKLOAD = "transcoder"


@asynccontextmanager
async def start(metrics: SpendingMetrics, resources: Resources) -> AsyncIterator[Worker]:
    """The running worker; it gives its job back when the process is told to stop."""
    own = resources.settings.own
    found = tools.find()
    await asyncio.to_thread(remove_leftovers)
    worker = Worker(
        name=f"{own.cell}-{resources.instance}-{os.getpid()}",
        queue=SqsQueue(resources.aws.client("sqs"), own.queues.transcode),
        seams=Seams(
            tools=found,
            storage=S3Storage(resources.aws.client("s3"), own.buckets.uploads, own.buckets.media),
            ledger=PostgresLedger(resources.router),
            spending=PostgresSpending(resources.router, own.cell, own.rendition_minutes, metrics),
            converter=_converter(resources),
        ),
    )
    loop = asyncio.create_task(worker.run(), name="transcoder")
    try:
        yield worker
    finally:
        await end(loop)


def _converter(resources: Resources) -> MediaConvert | None:
    own = resources.settings.own
    if own.converter is None:
        return None
    return MediaConvert(resources.aws.client("mediaconvert"), own.buckets.uploads, own.buckets.media, own.converter)


def make(settings: PlatformSettings) -> FastAPI:
    """The application."""
    metrics = SpendingMetrics()
    app = create(Service(WORKLOAD, (), partial(start, metrics)), settings)
    for gauge in (metrics.minutes, metrics.closed):
        registry_of(app).register(gauge)
    return app
