"""Consumers side by side: rounds in which every contestant reads the same log once, in turning order.

A round counts only if the database says afterwards what the log adds up to. CPU is counted from the first flush on (a
warm process), until everything is committed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from uuid import UUID

from bench import accounting
from bench.events import processes, stagefile
from bench.events.peers import Peer
from bench.events.processes import Contestant, Said
from bench.events.servers import CELL, Servers
from bench.events.workload import Counts, Written
from services.counters.pending import Pending

LEAST_SHARE = 0.3
"""Of a log that must come after the first flush, or a pass says little."""


@dataclass(frozen=True, slots=True)
class Round:
    """One pass over the log."""

    number: int
    cpu: float
    """CPU seconds of the contestant's process trees for a million events."""
    postgres_cpu: float
    kafka_cpu: float
    """Of the servers meanwhile, for a million events."""
    rate: float
    """Events a second by the clock."""
    memory: int
    """The largest proportional set size that was seen, in bytes."""
    wrong: int
    """Videos whose count is not what the log says; a round with any is void."""


@dataclass
class Series:
    """The rounds of one contestant."""

    name: str
    fill: int
    rounds: list[Round] = field(default_factory=list)
    failed: str = ""


def expected_and_found(truth: Counts, found: Counts) -> int:
    """How many videos differ."""
    return sum(truth.get(video, (0, 0)) != found.get(video, (0, 0)) for video in truth.keys() | found.keys())


def stored(servers: Servers) -> Counts:
    """What the database says: the rows and what is pending. A dead letter makes it wrong."""
    sums: dict[int, tuple[int, int]] = {}

    def add(video: int, views: int, watched: int) -> None:
        before = sums.get(video, (0, 0))
        sums[video] = (before[0] + views, before[1] + watched)

    with servers.admin() as admin:
        for video, views, watched in admin.execute("SELECT subject, views, watched_ms FROM counters.views"):
            add(video, views, watched)
        parts = admin.execute("SELECT part, number, body FROM counters.pending_parts ORDER BY part, number").fetchall()
        for _, listed in groupby(parts, key=lambda row: int(row[0])):
            for key, waiting in Pending.read((number, body) for _, number, body in listed).keys.items():
                add(key.subject, waiting.first, waiting.second)
        for (count,) in admin.execute("SELECT count(*) FROM counters.dead_letters"):
            if count:
                add(0, count, 0)
    return sums


def begin(servers: Servers, topic: str, start: UUID, partitions: int) -> None:
    """The positions at the beginning of the log, so that every contestant's flush compares them."""
    with servers.admin() as admin:
        admin.execute(
            "INSERT INTO counters.positions (cluster, topic, part, next_offset, last_time_ms, flush) "
            "SELECT %s, %s, p, 0, 0, %s FROM generate_series(0, %s) AS p",
            (CELL, topic, start, partitions - 1),
        )


@dataclass(frozen=True, slots=True)
class Account:
    """What one process used from its first flush to its end."""

    first: Said
    last: Said
    counted: int
    """Records that its first flush had counted."""
    memory: int
    postgres_cpu: float
    kafka_cpu: float


def follow(running: Contestant, servers: Servers) -> Account:
    """Reads the lines of a contestant until it is done. Raises RuntimeError if it fails or never flushes."""
    first: Said | None = None
    memory, counted, database, broker = 0, 0, 0.0, 0.0
    for said in running.lines():
        if first is None and said.words[0] == "flushed":
            first, counted = said, int(said.words[1])
            database, broker = servers.postgres[0].cpu(), servers.kafka.cpu()
        memory = max(memory, said.memory)
    if first is None:
        raise RuntimeError(f"{running.name} was done without a flush")
    return Account(first, said, counted, memory, servers.postgres[0].cpu() - database, servers.kafka.cpu() - broker)


def share(read: int, counted: int) -> float:
    """The part of ``read`` records that came after the first flush. Raises RuntimeError if it is too small to measure."""
    part = 1 - counted / read
    if part < LEAST_SHARE:
        raise RuntimeError(f"the first flush wrote {1 - part:.0%} of the log: write a longer one (--events)")
    return part


def _prepare(servers: Servers, written: Written) -> Path:
    servers.empty()
    told = stagefile.write(servers.directory / "stage.json", servers, written.topic, written.ends)
    begin(servers, written.topic, told.start, len(written.ends))
    return told.path


def run(servers: Servers, peer: Peer, written: Written, number: int) -> Round:
    """One contestant, one pass. Raises RuntimeError if it fails."""
    stage = _prepare(servers, written)
    log = servers.directory / f"{peer.name.split()[0].strip(',')}-{number}.err"
    with processes.contestant(peer.name, peer.command(stage), log, accounting.cores()[0]) as running:
        account = follow(running, servers)
    millions = share(written.records, account.counted) * written.events / 1e6
    return Round(
        number,
        (account.last.cpu - account.first.cpu) / millions,
        account.postgres_cpu / millions,
        account.kafka_cpu / millions,
        millions * 1e6 / (account.last.at - account.first.at),
        account.memory,
        expected_and_found(written.truth, stored(servers)),
    )


def run_two(servers: Servers, peer: Peer, written: Written, number: int) -> Round:
    """Two processes of ``peer`` that share the partitions, one on each core. Each counts from its own first flush on."""
    stage = _prepare(servers, written)
    half = len(written.ends) // 2
    parts = ((0, half), (half, len(written.ends)))
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(parts)) as threads:
        running = [
            stack.enter_context(
                processes.contestant(
                    f"{peer.name} {at}",
                    (*peer.command(stage), str(start), str(stop - 1)),
                    servers.directory / f"two-{at}-{number}.err",
                    core,
                )
            )
            for at, ((start, stop), core) in enumerate(zip(parts, accounting.cores(), strict=True))
        ]
        accounts = list(threads.map(partial(follow, servers=servers), running))
    millions = [
        share(sum(written.ends[start:stop]), account.counted)
        * sum(written.ends[start:stop])
        / written.records
        * written.events
        / 1e6
        for (start, stop), account in zip(parts, accounts, strict=True)
    ]
    cpu = sum(account.last.cpu - account.first.cpu for account in accounts)
    seconds = max(account.last.at - account.first.at for account in accounts)
    return Round(
        number,
        cpu / sum(millions),
        max(account.postgres_cpu for account in accounts) / sum(millions),
        max(account.kafka_cpu for account in accounts) / sum(millions),
        sum(millions) * 1e6 / seconds,
        max(account.memory for account in accounts),
        expected_and_found(written.truth, stored(servers)),
    )


def rounds(
    servers: Servers, peers: Sequence[Peer], logs: dict[bool, Written], number: int, into: dict[str, Series]
) -> None:
    """Every contestant once; the order turns with the number."""
    turned = [*peers[number % len(peers) :], *peers[: number % len(peers)]]
    for peer in turned:
        series = into.setdefault(peer.name, Series(peer.name, logs[peer.packed].fill))
        if series.failed:
            continue
        try:
            series.rounds.append(run(servers, peer, logs[peer.packed], number))
        except (RuntimeError, OSError) as error:
            series.failed = " ".join(str(error).split())[-400:]
