"""Windows: whatever the log repeats, an event is counted once, and nothing is passed over."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts import events, topics
from services.contracts.events import AnyEvent, Reacted, Reaction, Stamp, Viewed, Watched
from services.counters.window import CountKey, Guards, MarkKey, Partition, Record, StateKey, Verdict, Window
from services.engagement import event_ids

VIEWS = Partition("mumbai", topics.VIEWS.name, 0)
LIKES = Partition("mumbai", topics.LIKES.name, 0)
ONE, TWO = UUID(int=1), UUID(int=2)
VIEWER = bytes(16)


def _window(partition: Partition = VIEWS, guards: Guards | None = None, **stored: int) -> Window:
    marks = {MarkKey("mumbai", ONE): stored["mark"]} if "mark" in stored else {}
    return Window(partition, stored.get("offset", 0), marks, lambda subject: subject < 100, guards or Guards())


def _record(offset: int, sequence: int, *packed: AnyEvent, incarnation: UUID = ONE, origin: str = "mumbai") -> Record:
    stamp = events.encode_stamp(Stamp(origin, incarnation, sequence))
    body = events.join_pack([events.encode_event(event) for event in packed])
    return Record(offset, 1_780_000_000_000 + offset, [(events.STAMP_HEADER, stamp)], body)


def _view(video: int = 7) -> Viewed:
    return Viewed(id=event_ids.make(), at_ms=1, video=video, viewer=VIEWER)


def _sums(window: Window) -> dict[CountKey, tuple[int, int]]:
    return {key: (sums.first, sums.second) for key, sums in window.counts.items()}


def test_views_and_watched_time_are_summed_by_video_and_region_of_ingestion() -> None:
    window = _window()
    watched = Watched(id=event_ids.make(), at_ms=1, video=7, viewer=VIEWER, watched_ms=500)
    assert window.take(_record(0, 1, _view(), _view(8), watched)) is Verdict.TAKEN
    assert window.take(_record(1, 1, _view(), incarnation=TWO, origin="oregon")) is Verdict.TAKEN
    assert _sums(window) == {
        CountKey(7, "mumbai"): (1, 500),
        CountKey(8, "mumbai"): (1, 0),
        CountKey(7, "oregon"): (1, 0),
    }
    assert window.next_offset == 2


def test_a_record_that_was_counted_is_a_duplicate_wherever_it_stands() -> None:
    window = _window(offset=50, mark=3)
    assert window.take(_record(50, 3, _view())) is Verdict.DUPLICATE
    assert window.take(_record(51, 4, _view())) is Verdict.TAKEN
    assert window.take(_record(52, 4, _view())) is Verdict.DUPLICATE
    assert _sums(window) == {CountKey(7, "mumbai"): (1, 0)}
    assert window.next_offset == 53


def test_a_mark_by_which_a_record_was_skipped_is_remembered_until_the_flush() -> None:
    window = _window(offset=50, mark=3)
    window.take(_record(50, 2, _view()))
    window.take(_record(51, 1, _view()))
    assert window.skipped == {MarkKey("mumbai", ONE): 2}
    window.flushed()
    assert not window.skipped


@pytest.mark.parametrize("sequence", [3, 100])
def test_a_record_that_is_not_the_next_changes_nothing(sequence: int) -> None:
    window = _window(offset=5, mark=1)
    assert window.take(_record(5, sequence, _view())) is Verdict.GAP
    assert (window.next_offset, window.dirty, window.counts, window.advanced) == (5, False, {}, {})
    assert window.take(_record(5, 2, _view())) is Verdict.TAKEN


def test_the_first_record_of_an_incarnation_has_sequence_one() -> None:
    assert _window().take(_record(0, 2, _view())) is Verdict.GAP
    assert _window().take(_record(0, 1, _view())) is Verdict.TAKEN


def test_events_of_a_pack_are_judged_singly_and_the_bad_ones_buried_with_their_stamp() -> None:
    window = _window()
    good, misplaced = events.encode_event(_view()), events.encode_event(_view(500))
    stamp = events.encode_stamp(Stamp("mumbai", ONE, 1))
    record = Record(9, 1, [(events.STAMP_HEADER, stamp)], events.join_pack([good, b"\x91\x63", misplaced, good]))
    assert window.take(record) is Verdict.TAKEN
    assert _sums(window) == {CountKey(7, "mumbai"): (2, 0)}
    assert [
        (letter.index, letter.sequence, letter.offset) for letter in sorted(window.dead, key=lambda d: d.index)
    ] == [
        (1, 1, 9),
        (2, 1, 9),
    ]
    assert all(letter.key == MarkKey("mumbai", ONE) and letter.stamp == stamp for letter in window.dead)


def test_a_body_that_cannot_be_read_is_one_dead_letter_and_the_sequence_goes_on() -> None:
    window = _window()
    stamp = events.encode_stamp(Stamp("mumbai", ONE, 1))
    assert window.take(Record(0, 1, [(events.STAMP_HEADER, stamp)], b"{}")) is Verdict.DEAD
    assert window.take(_record(1, 2, _view())) is Verdict.TAKEN
    assert [(letter.index, letter.sequence) for letter in window.dead] == [(-1, 1)]


@pytest.mark.parametrize("headers", [[], [("stamp", b"")], [("stamp", None)], [("stamp", b"\xff" * 30)]])
def test_a_record_without_a_readable_stamp_is_buried_by_its_place_in_the_log(
    headers: list[tuple[str, bytes | None]],
) -> None:
    window = _window(offset=4)
    assert window.take(Record(4, 1, headers, b"x")) is Verdict.DEAD
    assert window.next_offset == 5
    assert [(letter.sequence, letter.key.origin) for letter in window.dead] == [(4, "unstamped:mumbai")]


def test_of_several_states_the_newest_by_time_and_id_wins_whatever_the_order() -> None:
    ids = [event_ids.make(1000), event_ids.make(1000), event_ids.make(999)]
    states = [
        Reacted(id=ids[0], at_ms=1000, video=7, user=9, state=Reaction.LIKE),
        Reacted(id=ids[1], at_ms=1000, video=7, user=9, state=Reaction.DISLIKE),
        Reacted(id=ids[2], at_ms=999, video=7, user=9, state=Reaction.NONE),
    ]
    winner = max(states, key=lambda state: (state.at_ms, state.id))
    for order in (states, states[::-1], [states[2], states[0], states[1]]):
        window = _window(LIKES)
        window.take(_record(0, 1, *order))
        assert window.states[StateKey(7, 9)].value == winner.state
        assert not window.counts


_LOG = st.lists(st.tuples(st.sampled_from([ONE, TWO]), st.integers(1, 3)), min_size=1, max_size=25)


@given(log=_LOG, replays=st.lists(st.integers(0, 30), max_size=30), flushes=st.sets(st.integers(0, 60)))
def test_a_log_with_any_repetition_counts_each_stamp_once(
    log: list[tuple[UUID, int]], replays: list[int], flushes: set[int]
) -> None:
    sequences: dict[UUID, int] = {}
    stamped: list[tuple[UUID, int, int]] = []
    for incarnation, size in log:
        sequences[incarnation] = sequences.get(incarnation, 0) + 1
        stamped.append((incarnation, sequences[incarnation], size))
    # A replicator repeats records that it has delivered already.
    delivered = list(stamped)
    for replay in replays:
        at = replay % len(delivered)
        delivered.insert(at + 1, delivered[at])
    window, counted = _window(), 0
    for offset, (incarnation, sequence, size) in enumerate(delivered):
        verdict = window.take(_record(offset, sequence, *[_view()] * size, incarnation=incarnation))
        assert verdict is not Verdict.GAP
        if offset in flushes:
            counted += sum(sums.first for sums in window.counts.values())
            window.flushed()
            assert not window.dirty
    counted += sum(sums.first for sums in window.counts.values())
    assert counted == sum(size for _, size in log)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=40))
def test_a_log_with_holes_is_never_counted_past_a_hole(sequences: list[int]) -> None:
    window, expected = _window(), 0
    for sequence in sequences:
        offset = window.next_offset
        verdict = window.take(_record(offset, sequence, _view()))
        if sequence == expected + 1:
            expected += 1
            assert verdict is Verdict.TAKEN
        else:
            assert verdict is (Verdict.DUPLICATE if sequence <= expected else Verdict.GAP)
    assert sum(sums.first for sums in window.counts.values()) == expected


def test_without_the_marks_a_repeated_record_counts_twice() -> None:
    window = _window(guards=Guards(marks=False, dense=False))
    for offset in (0, 1):
        window.take(_record(offset, 1, _view()))
    assert _sums(window) == {CountKey(7, "mumbai"): (2, 0)}


def test_an_unknown_incarnation_has_mark_zero() -> None:
    assert _window().mark(MarkKey("mumbai", uuid4())) == 0
