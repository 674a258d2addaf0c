"""A like and a view, from the request to the socket of another viewer, through processes of their own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from uuid import UUID

import httpx

from services.common import ids
from services.engagement import event_ids
from tests.services.counters.platform import Platform, eventually, service, signed
from tests.services.realtime.client import connected


async def test_a_like_a_view_and_a_comment_reach_the_counts_and_another_viewers_socket(
    platform: Platform, tmp_path: Path
) -> None:
    settings = platform.settings
    video = platform.publish()
    path, user = f"/api/videos/{ids.encode(video)}", platform.video()
    with (
        service("engagement", settings, tmp_path) as engagement,
        service("counters", settings, tmp_path) as counters,
        service("realtime", settings, tmp_path) as realtime,
    ):
        async with connected(realtime.url) as viewer, httpx.AsyncClient(base_url=engagement.url, timeout=20) as page:
            answer = await viewer.call("watch", {"video": ids.encode(video)})
            assert answer == {"ok": True, "counts": None, "viewers": 1}
            liked = await page.put(f"{path}/reaction", json={"state": "like"}, headers=signed(settings, user))
            assert (liked.status_code, liked.json()) == (200, {"state": "like"})
            own = await page.get(f"{path}/counts", headers=signed(settings, user))
            assert (own.json()["likes"], own.json()["reaction"]) == (1, "like")
            beacon = {
                "viewer": "a-random-text-of-the-page",
                "events": [
                    {"kind": "view", "id": _new_id(), "video": ids.encode(video), "watched_ms": 31_000},
                    {"kind": "watch", "id": _new_id(), "video": ids.encode(video), "watched_ms": 10_000},
                ],
            }
            for accepted in (2, 0):
                sent = await page.post("/api/events", json=beacon, headers=signed(settings, None))
                assert (sent.status_code, sent.json()["accepted"], sent.json()["refused"]) == (202, accepted, [])
            said = await page.post(f"{path}/comments", json={"body": "Fine."}, headers=signed(settings, user))
            assert said.status_code == 201

            async def counted() -> tuple[int, ...]:
                counts = (await page.get(f"{path}/counts", headers=signed(settings, None))).json()
                return counts["views"], counts["likes"], counts["dislikes"], counts["comments"]

            await eventually("counts", counted, (1, 1, 0, 1))
            metrics = (await page.get(f"{counters.url}/metrics")).text
            assert "meridian_requests_total" in metrics
            assert 'meridian_counter_flushes_total{topic="likes.v1"} 1.0' in metrics
            for name, value in (("likes", 1), ("views", 1), ("comments", 1)):
                await eventually(f"{name} at the socket", partial(viewer.last, "counts", name), value)
    assert platform.rows("SELECT watched_ms FROM counters.views WHERE subject = %s", video) == [(10_000,)]


async def test_a_follower_sees_that_they_follow_before_it_is_counted_and_after(
    platform: Platform, tmp_path: Path
) -> None:
    settings, user, stranger = platform.settings, platform.video(), platform.video()
    video = platform.publish()
    ((channel,),) = platform.rows("SELECT channel_id FROM catalog.videos WHERE id = %s", video)
    path = f"/api/channels/{ids.encode(int(str(channel)))}/subscription"
    with service("engagement", settings, tmp_path) as engagement:
        async with httpx.AsyncClient(base_url=engagement.url, timeout=20) as page:

            async def follows(who: int) -> object:
                answer = (await page.get(path, headers=signed(settings, who))).raise_for_status()
                return answer.json()["active"]

            async def follow(active: bool) -> None:
                body = {"active": active}
                (await page.put(path, json=body, headers=signed(settings, user))).raise_for_status()

            assert await follows(user) is False
            await follow(True)
            assert await follows(user) is True
            await follow(False)
            await follow(True)
            assert await follows(user) is True
            with service("counters", settings, tmp_path):
                counted = partial(platform.rows, "SELECT subscribers FROM counters.subscriptions")
                await eventually("the subscriber", counted, [(1,)])
                assert await follows(user) is True
                await follow(False)
                assert await follows(user) is False
                await eventually("nobody", counted, [(0,)])
                assert await follows(user) is False
            assert await follows(stranger) is False


def _new_id() -> str:
    return str(UUID(bytes=event_ids.make()))
