"""Different viewers of a day: a batch over the log, by region, merged for the owner of the video."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx

from services.common import ids
from services.contracts.events import Viewed
from services.engagement import event_ids
from tests.services.counters.platform import Platform, Raw, counting, eventually, service, signed


def _view(video: int, viewer: int, days_ago: int = 0) -> Viewed:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    event = event_ids.make(int(at.timestamp() * 1000))
    return Viewed(id=event, at_ms=event_ids.time_ms(event), video=video, viewer=(viewer << 100).to_bytes(16, "big"))


async def test_viewers_are_counted_once_a_day_over_regions_and_repeats_and_shown_to_the_owner_only(
    platform: Platform, tmp_path: Path
) -> None:
    video, one = platform.publish(), uuid4()
    owner = int(str(platform.rows("SELECT owner_id FROM catalog.videos WHERE id = %s", video)[0][0]))
    today = [_view(video, viewer) for viewer in (1, 2, 3, 3, 2)]
    elsewhere = platform.record([_view(video, viewer) for viewer in (3, 4)], 1, uuid4(), origin="oregon")
    await platform.write(
        platform.record(list(today), 1, one),
        platform.record(list(today), 1, one),
        Raw(elsewhere.topic, elsewhere.partition, elsewhere.stamp, elsewhere.body),
        platform.record([_view(video, 1, days_ago=2)], 2, one),
    )
    async with counting(platform.settings) as running:
        await eventually("views", partial(platform.views, video), 8)
        place = elsewhere.partition
        assert [await running.audience.step(place), await running.audience.step(place)] == [3, 0]
        await platform.write(platform.record([_view(video, 9)], 3, one))
        await eventually("views", partial(platform.views, video), 9)
        assert await running.audience.step(place) == 1
    stored = platform.rows("SELECT region, viewers FROM counters.audience WHERE subject = %s ORDER BY 1, 2", video)
    assert stored == [("mumbai", 1), ("mumbai", 4), ("oregon", 2)]
    with service("engagement", platform.settings, tmp_path) as engagement:
        async with httpx.AsyncClient(base_url=engagement.url, timeout=30) as page:
            path = f"/api/videos/{ids.encode(video)}/audience"
            answer = (await page.get(path, headers=signed(platform.settings, owner))).json()
            other = await page.get(path, headers=signed(platform.settings, platform.video()))
    assert [day["viewers"] for day in answer["days"]] == [5, 1]
    assert answer["viewers"] == 5
    assert 0 < answer["standard_error"] < 0.02
    assert other.status_code == 404
