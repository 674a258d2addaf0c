"""The uploads service against a real database and an emulated S3 and SQS."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.common import ids
from services.contracts.media import parse_message, source_key
from services.uploads.__main__ import SERVICE
from services.uploads.parts import PART_SIZE
from tests.services.media import Media, calling, signed

CONTENT = os.urandom(PART_SIZE + 1000)


def digest(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@dataclass(frozen=True)
class Person:
    """Somebody who calls the service."""

    client: httpx.AsyncClient
    media: Media
    headers: dict[str, str]

    async def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        return await self.client.request(method, path, json=body, headers=self.headers)

    async def begin(self, **changes: object) -> httpx.Response:
        wish = {
            "channel_id": ids.encode(self.media.channel_id),
            "title": "A film",
            "file_name": "film.mp4",
            "size": len(CONTENT),
            "content_type": "video/mp4",
        }
        return await self.call("POST", "/api/uploads", wish | changes)

    async def send(self, upload: str, *numbers: int, content: bytes = CONTENT) -> None:
        pieces = {n: content[(n - 1) * PART_SIZE : n * PART_SIZE] for n in numbers}
        wanted = [{"number": n, "sha256": digest(piece)} for n, piece in pieces.items()]
        answer = await self.call("POST", f"/api/uploads/{upload}/parts", {"parts": wanted})
        assert answer.status_code == 200, answer.text
        async with httpx.AsyncClient() as s3:
            for part in answer.json()["parts"]:
                sent = await s3.put(part["url"], content=pieces[part["number"]], headers=part["headers"])
                assert sent.status_code == 200, sent.text


@pytest.fixture
async def owner(media: Media) -> AsyncIterator[Person]:
    async with calling(SERVICE, media.settings) as client:
        yield Person(client, media, await signed(media, media.owner_id))


async def begun(person: Person) -> str:
    answer = await person.begin()
    assert answer.status_code == 201, answer.text
    upload: str = answer.json()["upload_id"]
    return upload


def code(answer: httpx.Response) -> tuple[int, str]:
    content: dict[str, Any] = answer.json()
    return answer.status_code, content["error"]["code"]


async def test_a_file_arrives_whole_and_the_transcoder_is_asked(owner: Person) -> None:
    answer = await owner.begin()
    assert (answer.json()["part_size"], answer.json()["parts"]) == (PART_SIZE, 2)
    upload = answer.json()["upload_id"]
    await owner.send(upload, 1, 2)
    done = await owner.call("POST", f"/api/uploads/{upload}/complete", {})
    assert done.json() == {"upload_id": upload, "video_id": upload, "state": "complete"}
    stored = owner.media.s3.get_object(Bucket=owner.media.settings.own.buckets.uploads, Key=source_key(upload))
    assert stored["Body"].read() == CONTENT
    (body,) = owner.media.messages()
    assert [request.video for request in parse_message(body)] == [upload]
    assert owner.media.query("SELECT state FROM catalog.videos WHERE id = %s", ids.parse(upload)) == [("processing",)]


async def test_an_interrupted_upload_goes_on_with_the_parts_that_are_missing(owner: Person) -> None:
    upload = await begun(owner)
    await owner.send(upload, 1)
    seen = (await owner.call("GET", f"/api/uploads/{upload}")).json()
    assert (seen["state"], [p["number"] for p in seen["parts"]]) == ("open", [1])
    refused = await owner.call("POST", f"/api/uploads/{upload}/complete", {})
    assert code(refused) == (409, "parts_missing")
    assert "missing or damaged: 2." in refused.text
    await owner.send(upload, 2)
    assert (await owner.call("POST", f"/api/uploads/{upload}/complete", {})).status_code == 200


async def test_completing_twice_is_the_same_as_once(owner: Person) -> None:
    upload = await begun(owner)
    await owner.send(upload, 1, 2)
    answers = [await owner.call("POST", f"/api/uploads/{upload}/complete", {}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert {request for body in owner.media.messages() for request in parse_message(body)} == set(
        parse_message(json.dumps({"video": upload}))
    )


async def test_a_completion_that_died_after_s3_is_finished_by_the_next_call(owner: Person) -> None:
    upload = await begun(owner)
    await owner.send(upload, 1, 2)
    media, key = owner.media, source_key(upload)
    bucket = media.settings.own.buckets.uploads
    ((multipart,),) = media.query("SELECT multipart_id FROM uploads.uploads WHERE video_id = %s", ids.parse(upload))
    parts = media.s3.list_parts(Bucket=bucket, Key=key, UploadId=multipart)["Parts"]
    listed = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in parts]
    media.s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=multipart, MultipartUpload={"Parts": listed})
    assert (await owner.call("GET", f"/api/uploads/{upload}")).json()["state"] == "complete"
    assert len(media.messages()) == 1


async def test_an_upload_whose_parts_were_removed_has_expired(owner: Person) -> None:
    upload = await begun(owner)
    media = owner.media
    ((multipart,),) = media.query("SELECT multipart_id FROM uploads.uploads WHERE video_id = %s", ids.parse(upload))
    media.s3.abort_multipart_upload(
        Bucket=media.settings.own.buckets.uploads, Key=source_key(upload), UploadId=multipart
    )
    assert code(await owner.call("GET", f"/api/uploads/{upload}")) == (410, "upload_expired")
    assert code(await owner.call("POST", f"/api/uploads/{upload}/complete", {})) == (410, "upload_expired")


async def test_a_cancelled_upload_keeps_nothing_and_says_so(owner: Person) -> None:
    upload = await begun(owner)
    await owner.send(upload, 1)
    for _ in range(2):
        assert (await owner.call("DELETE", f"/api/uploads/{upload}")).status_code == 204
    bucket = owner.media.settings.own.buckets.uploads
    assert "Uploads" not in owner.media.s3.list_multipart_uploads(Bucket=bucket)
    assert owner.media.query("SELECT failure_code FROM catalog.videos WHERE id = %s", ids.parse(upload)) == [
        ("upload_cancelled",)
    ]
    assert code(await owner.call("POST", f"/api/uploads/{upload}/complete", {})) == (409, "upload_closed")


async def test_a_complete_upload_cannot_be_cancelled(owner: Person) -> None:
    upload = await begun(owner)
    await owner.send(upload, 1, 2)
    await owner.call("POST", f"/api/uploads/{upload}/complete", {})
    assert code(await owner.call("DELETE", f"/api/uploads/{upload}")) == (409, "upload_complete")


async def test_to_anybody_else_the_upload_does_not_exist(owner: Person) -> None:
    upload = await begun(owner)
    stranger = Person(owner.client, owner.media, await signed(owner.media, owner.media.owner_id + 1))
    wanted = {"parts": [{"number": 1, "sha256": digest(b"")}]}
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/parts", wanted),
        ("POST", "/complete", {}),
        ("DELETE", "", None),
    ):
        assert code(await stranger.call(method, f"/api/uploads/{upload}{path}", body)) == (404, "upload_not_found")
    assert code(await stranger.begin()) == (403, "forbidden")


async def test_without_a_signed_context_nothing_is_answered(owner: Person) -> None:
    anonymous = Person(owner.client, owner.media, await signed(owner.media, None))
    assert (await anonymous.begin()).status_code == 401
    forged = Person(owner.client, owner.media, {"x-meridian-context": "v1.e30.AAAA"})
    assert (await forged.begin()).status_code == 401


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"size": 0}, (422, "invalid_request")),
        ({"size": 65 * 1024**3}, (413, "too_large")),
        ({"size": -1}, (422, "invalid_request")),
        ({"content_type": "image/png"}, (415, "not_a_video")),
        ({"content_type": "video/mp4\r\nx: y"}, (422, "invalid_request")),
        ({"title": ""}, (422, "invalid_request")),
        ({"title": "x" * 121}, (422, "invalid_request")),
        ({"file_name": "a\x00b"}, (422, "invalid_request")),
        ({"channel_id": "nonsense"}, (422, "invalid_request")),
        ({"surprise": 1}, (422, "invalid_request")),
    ],
)
async def test_a_wish_that_cannot_be_met_is_refused_with_a_reason(
    owner: Person, changes: dict[str, object], expected: tuple[int, str]
) -> None:
    assert code(await owner.begin(**changes)) == expected
    assert owner.media.query("SELECT 1 FROM catalog.videos WHERE channel_id = %s", owner.media.channel_id) == []
    assert "Uploads" not in owner.media.s3.list_multipart_uploads(Bucket=owner.media.settings.own.buckets.uploads)


@pytest.mark.parametrize("sha256", ["", "short", "!" * 44, base64.b64encode(b"x" * 31).decode()])
async def test_a_part_needs_a_checksum(owner: Person, sha256: str) -> None:
    upload = await begun(owner)
    answer = await owner.call("POST", f"/api/uploads/{upload}/parts", {"parts": [{"number": 1, "sha256": sha256}]})
    assert code(answer) == (422, "invalid_request")


async def test_a_url_binds_size_and_checksum_of_its_part(owner: Person) -> None:
    upload = await begun(owner)
    wanted = {"parts": [{"number": 2, "sha256": digest(CONTENT[PART_SIZE:])}]}
    (part,) = (await owner.call("POST", f"/api/uploads/{upload}/parts", wanted)).json()["parts"]
    assert part["size"] == 1000
    signed_headers = httpx.URL(part["url"]).params["X-Amz-SignedHeaders"]
    assert signed_headers == "content-length;host;x-amz-checksum-sha256"
    assert part["headers"] == {"x-amz-checksum-sha256": digest(CONTENT[PART_SIZE:])}


async def test_a_part_that_the_file_does_not_have_gets_no_url(owner: Person) -> None:
    upload = await begun(owner)
    wanted = {"parts": [{"number": 3, "sha256": digest(b"")}]}
    assert code(await owner.call("POST", f"/api/uploads/{upload}/parts", wanted)) == (422, "invalid_request")


async def test_a_person_may_have_only_so_many_open_uploads(owner: Person) -> None:
    for _ in range(20):
        await begun(owner)
    assert code(await owner.begin()) == (409, "too_many_uploads")
