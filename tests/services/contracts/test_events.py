"""Events: what is written is read, by old readers too, and hostile bytes never do more than be refused."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts import events, topics
from services.contracts.events import (
    AnyEvent,
    Commented,
    MalformedRecordError,
    Notified,
    Reacted,
    Reaction,
    Stamp,
    Subscribed,
    Viewed,
    Watched,
)
from tests.services.contracts.readers_v1 import READER_V1

EVENT_ID = UUID("01890000-0000-7000-8000-000000000001").bytes
VIEWER = bytes(range(16))
ONE_OF_EACH: tuple[AnyEvent, ...] = (
    Viewed(id=EVENT_ID, at_ms=1_700_000_000_000, video=2**62, viewer=VIEWER),
    Watched(id=EVENT_ID, at_ms=1_700_000_000_001, video=7, viewer=VIEWER, watched_ms=10_000),
    Reacted(id=EVENT_ID, at_ms=1_700_000_000_002, video=7, user=9, state=Reaction.DISLIKE),
    Commented(id=EVENT_ID, at_ms=1_700_000_000_003, video=7, user=9, comment=11, active=True),
    Subscribed(id=EVENT_ID, at_ms=1_700_000_000_004, channel=8, user=9, active=False),
    Notified(id=EVENT_ID, at_ms=1_700_000_000_005, user=9, kind="video", subject=7),
)
SAMPLES = Path(__file__).parent / "samples" / "schema1.json"
"""Body of one record for each kind, written by the first writer of schema 1. Never regenerate: old logs look so."""


def _pack(*written: AnyEvent) -> bytes:
    return events.join_pack([events.encode_event(event) for event in written])


def _topic(event: AnyEvent) -> str:
    return events.TOPIC_OF[type(event)].name


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_an_event_is_read_as_it_was_written(event: AnyEvent) -> None:
    pack = events.decode_pack(_topic(event), events.SCHEMA, _pack(event, event))
    assert list(pack.events) == [event, event]
    assert not pack.faults


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_the_reader_of_today_reads_the_first_writers_records(event: AnyEvent) -> None:
    sample = bytes.fromhex(json.loads(SAMPLES.read_text())[type(event).__name__])
    assert list(events.decode_pack(_topic(event), 1, sample).events) == [event]


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_the_first_reader_reads_records_of_the_writer_of_today(event: AnyEvent) -> None:
    (old,) = READER_V1.decode(_pack(event))
    for field in msgspec.structs.fields(type(old)):
        assert getattr(old, field.name) == getattr(event, field.name)


def test_a_reader_ignores_a_field_that_a_later_writer_appended() -> None:
    later = msgspec.msgpack.encode([[*msgspec.msgpack.decode(events.encode_event(ONE_OF_EACH[0])), "later"]])
    assert list(events.decode_pack(topics.VIEWS.name, 1, later).events) == [ONE_OF_EACH[0]]


def test_an_unknown_kind_or_a_bad_field_is_one_fault_and_its_neighbours_are_read() -> None:
    good = ONE_OF_EACH[0]
    body = events.join_pack(
        [
            events.encode_event(good),
            msgspec.msgpack.encode([99, EVENT_ID, 1]),
            msgspec.msgpack.encode([1, EVENT_ID, -5, 7, VIEWER]),
            msgspec.msgpack.encode([2, EVENT_ID, 5, 7, VIEWER, -1]),
            msgspec.msgpack.encode("no event"),
            events.encode_event(good),
        ]
    )
    pack = events.decode_pack(topics.VIEWS.name, 1, body)
    assert list(pack.events) == [good, good]
    assert list(pack.indexes) == [0, 5]
    assert [fault.index for fault in pack.faults] == [1, 2, 3, 4]
    assert all(fault.reason for fault in pack.faults)


def test_an_event_of_another_topic_is_a_fault() -> None:
    pack = events.decode_pack(topics.LIKES.name, 1, _pack(ONE_OF_EACH[0]))
    assert not pack.events
    assert len(pack.faults) == 1


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (2, b"\xdc\x00\x00"),
        (1, b""),
        (1, None),
        (1, b"\x90"),
        (1, b"\xdc\x00\x02\x01"),
        (1, b"{}"),
        (1, b"\x91" * 20_000),
        (1, b"\x90" + b"x" * events.PACK_BYTES),
        (1, b"\xdc\x00\x65" + b"\x01" * 101),
    ],
)
def test_a_body_that_is_no_pack_is_refused_with_a_reason(schema: int, body: bytes | None) -> None:
    with pytest.raises(MalformedRecordError):
        events.decode_pack(topics.VIEWS.name, schema, body)


@given(st.binary(max_size=400))
def test_random_bytes_are_read_or_refused_and_nothing_else(body: bytes) -> None:
    for topic in {kind.name: kind for kind in events.TOPIC_OF.values()}.values():
        try:
            pack = events.decode_pack(topic.name, 1, body)
        except MalformedRecordError:
            continue
        assert len(pack.events) + len(pack.faults) <= events.PACK_EVENTS


@given(
    st.builds(
        Stamp,
        origin=st.from_regex(r"[a-z]{1,32}", fullmatch=True),
        incarnation=st.uuids(),
        sequence=st.integers(1, 2**63 - 1),
        schema=st.integers(0, 255),
    )
)
def test_a_stamp_is_read_as_it_was_written(stamp: Stamp) -> None:
    assert events.stamp_of([("other", b"x"), (events.STAMP_HEADER, events.encode_stamp(stamp))]) == stamp


@given(st.binary(max_size=80))
def test_a_damaged_stamp_is_refused(value: bytes) -> None:
    try:
        stamp = events.decode_stamp(value)
    except MalformedRecordError:
        return
    assert events.encode_stamp(stamp) == value


def test_a_record_without_a_stamp_is_refused() -> None:
    with pytest.raises(MalformedRecordError, match="no 'stamp' header"):
        events.stamp_of([("traceparent", b"00")])


def test_the_widest_event_fits_the_bound() -> None:
    widest = Notified(id=EVENT_ID, at_ms=2**53, user=2**63 - 1, kind="\u00e9" * 32, subject=2**63 - 1)
    assert len(events.encode_event(widest)) <= events.EVENT_BYTES


@pytest.mark.parametrize("count", [0, events.PACK_EVENTS + 1])
def test_a_pack_holds_one_to_a_hundred_events(count: int) -> None:
    with pytest.raises(ValueError, match="a pack holds"):
        events.join_pack([events.encode_event(ONE_OF_EACH[0])] * count)
