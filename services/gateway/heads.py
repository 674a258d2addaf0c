"""Request and response heads: strict parsing, and what of them is passed on. Pure; owns no socket.

Stricter than RFC 9112 allows a recipient to be: whatever two parsers could read differently is refused
(bare CR or LF, line folding, white space before the colon, repeated Content-Length or Host, Content-Length together
with Transfer-Encoding, any coding but ``chunked``, any version but HTTP/1.1), so that no request can be smuggled past this hop.
Header lines repeat from request to request, so the verdict on a line is remembered by the line itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from services.contracts.routes import CONTEXT_HEADER, IDENTITY_HEADERS

MAX_HEAD = 16 * 1024
MAX_TARGET = 4 * 1024
MAX_LINES = 64
METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})

_TARGET = re.compile(rb"/[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*(\?[A-Za-z0-9\-._~!$&'()*+,;=:@/?%\[\]|{}\"\\^`]*)?")
_AMBIGUOUS_PATH = re.compile(rb"//|/\.{1,2}(/|$)|%2[eEfF]|%5[cC]|%00|%(?![0-9A-Fa-f]{2})")
_LINE = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*"
)
_HOST = re.compile(rb"[A-Za-z0-9\-._~\[\]:%]{1,255}")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")


class HeadError(Exception):
    """A head that is refused: the status to answer and the reason (safe to show)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class _Kind(IntEnum):
    FORWARD = 0
    DROP = 1
    HOST = 2
    LENGTH = 3
    TRANSFER = 4
    CONNECTION = 5
    EXPECT = 6
    AUTHORIZATION = 7
    ORIGIN = 8
    FORWARDED_FOR = 9
    TRACE = 10
    DEADLINE = 11
    PREFLIGHT = 12


_KINDS: Final[dict[bytes, _Kind]] = {
    b"host": _Kind.HOST,
    b"content-length": _Kind.LENGTH,
    b"transfer-encoding": _Kind.TRANSFER,
    b"connection": _Kind.CONNECTION,
    b"expect": _Kind.EXPECT,
    b"authorization": _Kind.AUTHORIZATION,
    b"origin": _Kind.ORIGIN,
    b"x-forwarded-for": _Kind.FORWARDED_FOR,
    b"traceparent": _Kind.TRACE,
    b"x-meridian-deadline": _Kind.DEADLINE,
    b"access-control-request-method": _Kind.PREFLIGHT,
    # hop by hop (RFC 9110 7.6.1), and what this hop decides itself
    b"keep-alive": _Kind.DROP,
    b"proxy-connection": _Kind.DROP,
    b"proxy-authenticate": _Kind.DROP,
    b"proxy-authorization": _Kind.DROP,
    b"te": _Kind.DROP,
    b"trailer": _Kind.DROP,
    b"upgrade": _Kind.DROP,
    b"http2-settings": _Kind.DROP,
    b"forwarded": _Kind.DROP,
    b"x-real-ip": _Kind.DROP,
    b"accept-encoding": _Kind.DROP,
    **{name.encode(): _Kind.DROP for name in (*IDENTITY_HEADERS, CONTEXT_HEADER)},
}

_MEMO_LINES = 8192
_MEMO_LINE_BYTES = 256
_NOT_REMEMBERED: Final = frozenset(
    {_Kind.AUTHORIZATION, _Kind.TRACE, _Kind.LENGTH, _Kind.DEADLINE, _Kind.FORWARDED_FOR}
)


