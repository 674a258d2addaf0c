"""The record of writers: whatever is lost and comes back, each home has one writer, and its term only grows."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions import record as command
from regions import writers
from regions.buckets import HOMES, check, written
from regions.catalogue import CATALOGUE
from regions.writers import Record, RecordError, Seats

STEPS = (writers.lose, writers.bring_back, writers.settle, writers.give_up)
moves = st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(CATALOGUE.names)), max_size=25)


@given(moves)
def test_whatever_happens_each_home_has_one_writer_whose_term_grows_with_each_promotion(
    taken: list[tuple[object, str]],
) -> None:
    record = Record()
    for step, region in taken:
        before = record
        try:
            record = step(record, region)  # type: ignore[operator] # one of STEPS
        except RecordError:
            continue
        check(written(HOMES, record))
        assert writers.loads(writers.dumps(record), "here") == record
        for home in CATALOGUE.names:
            was, now = before.seats(home), record.seats(home)
            assert now.term == was.term + (now.writer != was.writer)
            assert now.writer not in record.lost
            # The writer's instance is never built anew, so nothing that it wrote is thrown away.
            assert now.built_in(now.writer) == was.built_in(now.writer)
            assert not now.replica(now.writer)


@given(moves, st.sampled_from(STEPS), st.sampled_from(CATALOGUE.names))
def test_a_step_that_was_taken_changes_nothing_when_it_is_repeated(
    taken: list[tuple[object, str]], last: object, region: str
) -> None:
    record = Record()
    for step, name in [*taken, (last, region)]:
        try:
            record = step(record, name)  # type: ignore[operator] # one of STEPS
        except RecordError:
            continue
        if step is not writers.bring_back or name in record.returning:
            assert step(record, name) == record  # type: ignore[operator] # one of STEPS


def test_a_fork_is_not_promoted() -> None:
    lost = writers.lose(Record(), "mumbai")
    with pytest.raises(RecordError, match="mumbai is away too"):
        writers.lose(lost, "singapore")


def test_a_returned_region_holds_a_new_replica_and_may_be_promoted() -> None:
    record = writers.settle(writers.bring_back(writers.lose(Record(), "mumbai"), "mumbai"), "mumbai")
    assert record.seats("mumbai") == Seats("singapore", 2, {"mumbai": 2})
    assert record.seats("mumbai").replica("mumbai")
    again = writers.lose(record, "singapore")
    assert (again.seats("mumbai").writer, again.seats("mumbai").term) == ("mumbai", 3)
    assert (again.seats("singapore").writer, again.seats("singapore").term) == ("mumbai", 2)


def test_what_was_given_up_is_read_neither_from_its_log_nor_again_from_the_copy_when_it_returns() -> None:
    record = writers.bring_back(writers.give_up(writers.lose(Record(), "mumbai"), "mumbai"), "mumbai")
    assert record.copied == ()
    with pytest.raises(RecordError, match="only what is away can be given up"):
        writers.give_up(record, "mumbai")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "keys"),
        (writers.dumps(Record()).replace('"homes": {}', '"homes": {"mumbai": {"writer": "oregon", "term": 2, "built": {}}}'), "cannot be written"),
        (writers.dumps(Record()).replace('"homes": {}', '"homes": {"mumbai": {"writer": "mumbai", "term": 0, "built": {}}}'), "terms begin at 1"),
        (writers.dumps(Record()).replace('"lost": []', '"lost": ["atlantis"]'), "atlantis"),
    ],
    ids=["empty", "no mapping", "foreign writer", "term 0", "unknown region"],
)  # fmt: skip
def test_a_malformed_record_is_refused_with_the_file_and_the_remedy(text: str, reason: str) -> None:
    with pytest.raises(RecordError, match=reason) as raised:
        writers.loads(text, "writers.json")
    assert "writers.json is no record" in str(raised.value)
    assert "Restore it" in str(raised.value)


def test_the_command_records_a_loss_and_refuses_what_cannot_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "writers.json"
    file.write_text(writers.dumps(Record()))
    assert command.main(["lose", "mumbai"], file) == 0
    assert "mumbai: written in singapore since term 2" in capsys.readouterr().out
    assert command.main(["return", "oregon"], file) == 1
    assert "not recorded as lost" in capsys.readouterr().err
    assert command.main(["lose"], file) == 2
    assert writers.load(file).lost == ("mumbai",)
