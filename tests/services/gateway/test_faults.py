"""What a caller gets when something behind the gateway fails: the table of docs/gateway.md, row by row."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator

import pytest

from services.common.cache import connect
from services.common.database import Login
from services.common.revocations import Revocations
from services.contracts.routes import Service
from services.contracts.settings import CacheSettings
from services.gateway.connection import HEAD_SECONDS, IDLE_SECONDS
from services.gateway.identity import Identities, IdentityError
from services.gateway.limit_script import SCRIPT
from services.gateway.overload import RetryBudget
from services.gateway.resp import ValkeyError
from services.gateway.revocation import Follower
from services.gateway.valkey import Address, Credentials, ScriptClient
from tests.servers import Valkey, run_valkey
from tests.services.gateway.harness import GOOD_TOKEN, KEYS, Recorder, Tokens, gateway

GET = b"GET /api/videos/0123456789A HTTP/1.1\r\nHost: a\r\n\r\n"
PASSWORDS = {"gateway": "a-password-of-the-test"}


class _Place:
    """Where Valkey is, as the Sentinels would say."""

    def __init__(self, server: Valkey | None) -> None:
        self.server = server

    async def locate(self) -> Address:
        if self.server is None:
            raise ValkeyError("nowhere")
        return self.server.endpoint.host, self.server.endpoint.port


@contextlib.asynccontextmanager
async def scripts(place: _Place, seconds: float = 0.3) -> AsyncIterator[ScriptClient]:
    client = ScriptClient(SCRIPT, place.locate, Credentials("gateway", PASSWORDS["gateway"]), seconds)
    client.start()
    try:
        await _until_connected(client)
        yield client
    finally:
        await client.close()


async def _until_connected(client: ScriptClient) -> None:
    for _ in range(500):
        if client.connected(0):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("Valkey was not reached")


def _remaining(answer: bytes) -> int:
    return int(answer.partition(b'RateLimit: "general";r=')[2].partition(b";")[0])


async def test_a_killed_valkey_costs_nobody_an_answer_and_its_heir_counts_on() -> None:
    place = _Place(None)
    with run_valkey(PASSWORDS) as heir, run_valkey(PASSWORDS) as first:
        place.server = first
        async with scripts(place) as client, gateway({Service.CATALOG: Recorder()}, client) as under_test:
            assert _remaining(await under_test.send(GET)) == 99
            assert under_test.core.limiter.fallbacks == 0
            with first.client() as admin, contextlib.suppress(ConnectionError):
                admin.shutdown(nosave=True, now=True, force=True)
            # Counted here all along: the second and third request of this caller.
            assert [_remaining(await under_test.send(GET)) for _ in range(2)] == [98, 97]
            assert under_test.core.limiter.fallbacks == 2
            place.server = heir
            await _until_connected(client)
            assert _remaining(await under_test.send(GET)) == 99
            assert under_test.core.limiter.fallbacks == 2


async def test_a_slow_valkey_is_given_up_and_found_again() -> None:
    with run_valkey(PASSWORDS) as server:
        async with scripts(_Place(server)) as client, gateway({Service.CATALOG: Recorder()}, client) as under_test:
            await under_test.send(GET)
            with server.client() as admin:
                admin.execute_command("CLIENT", "PAUSE", "1500", "ALL")
            assert _remaining(await under_test.send(GET)) == 98
            assert under_test.core.limiter.fallbacks == 1
            await asyncio.sleep(1.6)
            await _until_connected(client)
            assert (await under_test.send(GET)).startswith(b"HTTP/1.1 200 ")
            assert under_test.core.limiter.fallbacks == 1


async def test_a_demoted_valkey_is_left_for_the_new_primary() -> None:
    with run_valkey(PASSWORDS) as old, run_valkey(PASSWORDS) as new:
        place = _Place(old)
        async with scripts(place) as client, gateway({Service.CATALOG: Recorder()}, client) as under_test:
            await under_test.send(GET)
            place.server = new
            with old.client() as admin:
                admin.execute_command("REPLICAOF", "127.0.0.1", str(new.endpoint.port))
            assert _remaining(await under_test.send(GET)) == 98
            await asyncio.sleep(0.1)
            await _until_connected(client)
            assert _remaining(await under_test.send(GET)) == 99


async def test_a_service_that_resets_is_502_and_reads_are_tried_once_more() -> None:
    calls = 0

    async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        await reader.readuntil(b"\r\n\r\n")
        calls += 1
        writer.transport.abort()

    post = b"POST /api/events HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
    async with gateway(dict.fromkeys((Service.CATALOG, Service.ENGAGEMENT), resets)) as under_test:
        assert (await under_test.send(GET)).startswith(b"HTTP/1.1 502 ")
        assert calls == 2
        # What may have had an effect is never sent twice.
        assert (await under_test.send(post)).startswith(b"HTTP/1.1 502 ")
        assert calls == 3


async def test_under_total_failure_services_get_at_most_a_tenth_more_than_was_asked() -> None:
    calls = 0

    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        await reader.readuntil(b"\r\n\r\n")
        calls += 1
        writer.close()

    asked = 60
    async with gateway({Service.CATALOG: breaks}) as under_test:
        for _ in range(asked):
            answer = await under_test.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            assert answer[9:12] in (b"502", b"503")
    # The first token is there from the start; the breaker opens long before the budget matters.
    assert calls <= asked * 1.1 + 1


def test_the_retry_budget_never_exceeds_one_in_ten() -> None:
    budget = RetryBudget()
    retries = 0
    for _ in range(10_000):
        budget.request()
        retries += budget.try_retry()
    assert retries <= 1001


async def test_a_head_that_dribbles_is_408_after_its_time_and_an_idle_connection_is_closed() -> None:
    now = [1000.0]
    recorder = Recorder()
    async with gateway({Service.CATALOG: recorder}, clock=lambda: now[0]) as under_test:
        slow, slow_writer = await asyncio.open_connection("127.0.0.1", under_test.port)
        idle, idle_writer = await asyncio.open_connection("127.0.0.1", under_test.port)
        idle_writer.write(GET)
        assert (await asyncio.wait_for(idle.readuntil(b"{}"), 5)).startswith(b"HTTP/1.1 200 ")
        for part in (b"GET /api/vid", b"eos/abc HTTP/1.1\r\n", b"X-A: b\r\n"):
            slow_writer.write(part)
            await asyncio.sleep(0.05)
            # Each byte that comes must not give it more time.
            now[0] += HEAD_SECONDS / 3 + 0.1
        assert (await asyncio.wait_for(slow.read(), 5)).startswith(b"HTTP/1.1 408 ")
        now[0] += IDLE_SECONDS
        assert await asyncio.wait_for(idle.read(), 5) == b""
        for writer in (slow_writer, idle_writer):
            writer.close()
    assert recorder.seen.count(b"GET ") == 1


async def test_a_half_closed_caller_still_gets_its_answer_and_half_a_request_gets_none() -> None:
    recorder = Recorder()
    async with gateway({Service.CATALOG: recorder}) as under_test:
        reader, writer = await asyncio.open_connection("127.0.0.1", under_test.port)
        writer.write(GET)
        writer.write_eof()
        assert (await asyncio.wait_for(reader.readuntil(b"{}"), 5)).startswith(b"HTTP/1.1 200 ")
        writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", under_test.port)
        writer.write(b"GET /api/videos/half0000000 HTTP/1.1\r\nHost: a\r\n")
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
    assert b"half" not in recorder.seen


async def test_endless_chunks_end_at_the_routes_limit() -> None:
    received = 0

    async def counts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                received += len(data)
        writer.close()

    chunk = b"400\r\n" + b"x" * 0x400 + b"\r\n"
    head = b"POST /api/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with gateway({Service.ENGAGEMENT: counts}) as under_test:
        answer = await under_test.send(head + chunk * 200)
    assert answer.startswith(b"HTTP/1.1 413 "), answer[:100]
    assert received < 64 * 1024 + 65536 + 2048


async def test_the_deadline_goes_on_shortened_never_lengthened() -> None:
    recorder = Recorder()
    async with gateway({Service.CATALOG: recorder}) as under_test:
        await under_test.send(GET.replace(b"\r\n\r\n", b"\r\nX-Meridian-Deadline: 700\r\n\r\n"))
        await under_test.send(GET)
    deadlines = [int(part.partition(b"\r\n")[0]) for part in bytes(recorder.seen).split(b"x-meridian-deadline: ")[1:]]
    assert 0 < deadlines[0] <= 700
    assert 0 < deadlines[1] <= 15_000


async def test_callers_cannot_add_series_to_the_metrics() -> None:
    async with gateway({Service.CATALOG: Recorder()}) as under_test:
        await under_test.send(GET)
        await under_test.send(b"GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n")
        before = under_test.core.render_metrics().count("\n")
        for number in range(30):
            await under_test.send(
                b"GET /api/videos/v%010d HTTP/1.1\r\nHost: h%d\r\nConnection: close\r\n\r\n" % (number, number)
            )
            await under_test.send(b"GET /api/x%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % number)
        after = under_test.core.render_metrics().count("\n")
    assert after == before


async def test_a_session_that_ended_is_refused_everywhere_as_soon_as_it_is_read(clean_valkey: Valkey) -> None:
    endpoint = clean_valkey.endpoint
    cache = connect(
        CacheSettings(mode="single", endpoints=(endpoint,), master_name="", tls=False),
        Login("gateway", clean_valkey.passwords["gateway"]),
    )
    revocations = Revocations(cache, 900)
    identities = Identities(Tokens(), KEYS)
    follower = Follower(revocations, identities)
    bearer = b"Bearer " + GOOD_TOKEN.encode()
    try:
        await follower.poll()
        assert (await identities.verify(bearer)).session_id == 7
        await revocations.add(8)
        await follower.poll()
        credential = hashlib.sha256(bearer).digest()
        assert identities.recall(credential) is not None
        await revocations.add(7)
        await follower.poll()
        with pytest.raises(IdentityError):
            identities.recall(credential)
        with pytest.raises(IdentityError):
            await identities.verify(bearer)
    finally:
        await cache.aclose()
