"""Request and response heads: strict parsing, and what of them is passed on. Pure; owns no socket.

Stricter than RFC 9112 allows a recipient to be: whatever two parsers could read differently is refused
(bare CR or LF, line folding, white space before the colon, repeated Content-Length or Host, Content-Length together
with Transfer-Encoding, any coding but ``chunked``, any version but HTTP/1.1), so that no request can be smuggled past this hop.
Headers repeat from request to request: what precedes the trace context is remembered as a block, by its hash, so that no
token is kept; single lines are remembered by themselves.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from services.contracts.routes import CONTEXT_HEADER, IDENTITY_HEADERS
from services.gateway import responses, tracing

MAX_HEAD = 16 * 1024
MAX_TARGET = 4 * 1024
MAX_LINES = 64
METHODS: Final = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE"})

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


# What a header is to this hop. Plain integers: an enum's member costs a look-up each time.
_FORWARD: Final = 0
_DROP: Final = 1
_HOST_LINE: Final = 2
_LENGTH: Final = 3
_TRANSFER: Final = 4
_CONNECTION: Final = 5
_EXPECT: Final = 6
_AUTHORIZATION: Final = 7
_ORIGIN: Final = 8
_FORWARDED_FOR: Final = 9
_TRACE: Final = 10
_DEADLINE: Final = 11
_PREFLIGHT: Final = 12

_KINDS: Final[dict[bytes, int]] = {
    b"host": _HOST_LINE,
    b"content-length": _LENGTH,
    b"transfer-encoding": _TRANSFER,
    b"connection": _CONNECTION,
    b"expect": _EXPECT,
    b"authorization": _AUTHORIZATION,
    b"origin": _ORIGIN,
    b"x-forwarded-for": _FORWARDED_FOR,
    b"traceparent": _TRACE,
    b"x-meridian-deadline": _DEADLINE,
    b"access-control-request-method": _PREFLIGHT,
    # hop by hop (RFC 9110 7.6.1), and what this hop decides itself
    b"keep-alive": _DROP,
    b"proxy-connection": _DROP,
    b"proxy-authenticate": _DROP,
    b"proxy-authorization": _DROP,
    b"te": _DROP,
    b"trailer": _DROP,
    b"upgrade": _DROP,
    b"http2-settings": _DROP,
    b"forwarded": _DROP,
    b"x-real-ip": _DROP,
    b"accept-encoding": _DROP,
    **{name.encode(): _DROP for name in (*IDENTITY_HEADERS, CONTEXT_HEADER)},
}

_REPEATING: Final = frozenset(
    {
        *(b"host", b"user-agent", b"accept", b"accept-language", b"accept-encoding", b"content-type", b"origin"),
        *(b"connection", b"referer", b"cache-control", b"pragma", b"dnt", b"priority", b"x-forwarded-proto"),
        *(b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform", b"sec-fetch-site", b"sec-fetch-mode"),
        *(b"sec-fetch-dest", b"upgrade-insecure-requests"),
    }
)
"""Headers whose whole lines recur from request to request. Lines of others are new each time or nobody's to keep."""
_PER_REQUEST: Final = b"\r\ntraceparent:"
"""Where a head stops being what this caller sends each time. Elsewhere in the head it only makes the block smaller."""
_MEMO_BLOCKS: Final = 16384
_MEMO_LINES: Final = 8192
_MEMO_NAMES: Final = 1024
_MEMO_LINE_BYTES: Final = 200
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VISIBLE: Final = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
"""Bytes that a header's value may have (RFC 9110 5.5)."""


