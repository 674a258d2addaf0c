"""What DNS steers by: a cell that can serve nobody says so after a few looks, and only then."""

from __future__ import annotations

import json
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from services.contracts.routes import Service
from services.contracts.settings import Endpoint
from services.gateway.cell_health import ESSENTIAL, FALLS_AFTER, RISES_AFTER, CellHealth, Steady
from tests.services.gateway.harness import Handler, Recorder, gateway

ASK_CELL = b"GET /health/cell HTTP/1.1\r\nHost: a\r\n\r\n"
PORTS = {service: number for number, service in enumerate(ESSENTIAL, start=1)}
SERVICES = {
    service.value: (Endpoint(host="10.0.0.1", port=port), Endpoint(host="10.0.0.2", port=port))
    for service, port in PORTS.items()
}


class Answers:
    """Services that say what the test has them say."""

    def __init__(self) -> None:
        self.checks: Mapping[str, object] = {"database": "ok", "reads": "ok", "cache": "ok"}
        self.away: set[tuple[str, int]] = set()

    async def __call__(self, endpoint: Endpoint) -> Mapping[str, object]:
        if (endpoint.host, endpoint.port) in self.away:
            raise ConnectionRefusedError
        return self.checks


def answer(checks: Mapping[str, str], status: int = 200) -> Recorder:
    """A service whose deep health is ``checks``."""
    body = json.dumps({"status": "any", "checks": checks}).encode()
    return Recorder(answer=b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_state_turns_exactly_after_a_run_of_the_opposite(seen: list[bool]) -> None:
    steady, well = Steady(), seen[0]
    for number, value in enumerate(seen):
        steady.see(value)
        needed = FALLS_AFTER if well else RISES_AFTER
        run = seen[max(1, number + 1 - needed) : number + 1]
        if len(run) == needed and all(one is not well for one in run):
            well = not well
        assert steady.well is well


async def test_before_the_first_look_nobody_is_sent_here() -> None:
    cell = CellHealth(SERVICES, Answers())
    assert cell.failing == [service.value for service in ESSENTIAL]
    await cell.look()
    assert cell.failing == []


async def test_an_essential_service_without_any_endpoint_left_fails_the_cell_after_three_looks() -> None:
    answers = Answers()
    cell = CellHealth(SERVICES, answers)
    await cell.look()
    answers.away = {("10.0.0.1", PORTS[Service.CATALOG])}
    for _ in range(FALLS_AFTER):
        await cell.look()
    assert cell.failing == []
    answers.away.add(("10.0.0.2", PORTS[Service.CATALOG]))
    for _ in range(FALLS_AFTER - 1):
        await cell.look()
    assert cell.failing == []
    await cell.look()
    assert cell.failing == ["catalog"]
    answers.away.clear()
    for _ in range(RISES_AFTER):
        await cell.look()
    assert cell.failing == []


async def test_data_that_cannot_be_read_fails_the_cell_and_a_writer_or_a_cache_that_is_away_does_not() -> None:
    answers = Answers()
    cell = CellHealth(SERVICES, answers)
    answers.checks = {"database": "ServiceError", "reads": "ok", "cache": "ConnectionError"}
    await cell.look()
    assert cell.failing == []
    answers.checks = {"database": "ServiceError", "reads": "ServiceError", "cache": "ok"}
    for _ in range(FALLS_AFTER):
        await cell.look()
    assert cell.failing == [service.value for service in ESSENTIAL]


async def test_the_gateway_answers_dns_from_what_it_saw_and_names_no_reason() -> None:
    sound: dict[Service, Handler] = dict.fromkeys(ESSENTIAL, answer({"reads": "ok"}))
    async with gateway(sound) as under_test:
        unasked = await under_test.send(ASK_CELL)
        await under_test.core.cell.look()
        well = await under_test.send(ASK_CELL)
        under_test.core.draining = True
        draining = await under_test.send(ASK_CELL)
    assert unasked.startswith(b"HTTP/1.1 503 ")
    assert well.startswith(b"HTTP/1.1 200 ")
    assert draining.startswith(b"HTTP/1.1 200 "), "one process that ends is not its cell"
    broken: dict[Service, Handler] = {**sound, Service.CATALOG: answer({"reads": "ServiceError"}, 503)}
    async with gateway(broken) as under_test:
        await under_test.core.cell.look()
        failing = await under_test.send(ASK_CELL)
    assert failing.startswith(b"HTTP/1.1 503 ")
    assert failing.endswith(b'{"status":"failing"}')


async def test_an_answer_that_is_no_deep_health_counts_as_none() -> None:
    for body in (b"[]", b"not json", b'{"checks": 1}', b"{}"):
        recorder = Recorder(answer=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        handlers: dict[Service, Handler] = dict.fromkeys(ESSENTIAL, recorder)
        async with gateway(handlers) as under_test:
            await under_test.core.cell.look()
            assert under_test.core.cell.failing == [service.value for service in ESSENTIAL]
