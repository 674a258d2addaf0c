"""What a service receives and what a caller gets back, through a real gateway over sockets."""

import asyncio
import contextlib
import json
import re

from services.common.context import verify
from services.contracts.routes import Service
from tests.services.gateway.harness import GOOD_TOKEN, KEYS, OK, PAGE, USER_ID, Recorder, gateway

GET = b"GET /api/videos/0123456789A?x=1 HTTP/1.1\r\nHost: a\r\n"


def _header(seen: bytes, name: str) -> str:
    for line in seen.decode().split("\r\n"):
        key, _, value = line.partition(": ")
        if key.lower() == name:
            return value
    raise AssertionError(f"no {name} in {seen!r}")


async def test_a_service_gets_a_context_that_verifies_and_names_the_user() -> None:
    recorder = Recorder()
    async with gateway({Service.CATALOG: recorder}) as under_test:
        await under_test.send(GET + b"Authorization: Bearer " + GOOD_TOKEN.encode() + b"\r\n\r\n")
        anonymous = Recorder()
    context = verify(_header(bytes(recorder.seen), "x-meridian-context"), KEYS)
    assert (context.user_id, context.name, context.caller) == (USER_ID, "Asha", "gateway")
    assert anonymous.seen == b""


async def test_an_anonymous_request_carries_an_anonymous_context() -> None:
    recorder = Recorder()
    async with gateway({Service.CATALOG: recorder}) as under_test:
        await under_test.send(GET + b"\r\n")
    assert verify(_header(bytes(recorder.seen), "x-meridian-context"), KEYS).user_id is None
    assert bytes(recorder.seen).startswith(b"GET /api/videos/0123456789A?x=1 HTTP/1.1\r\n")


async def test_pipelined_requests_are_answered_in_order_on_one_connection() -> None:
    recorder = Recorder()
    async with gateway({Service.CATALOG: recorder, Service.SEARCH: recorder}) as under_test:
        answer = await under_test.send(GET + b"\r\n" + b"GET /api/none HTTP/1.1\r\nHost: a\r\n\r\n" + GET + b"\r\n")
    statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404", b"200"]
    assert recorder.connections == 1


async def test_requests_whose_headers_are_remembered_are_told_apart_when_they_come_together() -> None:
    recorder = Recorder()
    traced = GET + b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01\r\n\r\n"
    async with gateway({Service.CATALOG: recorder}) as under_test:
        for _ in range(3):
            assert (await under_test.send(traced)).count(b"HTTP/1.1 200") == 1
        assert (await under_test.send(traced + traced)).count(b"HTTP/1.1 200") == 2
        assert (await under_test.send(GET + b"\r\n" + traced)).count(b"HTTP/1.1 200") == 2
        assert (await under_test.send(traced + GET + b"\r\n")).count(b"HTTP/1.1 200") == 2
    assert recorder.seen.count(b" HTTP/1.1\r\n") == 9


async def test_a_trace_context_that_is_none_is_replaced() -> None:
    recorder = Recorder()
    async with gateway({Service.CATALOG: recorder}) as under_test:
        for context in (b"00-" + b"0" * 32 + b"-" + b"b" * 16 + b"-01", b"b", b"00-" + b"A" * 32 + b"-01"):
            await under_test.send(GET + b"traceparent: " + context + b"\r\n\r\n")
            assert b"traceparent: " + context + b"\r\n" not in recorder.seen
    assert len(re.findall(rb"\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00\r\n", recorder.seen)) == 3


async def test_a_chunked_body_passes_unchanged() -> None:
    recorder = Recorder()
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    async with gateway({Service.ENGAGEMENT: recorder}) as under_test:
        answer = await under_test.send(
            b"POST /api/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body
        )
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert bytes(recorder.seen).endswith(b"\r\n\r\n" + body)


