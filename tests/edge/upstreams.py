"""Tiny real HTTP servers behind a real nginx: each answers who it is and what it was asked."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve


@dataclass
class Upstream:
    """One server. ``objects``: bodies by path; anything else is answered with an echo, or 404 where ``strict``."""

    name: str
    port: int = 0
    objects: dict[str, bytes] = field(default_factory=dict)
    strict: bool = False
    status: int = 200
    failing: int = 0
    """The status of every answer, if not 0."""
    seconds: float = 0.0
    """How long each answer takes."""
    seen: list[str] = field(default_factory=list)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of the last request by its line in ``seen``."""


@contextmanager
def serving(upstream: Upstream) -> Iterator[Upstream]:
    """Serve until the end of the block; `Upstream.port` is set."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            received = self.rfile.read(length)
            line = f"{self.command} {self.path}"
            upstream.seen.append(line)
            upstream.headers[line] = {key.lower(): value for key, value in self.headers.items()}
            time.sleep(upstream.seconds)
            stored = upstream.objects.get(self.path.split("?")[0])
            status = upstream.status
            if upstream.failing:
                status, body = upstream.failing, b"failing"
            elif stored is not None:
                body = stored
            elif upstream.strict:
                status, body = 404, b"no such key"
            else:
                body = json.dumps(
                    {
                        "server": upstream.name,
                        "method": self.command,
                        "path": self.path,
                        "length": len(received),
                        "headers": {key.lower(): value for key, value in self.headers.items()},
                    }
                ).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Access-Control-Allow-Origin", "https://somewhere.else")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", upstream.port), Handler)
    server.daemon_threads = True
    upstream.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def echoing(name: str) -> Iterator[int]:
    """A realtime instance: echoes over WebSocket, and says who it is to a plain request. Yields its port."""

    def identify(connection: ServerConnection, request: Request) -> Response | None:
        if request.headers.get("Upgrade"):
            return None
        answer = connection.respond(200, json.dumps({"server": name}))
        answer.headers["Connection"] = "close"
        return answer

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(f"{name}: {message!r}")

    with serve(echo, "127.0.0.1", 0, process_request=identify) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join()
