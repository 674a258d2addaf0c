"""The measurements: rounds in which every peer runs once, in turn; guards; and what is measured once a peer."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.gateway import debian, load, stage
from bench.gateway.load import Load
from bench.gateway.peers import Peer
from bench.gateway.processes import Running, free_port, running
from bench.gateway.stage import ANSWER_BYTES, LARGE_BYTES, Stage

MISSES_ALLOWED = 0.001
"""Part of the requests that may fail before a round counts as invalid."""


@dataclass
class Contestant:
    """A peer that runs."""

    peer: Peer
    process: Running
    port: int
    heads: Path
    bearer: str
    rounds: list[Round] = field(default_factory=list)


@dataclass(frozen=True)
class Round:
    """One run of the load against one peer."""

    number: int
    cpu_us: float
    """CPU time of the peer's whole process tree for a request, in microseconds."""
    valkey_us: float
    load: Load

    @property
    def valid(self) -> bool:
        """Whether the peer did the work: statuses, no broken connections, the whole answers."""
        bad = self.load.bad_status + self.load.socket
        return (
            self.load.requests > 0
            and bad <= self.load.requests * MISSES_ALLOWED
            and self.load.bytes_each > ANSWER_BYTES
        )


class Bench:
    """All measurements on one stage."""

    def __init__(self, stage_: Stage) -> None:
        self.stage = stage_
        base, self.versions = debian.root()
        self._wrk = base / "usr/bin/wrk"
        self._libraries = debian.libraries(base)
        paths = [path for _, path in stage.PATHS]
        self._heads = {es: stage_.directory / f"heads-{es}.txt" for es in (True, False)}
        self.head_bytes = {
            es: load.write_heads(file, paths, stage_.es_tokens if es else stage_.hs_tokens)
            for es, file in self._heads.items()
        }

    @contextlib.contextmanager
    def running(self, peer: Peer, tag: str = "") -> Iterator[Contestant]:
        """The peer, started, checked with one request, and warm."""
        port = free_port()
        name = re.sub(r"[^a-z0-9]+", "-", peer.name.lower() + tag)
        start = peer.prepare(self.stage, self.stage.directory / name, port)
        with running(name, start.command, self.stage.directory, self.stage.core, start.environment) as process:
            process.wait_listening(port)
            bearer = (self.stage.es_tokens if peer.es256 else self.stage.hs_tokens)[0]
            yield Contestant(peer, process, port, self._heads[peer.es256], bearer)

    def load(self, to: Contestant, seconds: int, scheme: str = "http", connections: int = 64) -> Load:
        """wrk against ``to``."""
        url = f"{scheme}://127.0.0.1:{to.port}"
        return load.run(self._wrk, self._libraries, to.heads, url, self.stage.load_core, seconds, connections)

    def round(self, to: Contestant, number: int, seconds: int, scheme: str = "http") -> Round:
        """One accounted run."""
        before, valkey_before = to.process.cpu_seconds(), self.stage.valkey.cpu_seconds()
        seen = self.load(to, seconds, scheme)
        cpu, valkey = to.process.cpu_seconds() - before, self.stage.valkey.cpu_seconds() - valkey_before
        requests = max(1, seen.requests)
        return Round(number, cpu * 1e6 / requests, valkey * 1e6 / requests, seen)

    def check(self, to: Contestant) -> None:
        """Every path answers 200 with the whole body, and a wrong token does not pass. Raises RuntimeError."""
        for name, path in stage.PATHS:
            connection = http.client.HTTPConnection("127.0.0.1", to.port, timeout=10)
            connection.request("GET", path, headers={"Authorization": f"Bearer {to.bearer}"})
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            if answer.status != 200 or len(body) != ANSWER_BYTES:
                raise RuntimeError(f"{to.peer.name} answers {name} with {answer.status}, {len(body)} bytes")
        if "no token" in to.peer.job:
            return
        connection = http.client.HTTPConnection("127.0.0.1", to.port, timeout=10)
        connection.request("GET", stage.PATHS[0][1], headers={"Authorization": f"Bearer {to.bearer[:-4]}AAAA"})
        status = connection.getresponse().status
        connection.close()
        if status != 401:
            raise RuntimeError(f"{to.peer.name} answers a forged token with {status}")

    def idle_memory(self, to: Contestant, connections: int = 2000) -> tuple[float, float]:
        """(MB at rest, MB more per 1,000 idle keep-alive connections that have each made one request)."""
        base = to.process.memory_bytes()
        request = f"GET {stage.PATHS[1][1]} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {to.bearer}\r\n\r\n".encode()
        with contextlib.ExitStack() as open_:
            for _ in range(connections):
                connection = open_.enter_context(socket.create_connection(("127.0.0.1", to.port), timeout=10))
                connection.sendall(request)
                received = b""
                while len(received) < ANSWER_BYTES:
                    part = connection.recv(65536)
                    if not part:
                        break
                    received += part
            full = to.process.memory_bytes()
        return base / 1e6, (full - base) / 1e6 / connections * 1000

    def at_rate(self, to: Contestant, rate: int = 1000, seconds: int = 6) -> tuple[float, float, float]:
        """(requests/s reached, p50 ms, p99 ms) with 32 workers that send at a fixed rate."""
        base, _ = debian.root()
        command = [f"{base}/usr/bin/hey", "-c", "32", "-q", str(rate / 32), "-z", f"{seconds}s"]
        command += ["-H", f"Authorization: Bearer {to.bearer}", f"http://127.0.0.1:{to.port}{stage.PATHS[1][1]}"]
        done = subprocess.run(
            ["taskset", "-c", str(self.stage.load_core), *command],
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=True,
        )
        reached = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
        parts = {name: float(value) * 1000 for name, value in re.findall(r"(50|99)%+ in ([0-9.]+) secs", done.stdout)}
        if reached is None or "99" not in parts:
            raise RuntimeError(f"hey failed: {done.stdout[-400:]}")
        return float(reached[1]), parts["50"], parts["99"]

    def large(self, to: Contestant, seconds: float = 3.0) -> tuple[float, float]:
        """(MB/s, CPU milliseconds per MB) for answers of 1 MB, one after another on four connections."""
        connections = [http.client.HTTPConnection("127.0.0.1", to.port, timeout=20) for _ in range(4)]
        before = to.process.cpu_seconds()
        started = time.monotonic()
        moved = 0
        while time.monotonic() - started < seconds:
            for connection in connections:
                connection.request("GET", stage.LARGE_PATH, headers={"Authorization": f"Bearer {to.bearer}"})
            for connection in connections:
                answer = connection.getresponse()
                size = len(answer.read())
                if answer.status != 200 or size != LARGE_BYTES:
                    raise RuntimeError(f"{to.peer.name} answers 1 MB with {answer.status}, {size} bytes")
                moved += size
        took, cpu = time.monotonic() - started, to.process.cpu_seconds() - before
        for connection in connections:
            connection.close()
        return moved / 1e6 / took, cpu * 1e3 / (moved / 1e6)


def rounds(bench: Bench, contestants: Sequence[Contestant], number: int, seconds: int) -> None:
    """Round ``number``: runs every contestant once, the order turning from round to round."""
    turn = number % len(contestants)
    for to in (*contestants[turn:], *contestants[:turn]):
        to.rounds.append(bench.round(to, number, seconds))


def wait_for_quiet(most: float, seconds: float) -> float:
    """Waits until the machine's load is below ``most``, at most ``seconds``; returns the load then."""
    end = time.monotonic() + seconds
    while True:
        present = float(Path("/proc/loadavg").read_text().split()[0])
        if present < most or time.monotonic() > end:
            return present
        time.sleep(5)
