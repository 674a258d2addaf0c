"""What a run found, as data and as a page. Pure: goals, ratios and tables; knows nothing of servers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.events.consumers import Round, Series
from bench.events.flushes import Flushes
from bench.events.outage import Outage, projected
from bench.events.peers import GO, JAVA, KAFKAJS, OURS_JSON, OURS_PACKED
from bench.events.producers import KAFKAJS as THEIR_PRODUCER
from bench.events.producers import OURS as OUR_PRODUCER
from bench.events.producers import Round as Produced
from bench.events.reads import Reads
from bench.events.simulation import Case, Written

PACKED_CPU, PRODUCER_CPU, FLUSH_SECONDS, TWO_RATIO, REPLICA_SHARE = 1.1, 3.0, 1.5, 1.1, 0.9
JSON_RATIOS = ((KAFKAJS, 1.4), (JAVA, 0.6))
PACKED_BY_KAFKAJS = 4.5
FEWER_ROWS, FEWER_TRANSACTIONS = 0.99, 0.9999
OUTAGE_SECONDS = 120.0
BUSY = 2.0


@dataclass(frozen=True, slots=True)
class Taken:
    """When a part was measured."""

    at: str
    load: float
    """Load average of the machine when it began."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """One case and what it gives."""

    case: Case
    written: Written


@dataclass
class Results:
    """Everything; parts that were not run are empty."""

    machine: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    fill: float = 0.0
    taken: dict[str, Taken] = field(default_factory=dict)
    consumers: dict[str, Series] = field(default_factory=dict)
    one: list[Round] = field(default_factory=list)
    two: list[Round] = field(default_factory=list)
    tail: list[Round] = field(default_factory=list)
    producers: dict[str, list[Produced]] = field(default_factory=dict)
    flush: Flushes | None = None
    reads: list[Reads] = field(default_factory=list)
    simulation: list[Simulated] = field(default_factory=list)
    outage: Outage | None = None


Row = tuple[str, str, str, str]
"""Goal, wanted, measured, verdict."""


def valid(rounds: Sequence[Round]) -> list[Round]:
    """Rounds whose counts were right."""
    return [one for one in rounds if not one.wrong]


def ratios(numerator: Sequence[Round], denominator: Sequence[Round]) -> list[float]:
    """CPU of one by that of the other, in the rounds that both have."""
    by_number = {one.number: one.cpu for one in valid(denominator)}
    return [one.cpu / by_number[one.number] for one in valid(numerator) if one.number in by_number]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, least and most."""
    if not values:
        return "no valid round"
    return f"{statistics.median(values):.{digits}f} [{min(values):.{digits}f} to {max(values):.{digits}f}]"


def verdict(value: float, goal: float, *, more: bool) -> str:
    """Whether a goal is met: at least ``goal``, or at most."""
    return "met" if (value >= goal if more else value <= goal) else "**not met**"


def _judged(what: str, values: Sequence[float], goal: float, unit: str, *, more: bool) -> Row:
    wanted = f"{'≥' if more else '≤'} {goal:g}{unit}"
    if not values:
        return what, wanted, "not measured", ""
    return what, wanted, spread(values) + unit, verdict(statistics.median(values), goal, more=more)


def _rounds(results: Results, name: str) -> list[Round]:
    return results.consumers[name].rounds if name in results.consumers else []


