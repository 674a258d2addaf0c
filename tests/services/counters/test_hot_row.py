"""A video that everybody watches: its row is written once a flush by one process, however many events there are."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

from services.contracts.events import PACK_EVENTS
from tests.services.counters.platform import Platform, counting, eventually, viewed


async def test_a_hot_video_costs_one_row_a_flush_and_needs_no_shards_of_its_own(platform: Platform) -> None:
    hot, one, records = platform.video(), uuid4(), 60
    await platform.write(
        *(platform.record(viewed(hot, PACK_EVENTS), number, one) for number in range(1, records + 1)),
        platform.record(viewed(hot, 1), 1, uuid4(), origin="oregon"),
    )
    async with counting(platform.settings) as running:
        await eventually("views", partial(platform.views, hot), records * PACK_EVENTS + 1)
        sample = partial(running.registry.get_sample_value)
        flushes = sample("meridian_counter_flushes_total", {"topic": "views.v1"})
        rows = sample("meridian_counter_rows_total", {"topic": "views.v1", "table": "counts"})
        assert flushes is not None
        assert rows is not None
        # One row for each region that took events, at most, in each flush.
        assert rows <= 2 * flushes
        assert rows < records
    assert platform.rows("SELECT region, views FROM counters.views WHERE subject = %s ORDER BY 1", hot) == [
        ("mumbai", records * PACK_EVENTS),
        ("oregon", 1),
    ]
