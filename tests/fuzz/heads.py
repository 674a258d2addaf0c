"""What must hold of the gateway's parsers for any bytes at all. Used by the fuzzer and, on mutated cases, by the tests."""

import re
from collections.abc import Callable
from urllib.parse import parse_qsl

from services.contracts.routes import CONTEXT_HEADER, IDENTITY_HEADERS
from services.gateway.bodies import BodyError, Chunked
from services.gateway.forms import FormError, Forms
from services.gateway.heads import HeadError, HeadMemo, RequestHead, ResponseMemo, parse_request, recall_request

FORBIDDEN = tuple(
    name.encode() + b":"
    for name in (*IDENTITY_HEADERS, CONTEXT_HEADER, "authorization", "transfer-encoding", "content-length", "upgrade")
)
PAGED = Forms.load().of("GET", "/api/channels/{channel_id}/videos")
_ID = re.compile(rb"[0-9A-Za-z]{11}")
_memo = HeadMemo()
_responses = ResponseMemo()


def one_input(data: bytes) -> None:
    """Raises AssertionError if a parser let something through that it must not, or anything else if it broke."""
    head = data.partition(b"\r\n\r\n")[0]
    _request(head)
    _recalled(head + b"\r\n\r\n")
    _recalled(data)
    _chunked(data)
    _form(data)
    assert _refusal(lambda: _responses.parse(head)) in (0, 502)


def _request(head: bytes) -> None:
    status = _refusal(lambda: parse_request(head, _memo))
    # A memory that knows the lines must say the same as one that sees them first.
    assert _refusal(lambda: parse_request(head, HeadMemo())) == status
    if status:
        assert 400 <= status <= 505
        return
    request = parse_request(head, HeadMemo())
    lines = _lines(request)
    # The second appearance of a block is remembered, so that the third is read from memory.
    for _ in range(2):
        assert _all(parse_request(head, _memo)) == _all(request)
    assert not (request.chunked and request.content_length is not None)
    hosts = 0
    for line in lines:
        assert b"\r" not in line
        assert b"\n" not in line
        assert b"\0" not in line
        lower = line.lower()
        assert not lower.startswith(FORBIDDEN)
        assert line[:1] not in b" \t"
        hosts += lower.startswith(b"host:")
    assert hosts == 1
    assert b" " not in request.target
    forwarded = b"\r\n".join((b"GET " + request.target + b" HTTP/1.1", *lines))
    assert _lines(parse_request(forwarded, HeadMemo())) == lines


def _recalled(data: bytes) -> None:
    """What is recalled is one whole head, and the same as if it were read anew."""
    status = _refusal(lambda: recall_request(data, _memo))
    request = None if status else recall_request(data, _memo)
    if status or request is not None:
        assert data.find(b"\r\n\r\n") == len(data) - 4
        assert _refusal(lambda: parse_request(data[:-4], HeadMemo())) == status
    if request is not None:
        assert _all(request) == _all(parse_request(data[:-4], HeadMemo()))


def _all(request: RequestHead) -> tuple[object, ...]:
    credential = request.credential
    return (
        *(request.method, request.target, request.path, _lines(request), request.keep_alive, request.content_length),
        *(request.chunked, request.expect_continue, request.preflight, request.origin, request.forwarded_for),
        *(request.traceparent, request.deadline_ms, credential, None if credential is None else request.token()),
    )


def _lines(request: RequestHead) -> list[bytes]:
    return b"\r\n".join(request.forward).split(b"\r\n")


def _refusal(parse: Callable[[], object]) -> int:
    """The status of the refusal, 0 if it passes."""
    try:
        parse()
    except HeadError as error:
        return error.status
    return 0


def _form(data: bytes) -> None:
    """A path and a query in the data: what passes has the form of the document, whatever else is in it."""
    name, _, query = data.partition(b"?")
    path = b"/api/channels/" + name.replace(b"/", b"") + b"/videos"
    try:
        PAGED.check(path, path + b"?" + query)
    except FormError:
        return
    assert _ID.fullmatch(path[14:-7])
    limits = [value for key, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if key == "limit"]
    assert len(limits) <= 1
    assert all(1 <= int(value) <= 100 for value in limits)


def _feed(parts: list[bytes]) -> tuple[int, int, bool, bool]:
    framing = Chunked()
    used = 0
    for part in parts:
        if framing.done:
            break
        try:
            used += framing.feed(part)
        except BodyError:
            return 0, 0, False, True
    return used, framing.payload, framing.done, False


def _chunked(data: bytes) -> None:
    whole = _feed([data])
    assert _feed([bytes([byte]) for byte in data]) == whole
    middle = len(data) // 2
    assert _feed([data[:middle], data[middle:]]) == whole
    used, payload, done, _ = whole
    assert payload <= used <= len(data)
    if done:
        assert data[:used].endswith(b"\r\n")
