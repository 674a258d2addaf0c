"""A service for tests of the runner: ready after a moment, says how it was started, ends when told to.

``TINY=broken`` makes it end at its start with a reason in its log.
"""

from __future__ import annotations

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

STARTED = time.monotonic()
READY_AFTER = 0.5


class Handler(BaseHTTPRequestHandler):
    """Answers /health/ready, and anything else with the environment that a service is promised."""

    def do_GET(self) -> None:
        early = self.path == "/health/ready" and time.monotonic() - STARTED < READY_AFTER
        self.send_response(503 if early else 200)
        self.end_headers()
        names = ("MERIDIAN_SETTINGS", "MERIDIAN_INSTANCE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID")
        self.wfile.write(json.dumps({name: os.environ.get(name) for name in names}).encode())


if __name__ == "__main__":
    if os.environ.get("TINY") == "broken":
        print("no luck today", flush=True)
        sys.exit(7)
    print("serving", flush=True)
    HTTPServer((os.environ["MERIDIAN_HOST"], int(os.environ["MERIDIAN_PORT"])), Handler).serve_forever()
