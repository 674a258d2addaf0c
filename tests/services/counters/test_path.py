"""From the log to the counts, on real servers."""

from __future__ import annotations

from uuid import uuid4

from tests.services.counters.platform import Platform, counting, eventually, viewed


async def test_views_of_the_log_are_counted_in_the_database_of_their_home(platform: Platform) -> None:
    here, there = platform.video("mumbai"), platform.video("singapore")
    one = uuid4()
    await platform.write(
        platform.record(viewed(here, 3), 1, one),
        platform.record(viewed(here, 2), 2, one),
        platform.record(viewed(there, 4), 1, one),
    )
    async with counting(platform.settings):
        await eventually("views here", lambda: platform.views(here), 5)
        await eventually("views there", lambda: platform.views(there, "singapore"), 4)
