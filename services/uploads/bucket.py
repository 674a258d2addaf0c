"""The multipart uploads of the cell's bucket. Owns every S3 call of the service, and which S3 a browser is sent to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from services.uploads.parts import StoredPart

URL_SECONDS = 3600
"""How long a presigned URL is good for: one part over a slow line, and a few retries."""
_GONE = ("NoSuchUpload", "NoSuchKey", "404", "NotFound")


class UploadGoneError(Exception):
    """S3 knows the multipart upload no more: it was completed, aborted, or removed by the lifecycle rule."""


@dataclass(frozen=True, slots=True)
class PresignedPart:
    """A request that a browser may send once it has the bytes with this checksum and size."""

    number: int
    size: int
    url: str
    headers: dict[str, str]
    """Must be sent exactly so: they are signed."""


class Bucket:
    """One bucket; blocking calls run in threads."""

    def __init__(self, client: Any, name: str, region: str, browser_endpoint: str | None) -> None:
        self._client = client  # boto3 publishes no types
        self._name = name
        # A client of its own: signatures cover the host name, which is the one that the browser uses.
        self._signer = boto3.client(
            "s3",
            region_name=region,
            endpoint_url=browser_endpoint,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": "path" if browser_endpoint else "auto"},
                # Otherwise botocore would sign a checksum of the empty body that it sees.
                request_checksum_calculation="when_required",
            ),
        )

    async def begin(self, key: str, content_type: str) -> str:
        """Start a multipart upload whose parts must carry SHA-256 checksums; its id."""
        answer = await asyncio.to_thread(
            self._client.create_multipart_upload,
            Bucket=self._name,
            Key=key,
            ContentType=content_type,
            ChecksumAlgorithm="SHA256",
        )
        return str(answer["UploadId"])

    def presign(self, key: str, multipart_id: str, number: int, size: int, sha256: str) -> PresignedPart:
        """The request for part ``number``: S3 refuses it with other bytes than ``sha256`` (base64) states."""
        url = self._signer.generate_presigned_url(
            "upload_part",
            Params={
                "Bucket": self._name,
                "Key": key,
                "UploadId": multipart_id,
                "PartNumber": number,
                "ContentLength": size,
                "ChecksumSHA256": sha256,
            },
            ExpiresIn=URL_SECONDS,
            HttpMethod="PUT",
        )
        return PresignedPart(number, size, str(url), {"x-amz-checksum-sha256": sha256})

    async def parts(self, key: str, multipart_id: str) -> list[StoredPart]:
        """What has arrived. Raises UploadGoneError."""
        return await asyncio.to_thread(self._parts, key, multipart_id)

    def _parts(self, key: str, multipart_id: str) -> list[StoredPart]:
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._name, Key=key, UploadId=multipart_id)
        try:
            return [
                StoredPart(p["PartNumber"], p["Size"], p["ETag"], p.get("ChecksumSHA256"))
                for page in pages
                for p in page.get("Parts", [])
            ]
        except ClientError as error:
            raise _gone(error) from error

    async def complete(self, key: str, multipart_id: str, parts: Sequence[StoredPart]) -> None:
        """Join the parts. Raises UploadGoneError."""
        listed = [
            {"PartNumber": p.number, "ETag": p.etag} | ({"ChecksumSHA256": p.sha256} if p.sha256 else {}) for p in parts
        ]
        try:
            await asyncio.to_thread(
                self._client.complete_multipart_upload,
                Bucket=self._name,
                Key=key,
                UploadId=multipart_id,
                MultipartUpload={"Parts": listed},
            )
        except ClientError as error:
            raise _gone(error) from error

    async def size(self, key: str) -> int | None:
        """Bytes of the object; None if there is none."""
        try:
            answer = await asyncio.to_thread(self._client.head_object, Bucket=self._name, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise
        return int(answer["ContentLength"])

    async def abort(self, key: str, multipart_id: str) -> None:
        """Drop the multipart upload and its parts; repeatable."""
        try:
            await asyncio.to_thread(
                self._client.abort_multipart_upload, Bucket=self._name, Key=key, UploadId=multipart_id
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise


def _gone(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    return UploadGoneError(code) if code in _GONE else error
