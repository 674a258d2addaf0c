"""The same hostile bytes through the real edge: nginx may refuse them, clean them, or leave them to the gateway."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from edge import render
from edge.render import Address, CellEdge
from local.processes import nginx
from services.contracts.routes import Service
from tests.edge.running import running
from tests.servers import free_port
from tests.services.gateway.corpus import CASES, GET, H
from tests.services.gateway.harness import Gateway, Recorder, gateway

READ = b"GET /api/videos/0123456789A HTTP/1.1"
SENT = b"POST /api/events HTTP/1.1"
CLEANED = {
    "HTTP/0.9": (READ, b""),
    "HTTP/1.0": (READ, b""),
    "a leading empty line": (READ, b""),
    "an absolute target": (READ, b""),
    "bare LF after the request line": (READ, b""),
    "bare LF between headers": (READ, b""),
    "a header without a colon": (READ, b""),
    "two spaces in the request line": (READ, b""),
    "an unknown expectation": (SENT, b"{}"),
    "chunk size with an extension": (SENT, b"{}"),
    "chunk size with a space": (SENT, b"{}"),
}
"""What nginx understands in one way and writes anew in that way: request line and body that the service may then see."""


@dataclass
class Door:
    """nginx in front of a gateway in front of one recorder."""

    nginx: Gateway
    recorder: Recorder


@contextlib.asynccontextmanager
async def door(directory: Path) -> AsyncIterator[Door]:
    recorder = Recorder()
    async with gateway(dict.fromkeys(Service, recorder)) as behind:
        port = free_port()
        edge = CellEdge(
            cell="mumbai",
            listen=f"127.0.0.1:{port}",
            gateway=(Address("127.0.0.1", behind.port),),
            realtime=(Address("127.0.0.1", free_port()),),
            trusted=("127.0.0.2/32",),
        )
        with running(directory, render.cell(edge, nginx.process()), port):
            yield Door(Gateway(behind.core, port), recorder)


async def test_no_hostile_request_reaches_a_service_through_the_edge(tmp_path: Path) -> None:
    failures = []
    async with door(tmp_path / "nginx") as through:
        seen = through.recorder.seen
        for name, (data, _) in CASES.items():
            seen.clear()
            answer = await through.nginx.send(data, seconds=1.0)
            status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
            if name in CLEANED:
                if not _is_one_request(bytes(seen), *CLEANED[name]):
                    failures.append((name, status, bytes(seen)))
            elif seen or 200 <= status < 400:
                failures.append((name, status, bytes(seen)))
    assert not failures, failures


def _is_one_request(seen: bytes, line: bytes, body: bytes) -> bool:
    head, _, rest = seen.partition(b"\r\n\r\n")
    framed = b"\r\ncontent-length: %d\r\n" % len(body) in head.lower() + b"\r\n" or not body
    return head.startswith(line + b"\r\n") and rest == body and framed and b"transfer-encoding" not in head.lower()


async def test_identity_and_hop_headers_of_a_caller_are_gone_behind_the_edge(tmp_path: Path) -> None:
    lies = b"X-Meridian-Context: forged\r\nX-User-Id: 1\r\nX-Forwarded-User: root\r\n"
    async with door(tmp_path / "nginx") as through:
        answer = await through.nginx.send(GET + H + lies + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        foreign = await through.nginx.send(GET + H + b"X-Meridian-Cell: oregon\r\n\r\n")
        assert foreign.startswith(b"HTTP/1.1 508 ")
    seen = bytes(through.recorder.seen).lower()
    assert seen.count(b"x-meridian-context: v1.") == 1
    assert b"forged" not in seen
    assert b"x-user-id" not in seen
    assert b"x-forwarded-user" not in seen
