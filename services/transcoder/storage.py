"""S3 as the transcoder uses it: fetch a source, publish tracks and manifests. Owns content types and cache lifetimes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError

from services.contracts.media import TRANSCODED_TAG

IMMUTABLE = "public, max-age=31536000, immutable"
"""A key is written once: every attempt and every version of a manifest has its own."""
CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".m4s": "video/iso.segment",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".mpd": "application/dash+xml",
    ".jpg": "image/jpeg",
}
_PARALLEL = 8
_GONE = ("404", "NoSuchKey", "NotFound")


class SourceGoneError(Exception):
    """The source is not in the bucket (any more)."""


class Storage(Protocol):
    """What a job needs of the buckets."""

    async def fetch(self, key: str, target: Path) -> None:
        """Write the source `key` to `target`. Raises SourceGoneError."""

    async def mark_transcoded(self, key: str) -> None:
        """Say that the source `key` is no longer needed: the bucket's lifecycle removes it."""

    async def put_files(self, prefix: str, files: list[Path]) -> None:
        """Publish `files` below `prefix`, each under its own name."""

    async def put_text(self, key: str, text: str) -> None:
        """Publish `text` at `key`."""


class S3Storage:
    """The cell's buckets."""

    def __init__(self, client: Any, uploads: str, media: str) -> None:  # boto3 publishes no types
        self._client = client
        self._uploads = uploads
        self._media = media

    async def fetch(self, key: str, target: Path) -> None:
        """Stream the source to disk."""
        try:
            await asyncio.to_thread(self._client.download_file, self._uploads, key, str(target))
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                raise SourceGoneError(f"s3://{self._uploads}/{key} does not exist") from error
            raise

    async def mark_transcoded(self, key: str) -> None:
        """Tag the source."""
        tags = {"TagSet": [{"Key": TRANSCODED_TAG[0], "Value": TRANSCODED_TAG[1]}]}
        await asyncio.to_thread(self._client.put_object_tagging, Bucket=self._uploads, Key=key, Tagging=tags)

    async def put_files(self, prefix: str, files: list[Path]) -> None:
        """Upload several at a time; returns when all are there."""
        slots = asyncio.Semaphore(_PARALLEL)

        async def put(file: Path) -> None:
            async with slots:
                extra = _headers(file.name)
                await asyncio.to_thread(
                    self._client.upload_file, str(file), self._media, prefix + file.name, ExtraArgs=extra
                )

        async with asyncio.TaskGroup() as group:
            for file in files:
                group.create_task(put(file))

    async def put_text(self, key: str, text: str) -> None:
        """Upload a manifest."""
        body = text.encode("utf-8")
        await asyncio.to_thread(self._client.put_object, Bucket=self._media, Key=key, Body=body, **_headers(key))


def _headers(name: str) -> dict[str, str]:
    return {"ContentType": CONTENT_TYPES[Path(name).suffix], "CacheControl": IMMUTABLE}
