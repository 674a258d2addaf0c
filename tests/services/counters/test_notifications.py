"""What users are told: once, in the database of their own bucket, shown by a route, and held up by no failure of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx

from services.common import ids
from services.common.resources import open_resources
from services.contracts import events
from services.contracts.events import AnyEvent, Notified, Subscribed
from services.contracts.topics import NOTIFICATIONS
from services.engagement import announcer, event_ids
from services.engagement.announcer import Announcer
from services.engagement.desk import Desk
from services.engagement.packer import AppendError, Packer, StampedRecord
from tests.services.counters.platform import Platform, Stores, counting, eventually, service, signed


def _told(platform: Platform, home: str = "mumbai") -> list[tuple[object, ...]]:
    return platform.rows("SELECT user_id, kind, subject, under FROM counters.notifications ORDER BY 1, 2, 3", home=home)


def _owner(stores: Stores, video: int) -> tuple[int, int]:
    owner, channel = stores.rows("SELECT owner_id, channel_id FROM catalog.videos WHERE id = %s", video)[0]
    return int(str(owner)), int(str(channel))


def _publish_in(stores: Stores, owner: int, channel: int) -> int:
    """Another ready, public video of the channel."""
    video = ids.Minter().mint(ids.shard_key(channel))
    with stores.connected() as connection:
        connection.execute(
            "SELECT catalog.create_video(%s, %s, %s, 'News', '', '{}', 'public')", (video, channel, owner)
        )
        connection.execute("SELECT catalog.mark_processing(%s)", (video,))
        connection.execute(
            "SELECT catalog.mark_ready(%s, 60000, 1280, 720, '{720p}', 'a.m3u8', 'a.mpd', NULL)", (video,)
        )
    return video


def _subscribers(stores: Stores, channel: int) -> int:
    rows = stores.rows("SELECT sum(subscribers) FROM counters.subscriptions WHERE subject = %s", channel)
    return int(str(rows[0][0] or 0))


def _subscribed(channel: int, users: Sequence[int]) -> list[AnyEvent]:
    return [Subscribed(id=event_ids.make(), at_ms=1, channel=channel, user=user, active=True) for user in users]


async def test_a_new_video_and_a_comment_reach_whom_they_concern_in_the_cell_of_each(
    platform: Platform, tmp_path: Path
) -> None:
    settings = platform.settings
    near, far, writer = platform.video(), platform.video("singapore"), platform.video()
    owner, channel = _owner(platform, platform.publish())
    await platform.write(platform.record(_subscribed(channel, [near, far]), 1, uuid4()))
    with service("engagement", settings, tmp_path) as engagement:
        async with counting(settings), httpx.AsyncClient(base_url=engagement.url, timeout=30) as page:
            await eventually("subscribers", partial(_subscribers, platform, channel), 2)
            new = _publish_in(platform, owner, channel)
            path = f"/api/videos/{ids.encode(new)}/comments"
            said = await page.post(path, json={"body": "First."}, headers=signed(settings, writer))
            assert (await page.post(path, json={"body": "Mine."}, headers=signed(settings, owner))).status_code == 201
            comment = ids.parse(said.json()["id"])
            here = sorted([(near, "video", new, None), (owner, "comment", comment, new)])
            await eventually("told in the cell", partial(_told, platform), here)
            await eventually("told in the other", partial(_told, platform, "singapore"), [(far, "video", new, None)])
            shown = (await page.get("/api/notifications", headers=signed(settings, owner))).json()
            assert [(n["kind"], n["subject"], n["under"], n["read"]) for n in shown["notifications"]] == [
                ("comment", ids.encode(comment), ids.encode(new), False)
            ]
            assert shown["unread"] == 1
            until = {"until": shown["notifications"][0]["at"]}
            marked = await page.post("/api/notifications/read", json=until, headers=signed(settings, owner))
            assert marked.json() == {"marked": 1}
            own = {**signed(settings, owner), "x-meridian-seen": marked.headers["x-meridian-seen"]}
            assert (await page.get("/api/notifications", headers=own)).json()["unread"] == 0
            assert (await page.get("/api/notifications", headers=signed(settings, near))).json()["unread"] == 1


async def test_a_user_is_told_once_however_often_it_is_said(platform: Platform) -> None:
    user, subject, one = platform.video(), platform.video(), uuid4()

    def notice(kind: str) -> Notified:
        return Notified(id=event_ids.make(), at_ms=5, user=user, kind=kind, subject=subject)

    first = platform.record([notice("video"), notice("video"), notice("comment")], 1, one)
    again = platform.record([notice("video")], 2, one)
    await platform.write(first, first, again, platform.record([notice("other")], 1, uuid4()))
    async with counting(platform.settings):
        expected = [(user, kind, subject, None) for kind in ("comment", "other", "video")]
        await eventually("told", partial(_told, platform), expected)
    assert platform.rows("SELECT count(*) FROM counters.dead_letters") == [(0,)]


@dataclass
class _Cluster:
    """A cluster that may be away, as it looks to the packer."""

    away: bool = False
    told: list[int] = field(default_factory=list)

    async def connect(self) -> _Cluster:
        return self

    async def append(self, topic: str, partition: int, records: Sequence[StampedRecord]) -> None:
        assert topic == NOTIFICATIONS.name
        if self.away:
            raise AppendError("no broker answers")
        for record in records:
            for event in events.decode_pack(topic, events.SCHEMA, record.body).events:
                assert isinstance(event, Notified)
                self.told.append(event.user)

    async def close(self) -> None:
        """Nothing is open."""


async def test_an_announcement_that_fails_is_put_off_on_a_ladder_and_holds_up_no_other(platform: Platform) -> None:
    first = platform.publish()
    owner, channel = _owner(platform, first)
    followers = sorted(platform.video() for _ in range(3))
    await platform.write(platform.record(_subscribed(channel, followers), 1, uuid4()))
    async with counting(platform.settings):
        await eventually("subscribers", partial(_subscribers, platform, channel), 3)
    cluster = _Cluster(away=True)
    async with open_resources("engagement", platform.settings) as resources:
        packer = Packer("mumbai", cluster.connect)
        announcing = Announcer(Desk(resources.router, resources.cache, packer, b"s" * 32), "mumbai")
        assert await announcing.step()
        assert (cluster.told, _waiting(platform)) == ([], [(first, 1)])
        platform.change("UPDATE catalog.announcements SET next_at = now() + interval '1 hour'")
        cluster.away = False
        second = _publish_in(platform, owner, channel)
        assert await announcing.step()
        assert (sorted(cluster.told), _waiting(platform)) == (followers, [(first, 1)])
        assert second != first
        assert not await announcing.step()
        platform.change("UPDATE catalog.announcements SET next_at = now() WHERE done_at IS NULL")
        assert await announcing.step()
        assert (sorted(cluster.told), _waiting(platform)) == (sorted([*followers, *followers]), [])
        await packer.close()
    assert list(announcer.LADDER_SECONDS) == sorted(announcer.LADDER_SECONDS)


def _waiting(stores: Stores) -> list[tuple[object, ...]]:
    return stores.rows("SELECT video_id, attempts FROM catalog.announcements WHERE done_at IS NULL ORDER BY 1")