def goals(results: Results) -> list[Row]:
    """Every goal."""
    packed, single = _rounds(results, OURS_PACKED), _rounds(results, OURS_JSON)
    packed_cpu = [one.cpu for one in valid(packed)]
    rows = [_judged("Consumer, packed, CPU for a million events", packed_cpu, PACKED_CPU, " s", more=False)]
    for name, goal in JSON_RATIOS:
        found = ratios(_rounds(results, name), single)
        rows.append(_judged(f"One JSON event a record: CPU of {name} by ours", found, goal, "", more=True))
    found = ratios(_rounds(results, KAFKAJS), packed)
    rows.append(_judged(f"CPU of {KAFKAJS} (JSON) by ours packed", found, PACKED_BY_KAFKAJS, "", more=True))
    produced = [one.cpu for one in results.producers.get(OUR_PRODUCER, []) if not one.missing]
    rows.append(_judged("Producer, CPU for a million acknowledged events", produced, PRODUCER_CPU, " s", more=False))
    flush = list(results.flush.update_seconds) if results.flush else []
    rows.append(_judged("A flush transaction of 200,000 keys", flush, FLUSH_SECONDS, " s", more=False))
    rows.append(
        _judged("CPU of two consumers by that of one", ratios(results.two, results.one), TWO_RATIO, "", more=False)
    )
    shares = [one.replica_share for one in results.reads if one.replicas]
    rows.append(_judged("Part of reads that replicas answer", shares, REPLICA_SHARE, "", more=True))
    rows += [("Stale reads of one's own direct writes", "0", str(sum(one.stale for one in results.reads)),
              verdict(sum(one.stale for one in results.reads), 0, more=False))] if results.reads else []  # fmt: skip
    for one in results.simulation:
        if one.case.adaptive and one.case.topic.startswith("views"):
            rows.append(_reduction(one))
    if results.outage:
        lost = results.outage.lost + results.outage.twice
        text = f"{results.outage.lost} lost, {results.outage.twice} twice of {results.outage.acknowledged:,}"
        rows.append(
            (
                f"PostgreSQL away for {results.outage.seconds:.0f} s under load",
                "0 lost",
                text,
                verdict(lost, 0, more=False),
            )
        )
    return rows


def fewer(written: Written) -> tuple[float, float]:
    """(rows, transactions) that are saved against one of each for every event, 0 to 1."""
    return 1 - written.rows / 1e6, 1 - written.transactions / 1e6


