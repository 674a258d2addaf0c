"""Hostile bytes: each case gets its status, and no byte of it reaches a service."""

import pytest

from services.contracts.routes import Service
from tests.services.gateway.corpus import CASES, GET, H
from tests.services.gateway.harness import GOOD_TOKEN, Recorder, gateway


@pytest.mark.parametrize("name", CASES)
async def test_a_hostile_request_is_refused_and_reaches_no_service(name: str) -> None:
    data, status = CASES[name]
    recorder = Recorder()
    async with gateway(dict.fromkeys(Service, recorder)) as under_test:
        answer = await under_test.send(data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1
    # A chunked body is only seen to be broken after its head was passed on: the service then sees a request cut off.
    assert b"GET /x" not in recorder.seen
    if b"chunked\r\n\r\n" not in data or status == 501:
        assert recorder.seen == b""


async def test_identity_headers_of_the_caller_never_reach_a_service() -> None:
    recorder = Recorder()
    async with gateway(dict.fromkeys(Service, recorder)) as under_test:
        answer = await under_test.send(
            GET + H + b"Authorization: Bearer " + GOOD_TOKEN.encode() + b"\r\nX-Meridian-Context: forged\r\n"
            b"x-user-id: 1\r\nX-USER-CONTEXT: a\r\nX-Forwarded-User: root\r\nConnection: close, X-Secret\r\nX-Secret: s\r\n\r\n"
        )
    assert answer.startswith(b"HTTP/1.1 200 ")
    seen = bytes(recorder.seen).lower()
    assert b"forged" not in seen
    assert b"x-user-id" not in seen
    assert b"x-user-context" not in seen
    assert b"x-forwarded-user" not in seen
    assert b"x-secret" not in seen
    assert b"authorization" not in seen
    assert seen.count(b"x-meridian-context: v1.") == 1
