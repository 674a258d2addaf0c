"""The routes of uploads: begin, ask for URLs, look, complete, cancel. Owns no S3 call and no row of its own."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, Field, StringConstraints

from services.common import ids, videos
from services.common.access import Seen, SignedIn, User, resources
from services.common.app import state
from services.common.errors import ServiceError, conflict, forbidden, invalid, not_found, refusals
from services.common.inputs import CleanText, GivenId, Id, Input, Line, Output, Whole
from services.contracts.ladder import MAX_SOURCE_BYTES
from services.contracts.media import source_key
from services.uploads import parts, store
from services.uploads.bucket import PresignedPart, UploadGoneError
from services.uploads.service import Uploads
from services.uploads.store import Upload

MAX_OPEN = 20
"""Uploads that one person may have under way in one cell."""
MAX_URLS = 64
_NAMED_PARTS = 20

router = APIRouter()


def _sha256(text: str) -> str:
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    if len(digest) != 32:
        raise ValueError("a SHA-256 has 32 bytes")
    return text


class Begin(Input):
    """What is to be uploaded."""

    channel_id: GivenId
    title: Annotated[Line, StringConstraints(min_length=1, max_length=120)]
    description: Annotated[CleanText, StringConstraints(max_length=5000)] = ""
    tags: Annotated[
        tuple[Annotated[Line, StringConstraints(min_length=1, max_length=40)], ...], Field(max_length=20)
    ] = ()
    visibility: videos.Visibility = videos.Visibility.PUBLIC
    file_name: Annotated[Line, StringConstraints(min_length=1, max_length=255)]
    size: Annotated[Whole, Field(ge=0, le=2**53)]
    content_type: Annotated[str, StringConstraints(max_length=100, pattern=r"^([\w.+-]+/[\w.+-]+)?$")] = ""


class Begun(Output):
    """An upload that may now receive parts."""

    upload_id: Id
    video_id: Id
    part_size: int
    parts: int


class WantedPart(Input):
    """A part that is ready to be sent."""

    number: Annotated[Whole, Field(ge=1, le=parts.MAX_PARTS)]
    sha256: Annotated[str, AfterValidator(_sha256)]
    """Base64 of the digest of its bytes."""


class Wanted(Input):
    """Parts for which URLs are asked."""

    parts: Annotated[tuple[WantedPart, ...], Field(min_length=1, max_length=MAX_URLS)]


class PartUrl(Output):
    """Where and how to send one part."""

    number: int
    size: int
    url: str
    headers: dict[str, str]

    @classmethod
    def of(cls, part: PresignedPart) -> PartUrl:
        """The wire form."""
        return cls(number=part.number, size=part.size, url=part.url, headers=part.headers)


class PartUrls(Output):
    """Answers `Wanted`, in its order."""

    parts: tuple[PartUrl, ...]


class ArrivedPart(Output):
    """A part that is there."""

    number: int
    size: int
    sha256: str | None


class Status(Output):
    """How far an upload is."""

    upload_id: Id
    video_id: Id
    state: str
    file_name: str
    size: int
    part_size: int
    parts: tuple[ArrivedPart, ...]
    """Empty unless it is open."""


class Completed(Output):
    """The upload is whole."""

    upload_id: Id
    video_id: Id
    state: str


def uploads(request: Request) -> Uploads:
    """What the service works with."""
    return state(request, Uploads)


Service = Annotated[Uploads, Depends(uploads)]


async def _own(service: Uploads, upload_id: int, user: SignedIn) -> Upload:
    """The upload, if it is the caller's. To everybody else it does not exist."""
    async with service.router.writer(ids.shard_key(upload_id)) as connection:
        upload = await store.find(connection, upload_id)
    if upload is None or upload.owner_id != user.user_id:
        raise not_found("upload")
    return upload


def _key(upload: Upload) -> str:
    return source_key(ids.encode(upload.video_id))


def _gone() -> ServiceError:
    return ServiceError(410, "upload_expired", "This upload has expired; its parts are deleted. Upload the file again.")


