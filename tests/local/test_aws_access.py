"""A question to an emulated AWS that is just being restarted is asked again, and answered."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.aws_access import Emulated
from tests.servers import free_port

LATE_SECONDS = 1.5


class Answering(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"Parameter": {"Name": "deployed", "Value": "yes"}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""


def test_a_question_waits_for_an_emulator_that_comes_back() -> None:
    port = free_port()
    servers: list[ThreadingHTTPServer] = []

    def begin() -> None:
        time.sleep(LATE_SECONDS)
        servers.append(ThreadingHTTPServer(("127.0.0.1", port), Answering))
        servers[0].serve_forever()

    thread = threading.Thread(target=begin)
    thread.start()
    try:
        assert Emulated(port).parameter("deployed") == "yes"
    finally:
        while not servers:
            time.sleep(0.05)
        servers[0].shutdown()
        servers[0].server_close()
        thread.join()
