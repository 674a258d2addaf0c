"""Every kind of bad input has an answer: refused at the front with a reason, or a dead letter with a reason.

Never a partition that stands still, never a silent drop: what is good beside it is counted in each case.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import msgspec

from services.common import ids
from services.common.ids import Minter, ShardKey
from services.contracts import events
from services.contracts.events import Stamp
from services.engagement import event_ids
from tests.services.counters.platform import Platform, Raw, counting, eventually, service, signed, viewed

PAGE = "a-random-text-of-the-page"
YEAR_MS = 365 * 86_400_000
NOW_MS = event_ids.time_ms(event_ids.make())


def _wire(event: events.AnyEvent, **places: object) -> bytes:
    """``event`` with other values at some of its places, as no writer of ours would make it."""
    names = ["tag", *(field.name for field in msgspec.structs.fields(event))]
    values = msgspec.msgpack.decode(events.encode_event(event))
    for name, value in places.items():
        values[names.index(name)] = value
    return msgspec.msgpack.encode(values)


async def test_bad_records_become_dead_letters_with_a_reason_and_what_lies_beside_them_is_counted(
    platform: Platform,
) -> None:
    video, far = platform.video(), platform.video("singapore")
    watched = events.Watched(id=event_ids.make(), at_ms=NOW_MS, video=video, viewer=bytes(16), watched_ms=1)
    one_view = viewed(video)[0]
    whole, single = uuid4(), uuid4()
    place = platform.record([one_view], 1, whole)

    def stamp(sequence: int, schema: int = events.SCHEMA) -> bytes:
        return events.encode_stamp(Stamp("mumbai", whole, sequence, schema))

    good = events.encode_event(one_view)
    expected = {
        # Of whole records.
        (whole, 1, -1): "schema 99",
        (whole, 2, -1): "the body has",
        (whole, 3, -1): "the body is no array",
        # Of single events, between good ones.
        (single, 1, 1): "Expected `int`, got `str`",
        (single, 1, 2): "Expected `int` >= 0",
        (single, 1, 3): "Expected `int` <= 9007199254740992",
        (single, 1, 4): "does not belong to partition",
        (single, 1, 5): "does not belong to partition",
        (single, 1, 6): "Invalid value 77",
    }
    pack = [
        good,
        _wire(one_view, video="a video"),
        _wire(watched, watched_ms=-5),
        _wire(one_view, at_ms=2**60),
        _wire(one_view, video=far),
        _wire(one_view, video=Minter().mint(ShardKey(0)) | (1023 << ids.SEQUENCE_BITS)),
        _wire(one_view, tag=77),
        good,
    ]
    single_stamp = events.encode_stamp(Stamp("mumbai", single, 1))
    await platform.write(
        Raw(place.topic, place.partition, stamp(1, 99), place.body),
        Raw(place.topic, place.partition, stamp(2), bytes(events.PACK_BYTES + 1)),
        Raw(place.topic, place.partition, stamp(3), b"\xc1"),
        Raw(place.topic, place.partition, single_stamp, events.join_pack(pack)),
        platform.record(viewed(video, 3), 4, whole),
    )
    async with counting(platform.settings) as running:
        await eventually("views", partial(platform.views, video), 5)
        assert running.registry.get_sample_value("meridian_counter_stopped_partitions") == 0
    found = {
        (incarnation, sequence, index): str(reason)
        for incarnation, sequence, index, reason in platform.rows(
            "SELECT incarnation, sequence, index, reason FROM counters.dead_letters"
        )
    }
    assert found.keys() == expected.keys()
    assert {key: reason for key, reason in expected.items() if reason not in found[key]} == {}, found


def _event(of: int, **changes: object) -> dict[str, object]:
    base = {"kind": "view", "id": _new_id(), "video": ids.encode(of), "watched_ms": 31_000}
    return {**base, **changes}


def _new_id(at_ms: int = NOW_MS) -> str:
    return str(UUID(bytes=event_ids.make(at_ms)))


async def test_the_front_refuses_each_bad_event_with_a_reason_and_takes_its_neighbours(
    platform: Platform, tmp_path: Path
) -> None:
    video, unknown = platform.publish(), platform.video()
    no_bucket = "0000001hZiR"
    bad: Mapping[str, tuple[dict[str, object], str]] = {
        "wrong type": (_event(video, watched_ms="31000"), "Expected `int`"),
        "negative delta": (_event(video, kind="watch", watched_ms=-1), "Expected `int` >= 0"),
        "unknown kind": (_event(video, kind="gift"), "Invalid value 'gift'"),
        "unknown field": (_event(video, delta=5), "unknown field `delta`"),
        "a clock years ahead": (_event(video, id=_new_id(NOW_MS + 5 * YEAR_MS)), "from the future"),
        "a clock years behind": (_event(video, id=_new_id(NOW_MS - 5 * YEAR_MS)), "older than a day"),
        "an unknown video": (_event(unknown), "there is no such video"),
        "a bucket of no cell": (_event(video, video=no_bucket), "bucket"),
    }
    settings = platform.settings
    with service("engagement", settings, tmp_path) as engagement:
        async with httpx.AsyncClient(base_url=engagement.url, timeout=20) as page:

            async def send(sent: list[dict[str, object]] | str) -> httpx.Response:
                body = sent if isinstance(sent, str) else json.dumps({"viewer": PAGE, "events": sent})
                return await page.post("/api/events", content=body, headers=signed(settings, None))

            answer = await send([*(event for event, _ in bad.values()), _event(video)])
            assert answer.status_code == 202, answer.text
            reasons = {refused["index"]: refused["reason"] for refused in answer.json()["refused"]}
            assert answer.json()["accepted"] == 1
            assert len(reasons) == len(bad)
            wrong = {
                name: reasons[index] for index, (name, (_, why)) in enumerate(bad.items()) if why not in reasons[index]
            }
            assert wrong == {}
            oversized = await send(json.dumps({"viewer": PAGE, "events": [_event(video, id="x" * 70_000)]}))
            many = await send([_event(video)] * 101)
            nobody = await page.post("/api/events", json={"events": [_event(video)]}, headers=signed(settings, None))
            assert [r.status_code for r in (oversized, many, nobody)] == [422, 422, 422]
            assert all(r.json()["error"]["message"] for r in (oversized, many, nobody))
            user = signed(settings, platform.video())
            for path, body, status in (
                (f"/api/videos/{ids.encode(unknown)}/reaction", {"state": "like"}, 404),
                (f"/api/videos/{ids.encode(video)}/reaction", {"state": "love"}, 422),
                (f"/api/videos/{ids.encode(video)}/reaction", {"state": 1}, 422),
                (f"/api/channels/{ids.encode(unknown)}/subscription", {"active": True}, 404),
            ):
                refused = await page.put(path, json=body, headers=user)
                assert (path, refused.status_code) == (path, status)
            # A viewer who sends the same view over and over is counted once per window.
            flood = [(await send([_event(video) for _ in range(50)])).json() for _ in range(3)]
            assert [(sent["accepted"], sent["repeated"]) for sent in flood] == [(0, 50)] * 3
    async with counting(settings):
        await eventually("views", partial(platform.views, video), 1)
    assert platform.rows("SELECT count(*) FROM counters.dead_letters") == [(0,)]