@router.post("/api/uploads", status_code=201, responses=refusals(403, 404, 409, 413, 415))
async def begin(wish: Begin, user: User, seen: Seen, service: Service, request: Request) -> Begun:
    """Registers the video and opens the multipart upload."""
    if wish.size == 0:
        raise invalid("The file is empty (0 bytes). Choose another file.")
    if wish.size > MAX_SOURCE_BYTES:
        raise ServiceError(
            413, "too_large", f"A video may have at most {MAX_SOURCE_BYTES // 1024**3} GiB. Compress it first."
        )
    kind = wish.content_type.partition("/")[0]
    if kind not in ("", "video", "application"):
        raise ServiceError(415, "not_a_video", f"{wish.content_type} is not a video. Choose a video file.")
    shard = ids.shard_key(wish.channel_id)
    async with service.router.writer(shard) as connection:
        owner = await videos.channel_owner(connection, wish.channel_id)
        if owner is None:
            raise not_found("channel")
        if owner != user.user_id:
            raise forbidden("This channel belongs to somebody else.")
        if await store.count_open(connection, user.user_id) >= MAX_OPEN:
            raise conflict(
                "too_many_uploads", f"{MAX_OPEN} of your uploads are open. Finish or cancel one of them first."
            )
    video_id = resources(request).minter.mint(shard)
    key = source_key(ids.encode(video_id))
    multipart_id = await service.bucket.begin(key, wish.content_type or "application/octet-stream")
    upload = Upload(video_id, user.user_id, multipart_id, wish.file_name, wish.size, parts.PART_SIZE, "open")
    video = videos.NewVideo(
        video_id, wish.channel_id, user.user_id, wish.title, wish.description, wish.tags, wish.visibility
    )
    try:
        async with service.router.writer(shard, seen) as connection:
            if not await videos.create(connection, video):
                raise not_found("channel")
            await store.insert(connection, upload)
    except BaseException:
        await service.bucket.abort(key, multipart_id)
        raise
    return Begun(upload_id=video_id, video_id=video_id, part_size=upload.part_size, parts=parts.count(wish.size))


@router.post("/api/uploads/{upload_id}/parts", responses=refusals(404, 409))
async def presign(upload_id: GivenId, wanted: Wanted, user: User, service: Service) -> PartUrls:
    """URLs for parts whose checksums are known."""
    upload = await _own(service, upload_id, user)
    if upload.state != "open":
        raise conflict("upload_closed", f"This upload is {upload.state}; it takes no more parts.")
    urls = []
    for part in wanted.parts:
        try:
            size = parts.size_of(part.number, upload.size, upload.part_size)
        except ValueError as error:
            raise invalid(f"There is no part {part.number}: {error}.") from error
        urls.append(
            PartUrl.of(service.bucket.presign(_key(upload), upload.multipart_id, part.number, size, part.sha256))
        )
    return PartUrls(parts=tuple(urls))


@router.get("/api/uploads/{upload_id}", responses=refusals(404, 410))
async def look(upload_id: GivenId, user: User, service: Service) -> Status:
    """What has arrived, so that an interrupted upload can go on."""
    upload = await _own(service, upload_id, user)
    arrived: list[parts.StoredPart] = []
    if upload.state == "open":
        try:
            arrived = await service.bucket.parts(_key(upload), upload.multipart_id)
        except UploadGoneError as error:
            if not await service.finish_if_whole(upload):
                raise _gone() from error
            upload = await _own(service, upload_id, user)
    return Status(
        upload_id=upload_id,
        video_id=upload_id,
        state=upload.state,
        file_name=upload.file_name,
        size=upload.size,
        part_size=upload.part_size,
        parts=tuple(ArrivedPart(number=p.number, size=p.size, sha256=p.sha256) for p in arrived),
    )


@router.post("/api/uploads/{upload_id}/complete", responses=refusals(404, 409, 410))
async def complete(upload_id: GivenId, user: User, seen: Seen, service: Service) -> Completed:
    """Joins the parts and asks for transcoding. Repeatable: a repetition only asks again, which does no harm."""
    upload = await _own(service, upload_id, user)
    if upload.state == "aborted":
        raise conflict("upload_closed", "This upload was cancelled. Upload the file again.")
    if upload.state == "open":
        await _join(service, upload)
    await service.finish(upload, seen)
    return Completed(upload_id=upload_id, video_id=upload_id, state="complete")


async def _join(service: Uploads, upload: Upload) -> None:
    try:
        arrived = await service.bucket.parts(_key(upload), upload.multipart_id)
        if missing := parts.missing(arrived, upload.size, upload.part_size):
            named = ", ".join(map(str, missing[:_NAMED_PARTS])) + (" and more" if len(missing) > _NAMED_PARTS else "")
            raise conflict("parts_missing", f"{len(missing)} parts are missing or damaged: {named}. Send them again.")
        await service.bucket.complete(_key(upload), upload.multipart_id, sorted(arrived, key=lambda p: p.number))
    except UploadGoneError as error:
        # Completed by an earlier call whose answer was lost, or removed by the lifecycle rule: the object tells.
        if await service.bucket.size(_key(upload)) != upload.size:
            raise _gone() from error


@router.delete("/api/uploads/{upload_id}", status_code=204, responses=refusals(404, 409))
async def cancel(upload_id: GivenId, user: User, seen: Seen, service: Service) -> None:
    """Drops the parts; the video is marked as failed. Repeatable."""
    upload = await _own(service, upload_id, user)
    async with service.router.writer(ids.shard_key(upload_id), seen) as connection:
        if not await store.aborted(connection, upload_id):
            raise conflict("upload_complete", "This upload is complete. Delete the video instead.")
    await service.bucket.abort(_key(upload), upload.multipart_id)
