"""A job is sent once, followed to its end, and called off with its attempt; MediaConvert is an HTTP server of the test."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from services.contracts.settings import ConverterSettings
from services.transcoder.conversion import Conversion
from services.transcoder.converter import ConversionError, MediaConvert
from services.transcoder.plan import plan
from services.transcoder.probe import Source

SETTINGS = ConverterSettings(queue_arn="arn:aws:mediaconvert:ap-south-1:1:queues/q", role_arn="arn:aws:iam::1:role/r")
SOURCE = Source(
    width=640, height=360, fps=Fraction(25), seconds=5.0, video_stream=0, audio_stream=None, interlaced=False
)
MADE = Conversion("s3://uploads/sources/x", "s3://media/ab/x/converted-1/", plan(SOURCE), sound=False)


@dataclass
class Service:
    """Plays one job through ``states``, one at each question."""

    states: list[dict[str, Any]]
    url: str = ""
    sent: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    def next(self) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"job": {"id": "job-1", "role": "r", "settings": {}, **state}}


@contextmanager
def serving(*states: dict[str, Any]) -> Iterator[Service]:
    service = Service(list(states))

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            service.sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(service.next())

        def do_GET(self) -> None:
            self._answer(service.next())

        def do_DELETE(self) -> None:
            service.cancelled.append(self.path.rpartition("/")[2])
            self._answer({})

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def converter(service: Service) -> MediaConvert:
    client = boto3.client(
        "mediaconvert",
        region_name="ap-south-1",
        endpoint_url=service.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    return MediaConvert(client, "uploads", "media", SETTINGS, poll_seconds=0.01)


RUNNING = {"status": "PROGRESSING", "jobPercentComplete": 40}


async def test_a_job_is_sent_to_the_cells_queue_and_followed_to_its_end() -> None:
    told: list[int] = []

    async def progress(percent: int) -> None:
        told.append(percent)

    with serving({"status": "SUBMITTED"}, RUNNING, {"status": "COMPLETE"}) as service:
        await converter(service).convert(MADE, "video-1", progress)
    (sent,) = service.sent
    assert (sent["queue"], sent["role"], sent["clientRequestToken"]) == (
        SETTINGS.queue_arn,
        SETTINGS.role_arn,
        "video-1",
    )
    assert sent["settings"]["inputs"][0]["fileInput"] == "s3://uploads/sources/x"
    assert told == [0, 40]
    assert service.cancelled == []


@pytest.mark.parametrize("status", ["ERROR", "CANCELED"])
async def test_a_job_that_ends_otherwise_is_told_with_its_reason(status: str) -> None:
    ended = {"status": status, "errorCode": 1404, "errorMessage": "no such object"}

    async def progress(_: int) -> None:
        """Nothing."""

    told = pytest.raises(ConversionError, match=rf"job-1 ended as {status} \(1404: no such object\)")
    with serving(RUNNING, ended) as service, told:
        await converter(service).convert(MADE, "video-1", progress)
    assert service.cancelled == []


async def test_an_attempt_that_is_called_off_calls_its_job_off() -> None:
    begun = asyncio.Event()

    async def progress(_: int) -> None:
        begun.set()

    with serving(RUNNING) as service:
        attempt = asyncio.create_task(converter(service).convert(MADE, "video-1", progress))
        await begun.wait()
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
    assert service.cancelled == ["job-1"]


async def test_an_attempt_that_lost_its_lease_calls_its_job_off() -> None:
    async def progress(_: int) -> None:
        raise RuntimeError("another worker has it")

    with serving(RUNNING) as service, pytest.raises(RuntimeError, match="another worker"):
        await converter(service).convert(MADE, "video-1", progress)
    assert service.cancelled == ["job-1"]
