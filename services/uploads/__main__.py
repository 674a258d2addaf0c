"""Starts the uploads service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.common.app import Service, run
from services.common.resources import Resources
from services.uploads.bucket import Bucket
from services.uploads.routes import router
from services.uploads.service import TranscodeQueue, Uploads


@asynccontextmanager
async def start(resources: Resources) -> AsyncIterator[Uploads]:
    """What the routes work with."""
    own = resources.settings.own
    bucket = Bucket(resources.aws.client("s3"), own.buckets.uploads, own.region, own.hosts.s3)
    queue = TranscodeQueue(resources.aws.client("sqs"), own.queues.transcode)
    yield Uploads(resources.router, bucket, queue)


SERVICE = Service("uploads", routers=(router,), start=start)

if __name__ == "__main__":
    run(SERVICE)