class HeadMemo:
    """Remembers verdicts on what repeats: blocks, request lines, header lines, names. Bounded: each is emptied when full."""

    __slots__ = ("_blocks", "_lines", "_names", "_once", "_requests")

    def __init__(self) -> None:
        self._blocks: dict[bytes, Block] = {}
        self._once: set[bytes] = set()
        self._lines: dict[bytes, tuple[int, bytes]] = {}
        self._names: dict[bytes, tuple[int, bool]] = {}
        self._requests: dict[bytes, tuple[bytes, bytes, bytes]] = {}

    def block(self, data: bytes) -> Block:
        """What the header lines in ``data`` (each with the line end before it) amount to. Raises `HeadError`."""
        digest = hashlib.sha256(data).digest()
        known = self._blocks.get(digest)
        if known is None:
            known = Block(data, self)
            # Kept at its second appearance, so that heads which never repeat take the place of none that do.
            if digest in self._once:
                if len(self._blocks) >= _MEMO_BLOCKS:
                    self._blocks.clear()
                self._blocks[digest] = known
            else:
                if len(self._once) >= _MEMO_BLOCKS:
                    self._once.clear()
                self._once.add(digest)
        return known

    def known_block(self, data: bytes) -> Block | None:
        """What `block` said before of the same ``data``, if it is remembered. What was refused never is."""
        return self._blocks.get(hashlib.sha256(data).digest())

    def request_line(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """(method, target, path). Raises `HeadError`."""
        known = self._requests.get(line)
        if known is None:
            known = _request_line(line)
            if len(self._requests) >= _MEMO_LINES:
                self._requests.clear()
            if len(line) <= _MEMO_LINE_BYTES:
                self._requests[line] = known
        return known

    def classify(self, line: bytes) -> tuple[int, bytes]:
        """(kind, value) of one header line. Raises `HeadError` if it is malformed."""
        name, colon, value = line.partition(b":")
        kind, repeats = self._names.get(name) or self._learn(name)
        repeats = repeats and len(line) <= _MEMO_LINE_BYTES
        if repeats:
            known = self._lines.get(line)
            if known is not None:
                return known
        if not colon:
            raise HeadError(400, "malformed header line")
        value = value.strip(b" \t")
        if kind == _AUTHORIZATION:
            # The rest of a token is the verifier's affair: an unknown one is refused, and none is passed on.
            if b"\r" in value or b"\n" in value or b"\0" in value:
                raise HeadError(400, "bare CR, LF or NUL in the head")
        elif kind == _TRACE and tracing.FORM.fullmatch(value):
            return kind, value
        elif not value.isalnum() and value.translate(None, _VISIBLE):
            raise HeadError(400, "a control character in a header")
        elif kind == _TRACE:
            # Not a trace context: another is begun.
            kind = _DROP
        if kind == _HOST_LINE and not _HOST.fullmatch(value):
            raise HeadError(400, "malformed Host")
        verdict = (kind, value)
        if repeats:
            if len(self._lines) >= _MEMO_LINES:
                self._lines.clear()
            self._lines[line] = verdict
        return verdict

    def _learn(self, name: bytes) -> tuple[int, bool]:
        if not _NAME.fullmatch(name):
            raise HeadError(400, "malformed header name")
        lower = name.lower()
        learnt = (_KINDS.get(lower, _FORWARD), lower in _REPEATING)
        if len(self._names) >= _MEMO_NAMES:
            self._names.clear()
        if len(name) <= _MEMO_LINE_BYTES:
            self._names[name] = learnt
        return learnt


class Headers:
    """What header lines amount to, as far as this hop is concerned.

    ``forward``: what to hand on, each part one line or several, without the last line end.
    """

    __slots__ = (
        "authorization",
        "chunked",
        "content_length",
        "count",
        "deadline_ms",
        "expect_continue",
        "forward",
        "forwarded_for",
        "hosts",
        "keep_alive",
        "nominated",
        "origin",
        "preflight",
        "traceparent",
    )

    def __init__(self) -> None:
        self.count = 0
        self.hosts = 0
        self.nominated: list[bytes] = []
        """Names that a Connection line declares hop-by-hop."""
        self.forward: list[bytes] = []
        self.keep_alive = True
        self.content_length: int | None = None
        self.chunked = False
        self.expect_continue = False
        self.preflight = False
        self.authorization: bytes | None = None
        self.origin: bytes | None = None
        self.forwarded_for: bytes | None = None
        self.traceparent: bytes | None = None
        self.deadline_ms: int | None = None

    def read(self, lines: list[bytes], memo: HeadMemo) -> None:
        """Adds ``lines``. Raises `HeadError`."""
        self.count += len(lines)
        if self.count > MAX_LINES:
            raise HeadError(431, "too many header lines")
        forward = self.forward
        for line in lines:
            kind, value = memo.classify(line)
            if kind == _FORWARD:
                forward.append(line)
            elif kind == _DROP:
                continue
            elif kind == _TRACE:
                self.traceparent = value
            elif kind == _HOST_LINE:
                self.hosts += 1
                forward.append(line)
            elif kind == _CONNECTION:
                self.nominated = self.nominated + _connection(self, value)
            else:
                _special(self, kind, value)
                if kind == _ORIGIN:
                    forward.append(line)


class Block:
    """The headers that a caller sends each time. ``credential``: the hash of its token; where that is, not the token."""

    __slots__ = ("credential", "headers", "joined", "token_at", "token_end")

    def __init__(self, data: bytes, memo: HeadMemo) -> None:
        headers = Headers()
        headers.read(data.split(b"\r\n")[1:], memo)
        self.credential: bytes | None = None
        self.token_at = self.token_end = 0
        if headers.authorization is not None:
            self.credential = hashlib.sha256(headers.authorization).digest()
            self.token_at = data.find(headers.authorization)
            self.token_end = self.token_at + len(headers.authorization)
            headers.authorization = b""
        self.headers = headers
        self.joined = b"\r\n".join(headers.forward)


class RequestHead(Headers):
    """A request head that passed. ``path``: the target's, without its query."""

    __slots__ = ("_block_at", "_token_at", "_token_end", "_whole", "credential", "method", "path", "target")

    def __init__(self, method: bytes, target: bytes, path: bytes, whole: bytes, block_at: int, block: Block) -> None:
        known = block.headers
        self.method = method
        self.path = path
        self.target = target
        self.count = known.count
        self.hosts = known.hosts
        self.nominated = known.nominated
        self.forward = [block.joined] if block.joined else []
        self.keep_alive = known.keep_alive
        self.content_length = known.content_length
        self.chunked = known.chunked
        self.expect_continue = known.expect_continue
        self.preflight = known.preflight
        self.authorization = known.authorization
        self.origin = known.origin
        self.forwarded_for = known.forwarded_for
        self.traceparent = known.traceparent
        self.deadline_ms = known.deadline_ms
        self.credential = block.credential
        self._whole = whole
        self._token_at = block_at + block.token_at
        self._token_end = block_at + block.token_end

    @property
    def has_body(self) -> bool:
        """Whether body bytes follow the head."""
        return self.chunked or bool(self.content_length)

    def token(self) -> bytes:
        """The value of Authorization, as it was sent. Only where there is a ``credential``."""
        return self.authorization or self._whole[self._token_at : self._token_end]


def recall_request(data: bytes, memo: HeadMemo) -> RequestHead | None:
    """The request whose head is all of ``data``, if what its caller sends each time is remembered. None: look closer.

    Says what `parse_request` would say of the same head, but does not look for its end: a block that is remembered
    has no blank line in it. Raises `HeadError`.
    """
    start = data.find(b"\r\n")
    end = data.rfind(_PER_REQUEST)
    if end < 0 or len(data) > MAX_HEAD or not data.endswith(b"\r\n\r\n"):
        return None
    block = memo.known_block(data[start:end])
    if block is None:
        return None
    lines = data[end + 2 : -4].split(b"\r\n")
    if b"" in lines:
        return None
    return _request(memo.request_line(data[:start]), data, start, block, lines, memo)


def parse_request(head: bytes, memo: HeadMemo) -> RequestHead:
    """Parses ``head`` (up to, without, the blank line). Raises `HeadError` with the status to answer."""
    if len(head) > MAX_HEAD:
        raise HeadError(431, "request head too large")
    # A CR, LF or NUL that is left in a line is found where the line is read.
    start = head.find(b"\r\n")
    if start < 0:
        start = len(head)
    line = memo.request_line(head[:start])
    end = head.rfind(_PER_REQUEST, start)
    if end < 0:
        return _request(line, head, start, memo.block(head[start:]), [], memo)
    return _request(line, head, start, memo.block(head[start:end]), head[end + 2 :].split(b"\r\n"), memo)


def _request(
    line: tuple[bytes, bytes, bytes], whole: bytes, start: int, block: Block, lines: list[bytes], memo: HeadMemo
) -> RequestHead:
    """The request with the request line ``line``, the ``block`` that begins at ``start``, and ``lines`` after it."""
    method, target, path = line
    request = RequestHead(method, target, path, whole, start, block)
    if lines:
        request.read(lines, memo)
        if request.credential is None and request.authorization is not None:
            request.credential = hashlib.sha256(request.authorization).digest()
    if request.hosts != 1:
        raise HeadError(400, "exactly one Host is needed")
    if request.chunked and request.content_length is not None:
        raise HeadError(400, "Content-Length beside Transfer-Encoding")
    if request.nominated:
        prefixes = tuple(name + b":" for name in request.nominated)
        lines = b"\r\n".join(request.forward).split(b"\r\n")
        request.forward = [line for line in lines if not line.lower().startswith(prefixes)]
    return request


def _request_line(line: bytes) -> tuple[bytes, bytes, bytes]:
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
    path = target.partition(b"?")[0]
    if not _TARGET.fullmatch(target) or _AMBIGUOUS_PATH.search(path):
        raise HeadError(400, "malformed target")
    return method, target, path


def _connection(request: Headers, value: bytes) -> list[bytes]:
    """Applies a Connection line; returns the header names that it declares hop-by-hop."""
    names = [token.strip().lower() for token in value.split(b",")]
    if b"close" in names:
        request.keep_alive = False
    return [name for name in names if name not in (b"close", b"keep-alive", b"upgrade", b"te", b"")]


def _special(request: Headers, kind: int, value: bytes) -> None:
    if kind == _LENGTH:
        if request.content_length is not None or not value.isdigit() or len(value) > 15:
            raise HeadError(400, "malformed or repeated Content-Length")
        request.content_length = int(value)
    elif kind == _TRANSFER:
        if request.chunked:
            raise HeadError(400, "repeated Transfer-Encoding")
        if value.lower() != b"chunked":
            raise HeadError(501, "transfer coding not supported")
        request.chunked = True
    elif kind == _EXPECT:
        if value.lower() != b"100-continue":
            raise HeadError(417, "expectation not supported")
        request.expect_continue = True
    elif kind == _AUTHORIZATION:
        if request.authorization is not None:
            raise HeadError(400, "repeated Authorization")
        request.authorization = value
    elif kind == _ORIGIN:
        request.origin = value
    elif kind == _FORWARDED_FOR:
        request.forwarded_for = value
    elif kind == _PREFLIGHT:
        request.preflight = True
    elif kind == _DEADLINE and value.isdigit() and len(value) <= 8:
        request.deadline_ms = int(value)


class ResponseHead:
    """A service's response head. ``lines`` are those to hand on, status line first, each with its line end."""

    __slots__ = ("chunked", "content_length", "keep_alive", "lines", "status")

    def __init__(self, status: int, lines: bytes, content_length: int | None, chunked: bool, keep_alive: bool) -> None:
        self.status = status
        self.lines = lines
        self.content_length = content_length
        self.chunked = chunked
        self.keep_alive = keep_alive


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
    status = int(status_line[2])
    return ResponseHead(
        status=status,
        lines=responses.status_line(status) + b"".join([line + b"\r\n" for line in kept]),
        content_length=length,
        chunked=chunked,
        keep_alive=keep_alive,
    )
