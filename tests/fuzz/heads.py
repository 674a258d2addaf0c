"""What must hold of the gateway's parsers for any bytes at all. Used by the fuzzer and, on mutated cases, by the tests."""

from collections.abc import Callable

from services.contracts.routes import CONTEXT_HEADER, IDENTITY_HEADERS
from services.gateway.bodies import BodyError, Chunked
from services.gateway.heads import HeadError, HeadMemo, RequestHead, ResponseMemo, parse_request

FORBIDDEN = tuple(
    name.encode() + b":"
    for name in (*IDENTITY_HEADERS, CONTEXT_HEADER, "authorization", "transfer-encoding", "content-length", "upgrade")
)
_memo = HeadMemo()
_responses = ResponseMemo()


def one_input(data: bytes) -> None:
    """Raises AssertionError if a parser let something through that it must not, or anything else if it broke."""
    _request(data.partition(b"\r\n\r\n")[0])
    _chunked(data)
    assert _refusal(lambda: _responses.parse(data.partition(b"\r\n\r\n")[0])) in (0, 502)


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