class LineMemo:
    """Remembers the verdict on header lines that repeat. Bounded: it is emptied when full."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[_Kind, bytes, bytes]] = {}

    def classify(self, line: bytes) -> tuple[_Kind, bytes, bytes]:
        """(kind, lower-case name, value) of one line. Raises `HeadError` if it is malformed."""
        known = self._known.get(line)
        if known is not None:
            return known
        match = _LINE.fullmatch(line)
        if match is None:
            raise HeadError(400, "malformed header line")
        name = match[1].lower()
        kind = _KINDS.get(name, _Kind.FORWARD)
        verdict = (kind, name, match[2])
        if kind not in _NOT_REMEMBERED and len(line) <= _MEMO_LINE_BYTES and name != b"cookie":
            if len(self._known) >= _MEMO_LINES:
                self._known.clear()
            self._known[line] = verdict
        return verdict


@dataclass(slots=True)
class RequestHead:
    """A request head that passed. ``forward`` holds the lines to hand on, without line ends."""

    method: bytes
    target: bytes
    forward: list[bytes]
    keep_alive: bool
    content_length: int | None = None
    chunked: bool = False
    expect_continue: bool = False
    preflight: bool = False
    authorization: bytes | None = None
    origin: bytes | None = None
    forwarded_for: bytes | None = None
    traceparent: bytes | None = None
    deadline_ms: int | None = None

    @property
    def has_body(self) -> bool:
        """Whether body bytes follow the head."""
        return self.chunked or bool(self.content_length)


def parse_request(head: bytes, memo: LineMemo) -> RequestHead:
    """Parses ``head`` (up to, without, the blank line). Raises `HeadError` with the status to answer."""
    if len(head) > MAX_HEAD:
        raise HeadError(431, "request head too large")
    lines = head.split(b"\r\n")
    ends = len(lines) - 1
    if head.count(b"\n") != ends or head.count(b"\r") != ends or b"\0" in head:
        raise HeadError(400, "bare CR, LF or NUL in the head")
    if ends > MAX_LINES:
        raise HeadError(431, "too many header lines")
    request = _request_line(lines[0])
    hosts = 0
    nominated: list[bytes] = []
    forward = request.forward
    for line in lines[1:]:
        kind, _, value = memo.classify(line)
        if kind is _Kind.FORWARD:
            forward.append(line)
        elif kind is _Kind.DROP:
            continue
        elif kind is _Kind.HOST:
            hosts += 1
            if not _HOST.fullmatch(value):
                raise HeadError(400, "malformed Host")
            forward.append(line)
        elif kind is _Kind.CONNECTION:
            nominated += _connection(request, value)
        else:
            _special(request, kind, value)
            if kind is _Kind.ORIGIN:
                forward.append(line)
    if hosts != 1:
        raise HeadError(400, "exactly one Host is needed")
    if request.chunked and request.content_length is not None:
        raise HeadError(400, "Content-Length beside Transfer-Encoding")
    if nominated:
        prefixes = tuple(name + b":" for name in nominated)
        request.forward = [line for line in forward if not line.lower().startswith(prefixes)]
    return request


def _request_line(line: bytes) -> RequestHead:
    parts = line.split(b" ")
    if len(parts) != 3:
        raise HeadError(400, "malformed request line")
    method, target, version = parts
    if version != b"HTTP/1.1":
        raise HeadError(505 if version.startswith(b"HTTP/") else 400, "HTTP version not supported")
    if method not in METHODS:
        raise HeadError(501 if method.isalpha() else 400, "method not supported")
    if len(target) > MAX_TARGET:
        raise HeadError(414, "target too long")
    if not _TARGET.fullmatch(target) or _AMBIGUOUS_PATH.search(target.partition(b"?")[0]):
        raise HeadError(400, "malformed target")
    return RequestHead(method, target, [], keep_alive=True)


def _connection(request: RequestHead, value: bytes) -> list[bytes]:
    """Applies a Connection line; returns the header names that it declares hop-by-hop."""
    names = [token.strip().lower() for token in value.split(b",")]
    if b"close" in names:
        request.keep_alive = False
    return [name for name in names if name not in (b"close", b"keep-alive", b"upgrade", b"te", b"")]


def _special(request: RequestHead, kind: _Kind, value: bytes) -> None:
    if kind is _Kind.LENGTH:
        if request.content_length is not None or not value.isdigit() or len(value) > 15:
            raise HeadError(400, "malformed or repeated Content-Length")
        request.content_length = int(value)
    elif kind is _Kind.TRANSFER:
        if request.chunked:
            raise HeadError(400, "repeated Transfer-Encoding")
        if value.lower() != b"chunked":
            raise HeadError(501, "transfer coding not supported")
        request.chunked = True
    elif kind is _Kind.EXPECT:
        if value.lower() != b"100-continue":
            raise HeadError(417, "expectation not supported")
        request.expect_continue = True
    elif kind is _Kind.AUTHORIZATION:
        if request.authorization is not None:
            raise HeadError(400, "repeated Authorization")
        request.authorization = value
    elif kind is _Kind.ORIGIN:
        request.origin = value
    elif kind is _Kind.FORWARDED_FOR:
        request.forwarded_for = value
    elif kind is _Kind.TRACE:
        request.traceparent = value
    elif kind is _Kind.PREFLIGHT:
        request.preflight = True
    elif kind is _Kind.DEADLINE and value.isdigit() and len(value) <= 8:
        request.deadline_ms = int(value)


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """A service's response head. ``lines`` are those to hand on, each with its line end."""

    status: int
    lines: bytes
    content_length: int | None
    chunked: bool
    keep_alive: bool


_RESPONSE_DROP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"te", b"trailer", b"upgrade", b"server", b"x-powered-by"}
)


class ResponseMemo:
    """Parses response heads and remembers those that repeat (within a second, Date included). Bounded."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, ResponseHead] = {}

    def parse(self, head: bytes) -> ResponseHead:
        """Parses ``head`` (up to, without, the blank line). Raises `HeadError` (502) if it is malformed."""
        known = self._known.get(head)
        if known is None:
            known = _parse_response(head)
            if len(self._known) >= 1024:
                self._known.clear()
            self._known[head] = known
        return known


def _parse_response(head: bytes) -> ResponseHead:
    lines = head.split(b"\r\n")
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1 or b"\0" in head:
        raise HeadError(502, "the service answered a malformed head")
    status_line = _STATUS_LINE.fullmatch(lines[0])
    if status_line is None:
        raise HeadError(502, "the service answered a malformed status line")
    keep_alive = status_line[1] == b"1"
    length: int | None = None
    chunked = False
    kept: list[bytes] = []
    for line in lines[1:]:
        match = _LINE.fullmatch(line)
        if match is None:
            raise HeadError(502, "the service answered a malformed header line")
        name, value = match[1].lower(), match[2]
        if name == b"content-length":
            if length is not None or not value.isdigit():
                raise HeadError(502, "the service answered a malformed Content-Length")
            length = int(value)
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked":
                raise HeadError(502, "the service answered an unknown transfer coding")
            chunked = True
        elif name == b"connection":
            keep_alive = keep_alive and b"close" not in value.lower()
        if name not in _RESPONSE_DROP:
            kept.append(line)
    if chunked and length is not None:
        raise HeadError(502, "the service answered both Content-Length and Transfer-Encoding")
    return ResponseHead(
        status=int(status_line[2]),
        lines=b"".join(line + b"\r\n" for line in kept),
        content_length=length,
        chunked=chunked,
        keep_alive=keep_alive,
    )
