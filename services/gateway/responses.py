"""What the gateway itself answers, and the headers that it adds to every answer. Pure bytes; owns no socket."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Final

SECURITY_HEADERS: Final = (
    b"X-Content-Type-Options: nosniff\r\n"
    b"X-Frame-Options: DENY\r\n"
    b"Referrer-Policy: no-referrer\r\n"
    b"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    b"Cross-Origin-Resource-Policy: same-site\r\n"
    # Read over TLS only (RFC 6797 8.1); the embedded edge takes it away.
    b"Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n"
)
"""On every answer of the API: it is data, never a document."""

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_PREFLIGHT_SECONDS: Final = 600
_ALLOWED_HEADERS: Final = b"authorization, content-type, traceparent, x-meridian-seen"

STATUS_LINES: Final = {
    status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus
}


def status_line(status: int) -> bytes:
    """The status line, for known and unknown numbers."""
    return STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status


def connection_line(keep_alive: bool) -> bytes:
    """The Connection header."""
    return b"Connection: keep-alive\r\n" if keep_alive else b"Connection: close\r\n"


class Cors:
    """Cross-origin answers for exactly the origins of the page; never ``*``."""

    __slots__ = ("_lines", "_plain", "_tails")

    def __init__(self, origins: Iterable[str]) -> None:
        self._tails: dict[tuple[bytes | None, bool], bytes] = {}
        self._plain = b"Vary: Origin\r\n" + SECURITY_HEADERS + connection_line(True) + b"\r\n"
        self._lines = {
            origin.encode(): (
                b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\n"
                b"Access-Control-Expose-Headers: RateLimit, RateLimit-Policy, Retry-After, X-Meridian-Seen\r\n"
                b"Vary: Origin\r\n" % origin.encode()
            )
            for origin in origins
        }

    def lines(self, origin: bytes | None) -> bytes:
        """Headers for an answer to ``origin``; without a known origin only that the answer varies."""
        if origin is None:
            return b"Vary: Origin\r\n"
        return self._lines.get(origin, b"Vary: Origin\r\n")

    def tail(self, origin: bytes | None, keep_alive: bool) -> bytes:
        """The end of every head: what `lines` says, security headers, Connection, the blank line."""
        if origin is None and keep_alive:
            return self._plain
        key = (origin if origin in self._lines else None, keep_alive)
        known = self._tails.get(key)
        if known is None:
            known = self.lines(origin) + SECURITY_HEADERS + connection_line(keep_alive) + b"\r\n"
            self._tails[key] = known
        return known

    def allows(self, origin: bytes | None) -> bool:
        """Whether ``origin`` may call."""
        return origin in self._lines

    def preflight(self, origin: bytes | None, methods: Iterable[bytes], keep_alive: bool) -> bytes:
        """The answer to a preflight request for a path that has ``methods``."""
        allowed = b""
        if self.allows(origin):
            allowed = (
                b"Access-Control-Allow-Methods: %b\r\nAccess-Control-Allow-Headers: %b\r\n"
                b"Access-Control-Max-Age: %d\r\n" % (b", ".join(methods), _ALLOWED_HEADERS, _PREFLIGHT_SECONDS)
            )
        return (
            status_line(204) + allowed + self.lines(origin) + SECURITY_HEADERS + connection_line(keep_alive) + b"\r\n"
        )


def error(
    status: int,
    code: str,
    message: str,
    *,
    extra: bytes = b"",
    keep_alive: bool,
    body: bool = True,
    fields: Sequence[Mapping[str, str]] = (),
) -> bytes:
    """An error in the form all services use. ``extra``: header lines with line ends; ``body``: false for HEAD."""
    detail: dict[str, object] = {"code": code, "message": message}
    if fields:
        detail["fields"] = list(fields)
    content = json.dumps({"error": detail}).encode()
    return b"".join(
        (
            status_line(status),
            b"Content-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: %d\r\n" % len(content),
            extra,
            SECURITY_HEADERS,
            connection_line(keep_alive),
            b"\r\n",
            content if body else b"",
        )
    )