async def test_expect_continue_is_answered_before_the_body() -> None:
    recorder = Recorder()
    async with gateway({Service.ENGAGEMENT: recorder}) as under_test:
        reader, writer = await asyncio.open_connection("127.0.0.1", under_test.port)
        writer.write(b"POST /api/events HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)).startswith(b"HTTP/1.1 200 ")
        writer.close()
    assert bytes(recorder.seen).endswith(b"{}")


async def test_a_head_request_gets_the_head_of_get_without_a_body() -> None:
    recorder = Recorder()
    async with gateway({Service.CATALOG: recorder}) as under_test:
        answer = await under_test.send(GET.replace(b"GET", b"HEAD", 1) + b"\r\n")
    assert b"Content-Length: 2\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_every_answer_has_security_headers_and_only_the_pages_origin_is_allowed() -> None:
    recorder = Recorder()
    async with gateway({Service.CATALOG: recorder}) as under_test:
        ours = await under_test.send(GET + b"Origin: " + PAGE.encode() + b"\r\n\r\n")
        other = await under_test.send(GET + b"Origin: https://evil.test\r\n\r\n")
        preflight = await under_test.send(
            b"OPTIONS /api/uploads HTTP/1.1\r\nHost: a\r\nOrigin: "
            + PAGE.encode()
            + b"\r\nAccess-Control-Request-Method: POST\r\n\r\n"
        )
    for answer in (ours, other, preflight):
        assert b"X-Content-Type-Options: nosniff\r\n" in answer
        assert b"Vary: Origin\r\n" in answer
    assert b"Access-Control-Allow-Origin: " + PAGE.encode() + b"\r\n" in ours
    assert b"Access-Control-Allow-Origin" not in other
    assert preflight.startswith(b"HTTP/1.1 204 ")
    assert b"Access-Control-Allow-Methods: POST, OPTIONS\r\n" in preflight


async def test_an_unreachable_service_is_502_and_its_breaker_opens() -> None:
    async with gateway({}) as under_test:
        answers = [await under_test.send(GET + b"Connection: close\r\n\r\n") for _ in range(6)]
        metrics = under_test.core.render_metrics()
    assert [answer[9:12] for answer in answers] == [b"502"] * 5 + [b"503"]
    assert b"Retry-After: " in answers[-1]
    assert 'meridian_gateway_breaker_state{service="catalog"} 2' in metrics


async def test_a_service_that_closes_an_idle_connection_is_asked_again() -> None:
    served = 0

    async def closes_after_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            served += 1
            writer.write(OK)
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with gateway({Service.CATALOG: closes_after_each}) as under_test:
        reader, writer = await asyncio.open_connection("127.0.0.1", under_test.port)
        for _ in range(2):
            writer.write(GET + b"\r\n")
            assert (await asyncio.wait_for(reader.readuntil(b"{}"), 3)).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert under_test.core.metrics.retries == 1
    assert served == 2


async def test_garbage_from_a_service_is_502() -> None:
    for garbage in (
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\nA: b\r\n\r\n",
    ):
        async with gateway({Service.ENGAGEMENT: Recorder(answer=garbage)}) as under_test:
            answer = await under_test.send(b"POST /api/events HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
        assert answer.startswith(b"HTTP/1.1 502 "), garbage


async def test_an_answer_that_breaks_off_breaks_off_for_the_caller() -> None:
    async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        await writer.drain()
        writer.close()

    async with gateway({Service.CATALOG: breaks_off}) as under_test:
        answer = await under_test.send(GET + b"\r\n")
    assert not answer.endswith(b"\r\n0\r\n\r\n")
    assert len(answer.partition(b"\r\n\r\n")[2]) < 100


async def test_a_service_that_hangs_is_504_at_the_callers_deadline() -> None:
    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with gateway({Service.CATALOG: hangs}) as under_test:
        answer = await under_test.send(GET + b"X-Meridian-Deadline: 300\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 504 ")


async def test_a_failed_login_counts_and_the_sixth_is_refused_by_account_and_address() -> None:
    denied = Recorder(answer=b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    body = json.dumps({"email": "Asha@Example.com ", "password": "x"}).encode()
    login = b"POST /api/accounts/login HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with gateway({Service.ACCOUNTS: denied}) as under_test:
        answers = [await under_test.send(login) for _ in range(6)]
    assert [answer[9:12] for answer in answers] == [b"401"] * 5 + [b"429"]
    assert b'RateLimit-Policy: "authentication";q=5;w=900' in answers[-1]
    assert denied.seen.count(b"POST /api/accounts/login") == 5


async def test_successful_logins_never_count() -> None:
    body = b'{"email":"a@b.c","password":"x"}'
    login = b"POST /api/accounts/login HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with gateway({Service.ACCOUNTS: Recorder()}) as under_test:
        answers = [await under_test.send(login) for _ in range(8)]
    assert {answer[9:12] for answer in answers} == {b"200"}


async def test_health_and_metrics_are_answered_and_draining_turns_not_ready() -> None:
    async with gateway({Service.CATALOG: Recorder()}) as under_test:
        live = await under_test.send(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        ready = await under_test.send(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
        deep = await under_test.send(b"GET /health/deep HTTP/1.1\r\nHost: a\r\n\r\n")
        await under_test.send(GET + b"\r\n")
        metrics = await under_test.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        under_test.core.draining = True
        gone = await under_test.send(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
    assert live.startswith(b"HTTP/1.1 200 ")
    assert ready.startswith(b"HTTP/1.1 200 ")
    assert deep.startswith(b"HTTP/1.1 503 ")
    assert b'"catalog":"ok"' in deep
    assert b'meridian_gateway_requests_total{route="/api/videos/{video_id}",status="2xx"} 1' in metrics
    assert gone.startswith(b"HTTP/1.1 503 ")


async def test_a_large_answer_is_streamed_with_a_slow_caller() -> None:
    size = 8 * 1024 * 1024
    recorder = Recorder(answer=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    async with gateway({Service.CATALOG: recorder}) as under_test:
        reader, writer = await asyncio.open_connection("127.0.0.1", under_test.port, limit=4096)
        writer.write(GET + b"\r\n")
        await asyncio.sleep(0.3)
        head = await reader.readuntil(b"\r\n\r\n")
        body = await asyncio.wait_for(reader.readexactly(size), 10)
        writer.close()
    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(body) == size
