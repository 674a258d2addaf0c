"""The page of the events bench: void rounds count for nothing, ratios are paired, goals are judged by medians."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import msgspec
import pytest

from bench.events import report
from bench.events.consumers import Round, Series, expected_and_found, share
from bench.events.flushes import Flushes
from bench.events.outage import Outage, compare, projected
from bench.events.peers import JAVA, KAFKAJS, OURS_JSON, OURS_PACKED
from bench.events.producers import OURS as OUR_PRODUCER
from bench.events.producers import Round as Produced
from bench.events.reads import Reads
from bench.events.report import Results, Simulated, Taken
from bench.events.simulation import Case, Wal, Written


def rounds(*cpus: float, wrong: int = 0) -> list[Round]:
    return [Round(number, cpu, 0.5, 0.3, 100_000, 90_000_000, wrong) for number, cpu in enumerate(cpus)]


def full() -> Results:
    wal = Wal(600, 150, 220, 130, 110, 0.5, 700)
    return Results(
        machine="a machine, 2 cores",
        versions={"aiokafka": "0.14"},
        fill=35.1,
        taken={"consumers": Taken("2026-11-23 14:20", 1.0)},
        consumers={
            OURS_PACKED: Series(OURS_PACKED, 35, rounds(1.0, 1.2, 0.9)),
            OURS_JSON: Series(OURS_JSON, 1, rounds(3.0, 4.0, 3.0)),
            KAFKAJS: Series(KAFKAJS, 1, rounds(6.0, 6.0, 6.0)),
            JAVA: Series(JAVA, 1, rounds(1.5, 1.5, 1.5)),
        },
        one=rounds(1.0, 1.0),
        two=rounds(1.05, 1.2),
        tail=rounds(3.0),
        producers={OUR_PRODUCER: [Produced(0, 2.5, 300_000, 40, 0)]},
        flush=Flushes(200_000, 1.4, (1.0, 1.1, 0.9), 4.0, wal, 900.0),
        reads=[Reads(0, 2_000, 0.0, 50, 0, 0), Reads(2, 2_500, 0.97, 60, 0, 4)],
        simulation=[Simulated(Case("views.v1", 10_000_000, 1.0, True, 1e6), Written(40_000, 5, 7e7, 39_000, 1e8, 9.6))],
        outage=Outage(121, 4_000, 500_000, 0, 480_000, 4.0, 0, 0, 120_000_000),
    )


def test_a_round_with_wrong_counts_is_void() -> None:
    results = full()
    results.consumers[OURS_PACKED].rounds += rounds(0.1, wrong=1)
    goals = {what: (measured, said) for what, _, measured, said in report.goals(results)}
    assert goals["Consumer, packed, CPU for a million events"] == ("1.00 [0.90 to 1.20] s", "met")


def test_ratios_are_made_within_a_round_and_skip_what_one_side_lacks() -> None:
    assert report.ratios(rounds(6.0, 8.0, 9.0), rounds(3.0, 2.0)) == [2.0, 4.0]
    assert report.ratios(rounds(6.0, wrong=3), rounds(3.0)) == []


def test_every_goal_is_judged_and_a_missed_one_says_so() -> None:
    said = {what: verdict for what, _, _, verdict in report.goals(full())}
    assert said[f"One JSON event a record: CPU of {KAFKAJS} by ours"] == "met"
    assert said[f"One JSON event a record: CPU of {JAVA} by ours"] == "**not met**"
    assert said["CPU of two consumers by that of one"] == "**not met**"
    assert said["Views, 10,000,000 videos, Zipf 1: fewer rows; fewer transactions"] == "**not met**"
    assert said["PostgreSQL away for 121 s under load"] == "met"


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    rows = report.goals(Results())
    assert rows
    assert {(measured, said) for _, _, measured, said in rows} == {("not measured", "")}


def test_the_page_has_every_part_and_marks_a_busy_machine() -> None:
    results = full()
    results.taken["flush"] = Taken("2026-11-23 14:25", 17.0)
    page = report.markdown(results)
    for heading in ("Goals", "Consumers", "Producers", "A flush on PostgreSQL", "Reads", "PostgreSQL away", "Versions"):
        assert f"## {heading}" in page
    assert "17.0 (not idle)" in page
    assert "1.0 |" in page


def test_results_survive_their_file_so_that_parts_can_be_run_one_by_one() -> None:
    results = full()
    data = msgspec.to_builtins(results) | {"goals": report.goals(results)}
    assert msgspec.json.decode(msgspec.json.encode(data), type=Results) == results


def test_a_lost_view_and_one_too_many_are_both_seen() -> None:
    sent, unknown = Counter({1: 10, 2: 10}), Counter({2: 5})
    assert compare(sent, unknown, {1: (10, 0), 2: (15, 0)}) == (0, 0)
    assert compare(sent, unknown, {1: (9, 0), 2: (16, 0), 3: (2, 0)}) == (1, 3)


def test_counts_are_compared_both_ways() -> None:
    assert expected_and_found({1: (1, 2)}, {1: (1, 2)}) == 0
    assert expected_and_found({1: (1, 2)}, {}) == 1
    assert expected_and_found({}, {1: (1, 2), 2: (0, 1)}) == 2


def test_a_log_that_ends_with_the_first_flush_measures_nothing() -> None:
    assert math.isclose(share(1_000, 200), 0.8)
    with pytest.raises(RuntimeError, match="longer"):
        share(1_000, 900)


def test_catching_up_takes_what_was_missed_over_what_is_left_of_capacity() -> None:
    assert projected(120, 600_000, 900_000) == 240
    with pytest.raises(ValueError, match="add consumers"):
        projected(120, 900_000, 900_000)


def test_a_failed_contestant_is_named_with_its_reason() -> None:
    results = dataclasses.replace(full(), consumers={KAFKAJS: Series(KAFKAJS, 1, [], "it ended with code 1")})
    assert "failed: it ended with code 1" in report.markdown(results)