def _reduction(one: Simulated) -> Row:
    rows, transactions = fewer(one.written)
    said = verdict(min(rows - FEWER_ROWS, transactions - FEWER_TRANSACTIONS), 0, more=True)
    what = f"Views, {one.case.catalogue:,} videos, Zipf {one.case.skew:g}: fewer rows; fewer transactions"
    return what, "≥ 99 %; ≥ 99.99 %", f"{rows:.2%}; {transactions:.4%}", said


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    return [
        "| " + " | ".join(head) + " |",
        "|" + " --- |" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def _consumers(results: Results) -> list[str]:
    if not results.consumers:
        return []
    packed, single = _rounds(results, OURS_PACKED), _rounds(results, OURS_JSON)
    rows = []
    for name, series in results.consumers.items():
        good = valid(series.rounds)
        rows.append(
            (
                name,
                str(series.fill),
                spread([one.cpu for one in good]) if not series.failed else f"failed: {series.failed[:120]}",
                spread(ratios(series.rounds, single)),
                spread(ratios(series.rounds, packed)),
                spread([one.postgres_cpu for one in good]),
                spread([one.kafka_cpu for one in good]),
                f"{max((one.memory for one in good), default=0) / 1e6:.0f}",
                f"{len(good)} of {len(series.rounds)}",
            )
        )
    return [
        "## Consumers",
        "",
        "The whole path: consume, check fields and their bounds, drop what is repeated by the dense mark of its producer, "
        "aggregate, and one transaction with count rows, compared positions and marks, and an outbox row "
        "(`fsync`, full page images and synchronous commits on). Packed is the product's own path, which also keeps cold "
        "keys pending and checks that a video belongs to its partition; one JSON event a record is the format of the "
        f"peers. {PREFIX_WORKLOAD}",
        "",
        *table(
            (
                "consumer",
                "events a record",
                "CPU s a million, median [least to most]",
                "its CPU by ours with JSON",
                "its CPU by ours packed",
                "PostgreSQL CPU s a million",
                "Kafka CPU s a million",
                "memory MB",
                "valid rounds",
            ),
            rows,
        ),
    ]


PREFIX_WORKLOAD = (
    "100,000 videos by Zipf 1.1, 15 partitions, one event in 30 a view and the others heartbeats, one record in a "
    "hundred in the log twice. Contestants on one core, servers on the other; CPU is user and kernel time of the whole "
    "process tree from the first flush to the last."
)


def _scaling(results: Results) -> list[str]:
    if not results.two and not results.tail:
        return []
    lines = ["## Two consumers, and a long tail", ""]
    rows = [
        (what, spread([one.cpu for one in valid(rounds)]), f"{max((one.memory for one in rounds), default=0) / 1e6:.0f}",
         f"{len(valid(rounds))} of {len(rounds)}")
        for what, rounds in (
            ("one consumer", results.one),
            ("two consumers, half of the partitions each", results.two),
            ("one consumer, 833,333 videos by Zipf 1.1 (its part of ten million)", results.tail),
        )
        if rounds
    ]  # fmt: skip
    return [*lines, *table(("packed, as above", "CPU s a million", "largest memory MB", "valid rounds"), rows)]


def _producers(results: Results) -> list[str]:
    if not results.producers:
        return []
    theirs = results.producers.get(THEIR_PRODUCER, [])
    rows = [
        (
            name,
            spread([one.cpu for one in rounds]),
            spread([one.rate / 1e3 for one in rounds], 0),
            f"{statistics.mean(one.fill for one in rounds):.0f}",
            spread([a.cpu / b.cpu for a, b in zip(theirs, rounds, strict=False) if not a.missing and not b.missing]),
            str(sum(one.missing for one in rounds)),
        )
        for name, rounds in results.producers.items()
    ]
    return [
        "## Producers",
        "",
        "From an event to the acknowledgement of all in-sync replicas, idempotent. Ours is the path of the engagement "
        "service after the request: place, encode, pack, stamp, append.",
        "",
        *table(
            (
                "producer",
                "CPU s a million acknowledged",
                "thousand events/s",
                "events a record",
                "kafkajs by it",
                "missing in the log",
            ),
            rows,
        ),
    ]


def _flush(results: Results) -> list[str]:
    if results.flush is None:
        return []
    flush, wal = results.flush, results.flush.wal
    return [
        "## A flush on PostgreSQL",
        "",
        f"{flush.keys:,} keys: {flush.insert_seconds:.2f} s when all rows are new, {spread(flush.update_seconds)} s when "
        f"they are there: {flush.rows_per_second:,.0f} upserts/s, {flush.postgres_cpu:.2f} CPU seconds of PostgreSQL for a "
        "million.",
        "",
        *table(
            ("bytes of WAL", ""),
            [
                ("a flush with its position and outbox row", f"{wal.flush:.0f}"),
                ("a count row", f"{wal.count_row:.0f}"),
                ("a count row, its page for the first time since a checkpoint", f"{flush.full_pages:.0f}"),
                ("a state row", f"{wal.state_row:.0f}"),
                ("a mark", f"{wal.mark:.0f}"),
                ("a further position", f"{wal.position:.0f}"),
                ("a byte of what is pending", f"{wal.pending_byte:.2f}"),
                ("one event in a transaction of its own, with all of the above", f"{wal.single:.0f}"),
            ],
        ),
    ]


def _simulation(results: Results) -> list[str]:
    if not results.simulation:
        return []
    single = results.flush.wal.single if results.flush else 0.0
    rows = []
    for one in results.simulation:
        saved_rows, saved_transactions = fewer(one.written)
        rows.append(
            (
                one.case.topic.split(".")[0],
                f"{one.case.load:,.0f}",
                f"{one.case.catalogue:,}",
                f"{one.case.skew:g}",
                "adaptive" if one.case.adaptive else "fixed, 30 s",
                f"{one.written.window:.1f}",
                f"{one.written.rows:,.0f} "
                + (f"({saved_rows:.2%})" if saved_rows > 0 else f"({one.written.rows / 1e6:.1f} an event)"),
                f"{one.written.transactions:,.2f} ({saved_transactions:.4%})",
                f"{one.written.wal / 1e6:.1f}" + (f" of {single:.0f}" if single else ""),
                f"{one.written.pending_bytes / 1e6:.1f}",
            )
        )
    return [
        "## What is written at the headline load (simulated)",
        "",
        "For a million events over four regions, everything that a flush writes counted; in brackets how many fewer than "
        "one row and one transaction an event, or how many rows an event has. The method is the docstring of `bench/events/simulation.py`; WAL is measured "
        "a row (above), without images of whole pages. States (likes, subscriptions, comments) are a row each by their "
        "nature: only their count rows and transactions can be shared.",
        "",
        *table(
            (
                *(
                    "topic",
                    "events/s",
                    "videos",
                    "Zipf",
                    "window",
                    "seconds open",
                    "rows (fewer)",
                    "transactions (fewer)",
                ),
                *("WAL MB, of those of an event a transaction", "MB of pending bodies"),
            ),
            rows,
        ),
    ]


def _reads(results: Results) -> list[str]:
    if not results.reads:
        return []
    return [
        "## Reads",
        "",
        "Point reads through the shard router by 16 readers, beside two writers that read back each write at once by its "
        "position. All servers share one core here, so replicas add no capacity on this machine; what is measured is where "
        "reads go and that none is stale.",
        "",
        *table(
            ("replicas", "reads/s", "answered by replicas", "own writes read back", "stale", "waited for a replica"),
            [
                (
                    str(one.replicas),
                    f"{one.per_second:,.0f}",
                    f"{one.replica_share:.1%}",
                    str(one.own_writes),
                    str(one.stale),
                    str(one.waited),
                )
                for one in results.reads
            ],
        ),
    ]


def _outage(results: Results) -> list[str]:
    found = results.outage
    if found is None:
        return []
    lines = [
        "## PostgreSQL away",
        "",
        f"{found.seconds:.0f} s away while {found.offered:,.0f} events/s were acknowledged: {found.backlog:,} behind when it "
        f"came back, caught up in {found.catch_up:.1f} s; {found.acknowledged:,} acknowledged, **{found.lost} lost, "
        f"{found.twice} counted twice**, {found.unknown} whose producer was never told. The consumer held at most "
        f"{found.memory / 1e6:.0f} MB.",
        "",
    ]
    good = valid(_rounds(results, OURS_PACKED))
    if good:
        capacity = 1e6 / statistics.median(one.cpu for one in good)
        arriving = capacity * 2 / 3
        lines += [
            f"At two thirds of what a core counts ({arriving:,.0f} of {capacity:,.0f} events/s, by the CPU above) an outage of "
            f"{OUTAGE_SECONDS:.0f} s is made up for in {projected(OUTAGE_SECONDS, arriving, capacity):.0f} s.",
            "",
        ]
    return lines


def markdown(results: Results) -> str:
    """The page."""
    taken = [
        (part, one.at, f"{one.load:.1f}" + (" (not idle)" if one.load >= BUSY else ""))
        for part, one in results.taken.items()
    ]
    lines = [
        "# Events",
        "",
        "Made by `make bench-events`; the same numbers as data are in `events.json`.",
        "",
        f"Machine: {results.machine}. Where it was not idle, other work took turns on the same cores: CPU times are the "
        "kernel's own account of each process tree and ratios are paired by round, but both are worse than on an idle one.",
        "",
        *table(("part", "measured (UTC)", "load average when it began"), taken),
        f"Events in a record at the headline load: {results.fill:.0f} "
        "(`bench.events.simulation.headline_fill`: processes, partitions and linger of each region).",
        "",
        "## Goals",
        "",
        *table(("goal", "wanted", "measured", ""), goals(results)),
        *_consumers(results),
        *_scaling(results),
        *_producers(results),
        *_flush(results),
        *_simulation(results),
        *_reads(results),
        *_outage(results),
        "## Versions",
        "",
        ", ".join(f"{name} {version}" for name, version in sorted(results.versions.items())),
        "",
    ]
    return "\n".join(lines)


COMPARED = (OURS_PACKED, OURS_JSON, KAFKAJS, JAVA, GO)
"""In the order of the table."""
