"""The limiter's script on a real Valkey: it agrees with the model, and never over-admits under concurrency."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.limits import LIMITS, Limit
from services.contracts.routes import LimitClass
from services.gateway import limit_script
from services.gateway.limiter import Limiter, Rule
from services.gateway.limits import Verdict
from services.gateway.resp import ReplyReader, ValkeyError, command
from services.gateway.valkey import Credentials, ScriptClient
from tests.servers import Valkey

GENERAL = LIMITS[LimitClass.GENERAL]


@contextlib.asynccontextmanager
async def client(valkey: Valkey, seconds: float = 2.0) -> AsyncIterator[ScriptClient]:
    async def locate() -> tuple[str, int]:
        return valkey.endpoint.host, valkey.endpoint.port

    made = ScriptClient(limit_script.SCRIPT, locate, _credentials(valkey), seconds)
    made.start()
    for _ in range(100):
        if made.connected(0):
            break
        await asyncio.sleep(0.02)
    assert made.connected(0)
    try:
        yield made
    finally:
        await made.close()


def _credentials(valkey: Valkey) -> Credentials | None:
    return Credentials("gateway", valkey.passwords["gateway"])


def _hits(limiter: Limiter, key: str, count: int) -> "asyncio.Future[list[Verdict]]":
    future: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
    verdicts: list[Verdict] = []

    def done(verdict: Verdict) -> None:
        verdicts.append(verdict)
        if len(verdicts) == count:
            future.set_result(verdicts)

    rule = limiter.rules[LimitClass.GENERAL]
    for _ in range(count):
        limiter.hit(rule, limiter.subject(rule, key), done)
    return future


async def test_a_hundred_pass_and_the_rest_wait_in_one_batch(clean_valkey: Valkey) -> None:
    async with client(clean_valkey) as connected:
        limiter = Limiter(connected)
        verdicts = await _hits(limiter, "burst", 110)
        assert [v.allowed for v in verdicts] == [True] * 100 + [False] * 10
        assert verdicts[0].remaining == 99
        assert 0 < verdicts[-1].retry_after <= 9
        assert limiter.fallbacks == 0
        assert limiter.batches <= 2


async def test_three_gateways_together_never_admit_more_than_the_burst(clean_valkey: Valkey) -> None:
    async with client(clean_valkey) as a, client(clean_valkey) as b, client(clean_valkey) as c:
        limiters = [Limiter(connection) for connection in (a, b, c)]
        rounds = [await asyncio.gather(*(_hits(limiter, "shared", 20) for limiter in limiters)) for _ in range(4)]
    admitted = sum(v.allowed for batch in rounds for verdicts in batch for v in verdicts)
    assert admitted in (100, 101)


async def test_the_sixth_failure_is_refused_and_a_success_gives_its_place_back(clean_valkey: Valkey) -> None:
    async with client(clean_valkey) as connected:
        limiter = Limiter(connected)
        loop = asyncio.get_running_loop()

        async def attempt(member: str, keys: tuple[str, ...]) -> Verdict:
            answer: asyncio.Future[Verdict] = loop.create_future()
            limiter.reserve(keys, member, answer.set_result)
            return await answer

        for number in range(20):
            assert (await attempt(f"ok{number}", ("ip-1", "account-a"))).allowed
            limiter.release(("ip-1", "account-a"), f"ok{number}")
        for number in range(5):
            assert (await attempt(f"bad{number}", ("ip-1", "account-a"))).allowed
        assert not (await attempt("bad5", ("ip-1", "account-b"))).allowed
        assert not (await attempt("bad6", ("ip-2", "account-a"))).allowed
        assert (await attempt("bad7", ("ip-2", "account-c"))).allowed


async def test_without_valkey_every_request_is_still_answered_and_still_limited() -> None:
    async def nowhere() -> tuple[str, int]:
        raise ValkeyError("away")

    away = ScriptClient(limit_script.SCRIPT, nowhere, None, 0.05)
    limiter = Limiter(away)
    verdicts = await _hits(limiter, "local", 101)
    assert [v.allowed for v in verdicts] == [True] * 100 + [False]
    assert limiter.fallbacks == 101


@given(st.lists(st.integers(-(2**62), 2**62), max_size=30), st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_replies_are_read_however_the_bytes_are_cut(numbers: list[int], cuts: list[int]) -> None:
    wire = b"*%d\r\n" % len(numbers) + b"".join(b":%d\r\n" % number for number in numbers) + b"+OK\r\n-ERR no\r\n"
    reader = ReplyReader()
    replies = []
    at = index = 0
    while at < len(wire):
        cut = cuts[index % len(cuts)]
        replies += reader.feed(wire[at : at + cut])
        at += cut
        index += 1
    assert replies[:2] == [numbers, []]
    assert isinstance(replies[2], ValkeyError)


def test_a_command_is_an_array_of_bulk_strings() -> None:
    assert command((b"GET", b"a\r\n")) == b"*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\n"


def test_headers_follow_the_draft_and_round_up() -> None:
    lines = Rule(LimitClass.GENERAL, Limit(100, 900, "gcra")).headers(Verdict(False, 0, 0.2, 8.1))
    assert lines == (b'RateLimit-Policy: "general";q=100;w=900\r\nRateLimit: "general";r=0;t=9\r\nRetry-After: 1\r\n')
