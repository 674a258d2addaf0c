"""What the routes of uploads work with, and the one way in which an upload becomes complete."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from services.common import ids
from services.common.consistency import SeenWrites
from services.common.shards import ShardRouter
from services.contracts.media import request_message, source_key
from services.uploads import store
from services.uploads.bucket import Bucket
from services.uploads.store import Upload


class TranscodeQueue:
    """Sends to the cell's transcode queue."""

    def __init__(self, client: Any, url: str) -> None:  # boto3 publishes no types
        self._client = client
        self._url = url

    async def request(self, video: str) -> None:
        """Ask for ``video`` (public id) to be transcoded."""
        await asyncio.to_thread(self._client.send_message, QueueUrl=self._url, MessageBody=request_message(video))


@dataclass(frozen=True, slots=True)
class Uploads:
    """The service's state."""

    router: ShardRouter
    bucket: Bucket
    queue: TranscodeQueue

    async def finish(self, upload: Upload, seen: SeenWrites | None = None) -> None:
        """The object is whole: say so in the database, then ask for transcoding.

        If this process dies between the two, the bucket's own event asks; and so does a repetition of the call.
        """
        async with self.router.writer(ids.shard_key(upload.video_id), seen) as connection:
            await store.completed(connection, upload.video_id)
        await self.queue.request(ids.encode(upload.video_id))

    async def finish_if_whole(self, upload: Upload) -> bool:
        """Whether the object is there in full size; if so, the upload is complete from now on."""
        if await self.bucket.size(source_key(ids.encode(upload.video_id))) != upload.size:
            return False
        await self.finish(upload)
        return True
