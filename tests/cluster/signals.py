"""Who answers when KEDA asks pods for a gauge, since no pod of a cluster of fake nodes can.

An HTTP proxy on this machine, through which KEDA's operator is told to reach everything that is not on it. A request for
an address inside the cluster gets the exposition that a pod there would give; nothing is ever handed on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from typing_extensions import override

from local.ports import LOOPBACK
from services.contracts.load import CONNECTIONS, LAG


@dataclass(slots=True)
class Signals:
    """What pods show: one pod shows all of a gauge, the others 0."""

    url: str
    shown: dict[str, tuple[float, str]] = field(default_factory=dict)
    """Gauge -> its value, and the address of the pod that shows it."""
    silent: bool = False
    """No pod answers."""

    def show(self, gauge: str, value: float, address: str) -> None:
        """From now on the pod at `address` shows this."""
        self.shown[gauge] = (value, address)

    def answer(self, url: str) -> bytes | None:
        """The exposition of a pod; None from one that does not answer."""
        parts = urlsplit(url)
        if self.silent or parts.path != "/metrics":
            return None
        registry = CollectorRegistry()
        for gauge in (CONNECTIONS, LAG):
            value, bearer = self.shown.get(gauge, (0.0, ""))
            Gauge(gauge, "As a pod shows it.", registry=registry).set(value if bearer == parts.hostname else 0.0)
        return generate_latest(registry)


@contextmanager
def serving() -> Iterator[Signals]:
    """The proxy, for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = signals.answer(self.path)
            self.send_response(200 if body is not None else 503)
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Quiet: what was asked is in `asked`."""

    with ThreadingHTTPServer((LOOPBACK, 0), Handler) as server:
        signals = Signals(f"http://{LOOPBACK}:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, name="signals")
        thread.start()
        try:
            yield signals
        finally:
            server.shutdown()
            thread.join()
