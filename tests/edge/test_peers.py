"""One cell's edge without any embedded part, with real processes behind it that fail and come back."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from edge import render
from edge.render import Address, CellEdge
from local.ports import free_ports
from local.processes import nginx
from services.contracts.routes import HOP_HEADER
from tests.edge.running import running
from tests.edge.upstreams import Upstream, serving

LOOPBACK = "127.0.0.1"
_ADDRESSES = itertools.cycle(range(1, 250))
KEYS = [f"holder-{number:04d}" for number in range(240)]


class Process:
    """A process behind the edge that can be stopped, made unready and started again on its port."""

    def __init__(self, name: str, port: int) -> None:
        self.upstream = Upstream(name, port)
        self._stack = ExitStack()
        self.start()

    def start(self) -> None:
        self._stack.enter_context(serving(self.upstream))

    def stop(self) -> None:
        self._stack.close()


@dataclass
class Cell:
    """The edge, and what is behind it."""

    port: int
    gateways: list[Process]
    realtime: list[Process]

    def ask(self, path: str = "/api/search?q=a", method: str = "GET", **headers: str) -> httpx.Response:
        return httpx.request(method, f"http://{LOOPBACK}:{self.port}{path}", headers=headers, timeout=10)

    def holders(self) -> dict[str, str]:
        """Which realtime process has each key."""
        found: dict[str, str] = {}
        for group in range(0, len(KEYS), 20):
            # Each from an address of its own: the edge's limit is not what is asked for.
            transport = httpx.HTTPTransport(local_address=f"127.9.{next(_ADDRESSES)}.1")
            with httpx.Client(transport=transport, base_url=f"http://{LOOPBACK}:{self.port}", timeout=10) as client:
                for key in KEYS[group : group + 20]:
                    found[key] = client.get(f"/socket.io/?sticky={key}").json()["server"]
        return found


@pytest.fixture
def cell(tmp_path: Path) -> Iterator[Cell]:
    port, *ports = free_ports(7)
    with ExitStack() as stack:
        gateways = [Process(f"gateway-{number}", ports.pop()) for number in range(2)]
        realtime = [Process(f"realtime-{number}", ports.pop()) for number in range(4)]
        for process in (*gateways, *realtime):
            stack.callback(process.stop)
        edge = CellEdge(
            cell="mumbai",
            listen=f"{LOOPBACK}:{port}",
            gateway=tuple(Address(LOOPBACK, each.upstream.port) for each in gateways),
            realtime=tuple(Address(LOOPBACK, each.upstream.port) for each in realtime),
            trusted=("127.0.0.2/32",),
        )
        stack.enter_context(running(tmp_path / "nginx", render.cell(edge, nginx.process()), port))
        yield Cell(port, gateways, realtime)


def test_when_a_realtime_process_is_lost_only_its_sockets_move_and_they_come_back_with_it(cell: Cell) -> None:
    before = cell.holders()
    shares = {name: list(before.values()).count(name) for name in set(before.values())}
    assert len(shares) == 4
    # With 240 keys a fair share is 60; the keys are fixed, so the spread is.
    assert max(shares.values()) <= 80

    lost = cell.realtime[2]
    lost.stop()
    _wait(lambda: lost.upstream.name not in cell.holders().values())
    after = cell.holders()
    moved = {key for key in KEYS if after[key] != before[key]}
    assert moved == {key for key in KEYS if before[key] == lost.upstream.name}
    assert len({after[key] for key in moved}) == 3

    lost.start()
    _wait(lambda: cell.holders() == before)


def test_no_request_is_lost_when_a_gateway_ends_and_it_is_used_again_when_it_is_back(cell: Cell) -> None:
    lost = cell.gateways[0]
    lost.stop()
    statuses = [cell.ask().status_code for _ in range(40)]
    writes = [cell.ask("/api/channels", "POST").status_code for _ in range(10)]
    assert statuses + writes == [200] * 50
    lost.start()
    _wait(lambda: cell.ask().json()["server"] == lost.upstream.name)


def test_a_gateway_that_says_it_is_not_ready_gets_no_more_requests(cell: Cell) -> None:
    unready = cell.gateways[1]
    with _drained(unready.upstream):
        _wait(lambda: _both_asked(cell, {"gateway-0"}))
    _wait(lambda: _both_asked(cell, {"gateway-0", "gateway-1"}))


def test_with_nothing_behind_it_the_edge_answers_in_the_form_of_every_error(cell: Cell) -> None:
    for gateway in cell.gateways:
        gateway.stop()
    answer = cell.ask()
    assert answer.status_code in (502, 503)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["error"]["code"] == "unavailable"
    large = httpx.post(f"http://{LOOPBACK}:{cell.port}/api/channels", content=b"x" * (1024 * 1024 + 1))
    assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")
    foreign = cell.ask(**{HOP_HEADER: "oregon"})
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (508, "loop")


def test_a_flood_is_refused_in_the_form_of_every_error_and_told_when_to_come_back(cell: Cell) -> None:
    def login() -> httpx.Response:
        return cell.ask("/api/accounts/login", "POST")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: login(), range(60)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.json()["error"]["code"] for answer in refused} == {"too_many_requests"}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}


def test_the_core_of_an_edge_serves_neither_page_nor_media(cell: Cell) -> None:
    for path in ("/", "/index.html", "/media/aa/film/1.m4s", "/assets/app.js", "/metrics", "/health/deep"):
        assert cell.ask(path).status_code == 404


def _both_asked(cell: Cell, expected: set[str]) -> bool:
    return {cell.ask().json()["server"] for _ in range(12)} == expected


@contextmanager
def _drained(upstream: Upstream) -> Iterator[None]:
    upstream.status = 503
    try:
        yield
    finally:
        upstream.status = 200


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "did not happen within 30 s"
        time.sleep(0.2)
