"""From rounds to a table: medians, spreads, paired ratios, goals met and not. Pure; owns no measurement."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.gateway.measure import Round
from bench.gateway.overload import CAPACITY, MILLISECONDS_EACH, OFFERED, PLACES, Seen
from bench.gateway.peers import LUA, OURS, OURS_PURE, OURS_TWO, PLAIN

GOALS: Final[tuple[tuple[str, str, float, float], ...]] = (
    ("nginx plain", PLAIN, 1.0, 0.75),
    ("nginx + Lua", LUA, 2.0, 1.4),
    ("HAProxy", "HAProxy", 1.6, 1.1),
    ("Envoy", "Envoy", 4.0, 2.8),
    ("Fastify", "Fastify", 12.0, 7.0),
    ("Express as written", "Express, as written", 40.0, 25.0),
)
"""(words, peer, least ratio of its CPU to ours compiled, the same for pure Python)."""
VALKEY_US: Final = 12.0
IDLE_MB: Final = 2.0
LATENCY_RATIO: Final = 1.3
GOODPUT: Final = 0.9
OVERLOAD_P99: Final = 3.0
TWO_PROCESSES: Final = 1.05


@dataclass
class Results:
    """Everything that was measured."""

    machine: str
    load_before: float
    versions: Mapping[str, str]
    head_bytes: Mapping[bool, int]
    seconds: int
    jobs: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    memory: dict[str, tuple[float, float]] = field(default_factory=dict)
    latency: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    large: dict[str, tuple[float, float]] = field(default_factory=dict)
    tls: dict[str, list[Round]] = field(default_factory=dict)
    overload: dict[str, Seen] = field(default_factory=dict)
    processes: dict[str, list[Round]] = field(default_factory=dict)


def _valid(rounds: Sequence[Round]) -> list[Round]:
    return [one for one in rounds if one.valid]


def ratios(of: Sequence[Round], to: Sequence[Round]) -> list[float]:
    """CPU of ``of`` by that of ``to``, paired by round; rounds that are invalid on either side are left out."""
    ours = {one.number: one.cpu_us for one in _valid(to)}
    return [one.cpu_us / ours[one.number] for one in _valid(of) if one.number in ours]


def _spread(values: Sequence[float], digits: int = 2) -> str:
    if not values:
        return "no valid round"
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f} to {max(values):.{digits}f}]"


def _verdict(value: float, goal: float, more: bool = True) -> str:
    return "met" if (value >= goal if more else value <= goal) else "not met"


def goals(results: Results) -> list[tuple[str, str, str, str]]:
    """(goal, wanted, measured, met or not met)."""
    rows = []
    for build, column in ((OURS, 2), (OURS_PURE, 3)):
        for goal in GOALS:
            found = ratios(results.rounds.get(goal[1], []), results.rounds.get(build, []))
            wanted = (goal[2], goal[3])[column - 2]
            said = _verdict(statistics.median(found), wanted) if found else "not measured"
            rows.append((f"{build}: CPU of {goal[0]} by ours", f"≥ {wanted:g}", _spread(found), said))
    valkey = [one.valkey_us for one in _valid(results.rounds.get(OURS, []))]
    if valkey:
        said = _verdict(statistics.median(valkey), VALKEY_US, more=False)
        rows.append(("Valkey, CPU for a request", f"≤ {VALKEY_US:g} µs", _spread(valkey, 1) + " µs", said))
    if OURS in results.memory:
        each = results.memory[OURS][1]
        said = _verdict(each, IDLE_MB, more=False)
        rows.append(("Idle memory for 1,000 connections", f"≤ {IDLE_MB:g} MB", f"{each:.2f} MB", said))
    if OURS in results.latency and LUA in results.latency:
        ratio = results.latency[OURS][2] / results.latency[LUA][2]
        said = _verdict(ratio, LATENCY_RATIO, more=False)
        rows.append(("p99 at 1,000 requests/s by that of nginx + Lua", f"≤ {LATENCY_RATIO:g}", f"{ratio:.2f}", said))
    if {OURS, OURS_TWO} <= set(results.processes):
        paired = ratios(results.processes[OURS_TWO], results.processes[OURS])
        said = _verdict(statistics.median(paired), TWO_PROCESSES, more=False) if paired else "not measured"
        rows.append(
            ("CPU for a request: two processes (on one core) by one", f"≤ {TWO_PROCESSES:g}", _spread(paired), said)
        )
    if {"half", "over"} <= set(results.overload):
        half, over = results.overload["half"], results.overload["over"]
        part = over.admitted / CAPACITY
        rows.append(
            (
                f"Overload: goodput of the capacity ({CAPACITY:,}/s)",
                f"≥ {GOODPUT:.0%}",
                f"{part:.0%}",
                _verdict(part, GOODPUT),
            )
        )
        times = over.p99_ms / half.p99_ms if half.p99_ms else 0.0
        said = _verdict(times, OVERLOAD_P99, more=False)
        rows.append(("Overload: p99 of admitted by that at half load", f"≤ {OVERLOAD_P99:g}", f"{times:.2f}", said))
    return rows


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def markdown(results: Results) -> str:
    """The page."""
    lines = [
        "# The gateway beside its peers",
        "",
        "Made by `make bench-gateway`; the same numbers as data are in `gateway.json`.",
        "",
        f"Machine: {results.machine}. Load average when it began: {results.load_before:.1f}"
        + (
            " (**not idle**: other work took turns on the same cores, so absolute figures are too high and spreads wide; "
            "CPU times are the kernel's own account of each process tree, and ratios are paired by round)."
            if results.load_before >= 2
            else "."
        ),
        "",
        "One worker process each, pinned to one core; wrk (1 thread, 64 keep-alive connections), seven upstream ports and "
        f"Valkey on the other. 256 users x 7 paths, a trace id of its own on each request, heads of {results.head_bytes[True]} "
        f"bytes (ours and nginx plain: ES256 tokens) or {results.head_bytes[False]} bytes (the others: HS256, cheaper to "
        f"verify). Answers of 1,024 bytes. Rounds of {results.seconds} s in which every peer runs once, in turning order. "
        "A round counts if at most one request in 1,000 failed and answers had their length. CPU is user and kernel time of "
        "the whole process tree (`/proc/PID/task/*/schedstat`), by requests.",
        "",
        "## CPU for a request",
        "",
    ]
    rows = []
    for name, measured in results.rounds.items():
        valid = _valid(measured)
        cpu = [one.cpu_us for one in valid]
        paired = ratios(measured, results.rounds.get(OURS, []))
        rows.append(
            (
                name,
                results.jobs[name],
                _spread(cpu, 1),
                f"{1e6 / statistics.median(cpu):,.0f}" if cpu else "-",
                _spread(paired),
                f"{statistics.median([one.load.rate for one in valid]):,.0f}" if valid else "-",
                f"{statistics.median([one.load.p99_ms for one in valid]):.1f}" if valid else "-",
                f"{statistics.median([one.valkey_us for one in valid]):.1f}" if valid else "-",
                f"{len(valid)} of {len(measured)}",
            )
        )
    lines += _table(
        (
            *(
                "peer",
                "job",
                "CPU µs, median [least to most]",
                "requests/s a core (derived)",
                "its CPU by ours compiled",
            ),
            *("requests/s seen", "p99 ms at saturation", "Valkey µs", "valid rounds"),
        ),
        rows,
    )
    for name, reason in results.failed.items():
        lines += [f"{name} did not take part: {reason}", ""]
    lines += ["## Goals", "", *_table(("goal", "wanted", "measured", ""), goals(results))]
    if results.latency:
        lines += ["## Latency at a fixed 1,000 requests/s (hey, 32 workers)", ""]
        lines += _table(
            ("peer", "reached", "p50 ms", "p99 ms"),
            [(name, f"{r:.0f}", f"{a:.2f}", f"{b:.2f}") for name, (r, a, b) in results.latency.items()],
        )
    if results.memory:
        lines += ["## Memory (proportional set size; 2,000 idle keep-alive connections)", ""]
        lines += _table(
            ("peer", "at rest MB", "MB for 1,000 idle connections"),
            [(name, f"{a:.0f}", f"{b:.2f}") for name, (a, b) in results.memory.items()],
        )
    if results.large:
        lines += ["## Answers of 1 MB", ""]
        lines += _table(
            ("peer", "MB/s", "CPU ms for a MB"),
            [(name, f"{a:.0f}", f"{b:.2f}") for name, (a, b) in results.large.items()],
        )
    if results.tls:
        lines += ["## TLS towards the caller (keep-alive; in the platform the edge ends TLS, not the gateway)", ""]
        lines += _table(
            ("peer", "CPU µs, median [least to most]"),
            [(name, _spread([one.cpu_us for one in _valid(all_)], 1)) for name, all_ in results.tls.items()],
        )
    if results.overload:
        lines += [
            f"## Overload: an upstream of {PLACES} places of {MILLISECONDS_EACH} ms ({CAPACITY:,} requests/s)",
            "",
        ]
        lines += _table(
            ("offered/s", "admitted/s", "shed/s", "other", "p50 ms", "p99 ms of admitted"),
            [
                (
                    f"{seen.offered:,.0f}",
                    f"{seen.admitted:,.0f}",
                    f"{seen.shed:,.0f}",
                    str(seen.other),
                    f"{seen.p50_ms:.1f}",
                    f"{seen.p99_ms:.1f}",
                )
                for seen in results.overload.values()
            ],
        )
        lines += [
            f"The sender is an open loop in Go that offers {OFFERED:,}/s on 2,000 connections from the same core as the upstream; "
            "times count from when a request was due. The law itself is held in virtual time by "
            "`tests/services/gateway/test_overload.py`.",
            "",
        ]
    lines += [
        "## Versions",
        "",
        ", ".join(f"{name} {version}" for name, version in sorted(results.versions.items())),
        "",
    ]
    return "\n".join(lines)
