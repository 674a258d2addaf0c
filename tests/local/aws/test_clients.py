"""What the provider's clients do with answers that are none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from local.aws.engine.clients import AwsError, Clients

IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:root</Arn><UserId>A</UserId><Account>123456789012</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""
CRASH = b"<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n"


class Crashing(HTTPServer):
    """Answers so many requests with a page of HTML, then as it should."""

    def __init__(self, crashes: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.crashes = crashes


class Handler(BaseHTTPRequestHandler):
    server: Crashing

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.crashes -= 1
        status, body = (500, CRASH) if self.server.crashes >= 0 else (200, IDENTITY)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


@pytest.fixture(params=[2, 1_000], ids=["twice", "always"])
def crashing(request: pytest.FixtureRequest) -> Iterator[Crashing]:
    server = Crashing(request.param)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_emulator_that_crashed_is_asked_again_and_told_of_if_it_goes_on(crashing: Crashing) -> None:
    clients = Clients(f"http://127.0.0.1:{crashing.server_port}")
    if crashing.crashes < 1_000:
        assert clients.account == "123456789012"
    else:
        with pytest.raises(AwsError, match="the emulator's answer is no answer of this operation"):
            _ = clients.account
