"""Beacons: judged event by event, hostile ones refused with a reason."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import ids
from services.contracts.events import Viewed, Watched
from services.engagement import event_ids, intake

NOW = 1_780_000_000_000
VIDEO = ids.Minter().mint(ids.ShardKey(5))
PAGE = "a-random-text-of-the-page"


def _event(**changes: object) -> dict[str, object]:
    base = {
        "kind": "view",
        "id": str(UUID(bytes=event_ids.make(NOW))),
        "video": ids.encode(VIDEO),
        "watched_ms": 31_000,
    }
    return {**base, **changes}


def _read(*sent: dict[str, object]) -> intake.Beacon:
    return intake.read(json.dumps({"viewer": PAGE, "events": list(sent)}).encode(), NOW)


@pytest.mark.parametrize(
    ("watched_ms", "duration_ms", "counts"),
    [
        (30_000, 600_000, True),
        (29_999, 600_000, False),
        (5_000, 10_000, True),
        (4_999, 10_000, False),
        (30_000, None, True),
        (29_999, None, False),
    ],
)
def test_a_view_takes_thirty_seconds_or_half_of_a_short_video(
    watched_ms: int, duration_ms: int | None, counts: bool
) -> None:
    kept, refused = intake.durations_apply(_read(_event(watched_ms=watched_ms)), {VIDEO: duration_ms})
    assert (len(kept), len(refused)) == ((1, 0) if counts else (0, 1))


def test_an_event_goes_to_the_log_under_its_own_id_and_time() -> None:
    beacon = _read(_event(), _event(kind="watch", watched_ms=10_000))
    view, watch = (candidate.encode(bytes(16)) for candidate in beacon.candidates)
    assert isinstance(view, Viewed)
    assert isinstance(watch, Watched)
    assert (view.at_ms, view.video, watch.watched_ms) == (NOW, VIDEO, 10_000)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "like"},
        {"id": str(uuid4())},
        {"id": "no uuid"},
        {"id": str(UUID(bytes=event_ids.make(NOW + 60_000)))},
        {"id": str(UUID(bytes=event_ids.make(NOW - 2 * 86_400_000)))},
        {"video": "short"},
        {"video": "~~~~~~~~~~~"},
        {"watched_ms": -1},
        {"watched_ms": "31000"},
        {"watched_ms": 2**70},
        {"delta": 5},
    ],
)
def test_a_bad_event_is_refused_with_a_reason_and_its_neighbour_kept(changes: dict[str, object]) -> None:
    beacon = _read(_event(**changes), _event())
    assert [refusal.index for refusal in beacon.refusals] == [0]
    assert beacon.refusals[0].reason
    assert [candidate.index for candidate in beacon.candidates] == [1]


def test_a_heartbeat_of_more_than_two_minutes_is_refused() -> None:
    assert _read(_event(kind="watch", watched_ms=intake.MAX_HEARTBEAT_MS + 1)).refusals


def test_an_unknown_video_is_refused() -> None:
    kept, refused = intake.durations_apply(_read(_event()), {})
    assert not kept
    assert "no such video" in refused[0].reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"events": []}',
        b'{"events": [1], "viewer": "short"}',
        b'{"events": [1], "more": 1}',
        b"\xff",
    ],
)
def test_a_request_of_another_form_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(intake.BeaconError):
        intake.read(body, NOW)


def test_more_than_a_hundred_events_are_refused() -> None:
    with pytest.raises(intake.BeaconError):
        _read(*[_event()] * 101)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_and_nothing_else(body: bytes) -> None:
    with pytest.raises(intake.BeaconError):
        intake.read(body, NOW)


def test_a_viewer_key_tells_neither_user_nor_address_and_differs_by_both() -> None:
    secret = b"s" * 32
    keys = {
        intake.viewer_key(secret, user=1, page=None),
        intake.viewer_key(secret, user=2, page=None),
        intake.viewer_key(secret, user=None, page=PAGE),
        intake.viewer_key(b"t" * 32, user=1, page=None),
    }
    assert len(keys) == 4
    assert intake.viewer_key(secret, user=1, page=PAGE) in keys
    assert intake.viewer_key(secret, user=None, page=None) is None


@given(st.integers(0, 2**48 - 1))
def test_an_event_id_carries_its_time(now_ms: int) -> None:
    made = event_ids.make(now_ms)
    assert UUID(bytes=made).version == 7
    assert event_ids.time_ms(made) == now_ms
    assert event_ids.parse(str(UUID(bytes=made)), now_ms) == made
