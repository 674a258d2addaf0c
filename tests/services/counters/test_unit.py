"""Units on a real database that goes away at a bad moment."""

from __future__ import annotations

from uuid import uuid4

from prometheus_client import CollectorRegistry

from services.common.resources import open_resources
from services.contracts import events
from services.counters.metrics import CounterMetrics
from services.counters.unit import Unit
from services.counters.window import Guards, Partition, Record, Verdict
from tests.servers import Cells
from tests.services.counters.platform import Stores, viewed
from tests.services.counters.proxy import cutting_proxy, with_writer

KEPT, GIVEN_UP = Partition("mumbai", "views.v1", 0), Partition("mumbai", "views.v1", 1)


async def test_what_is_given_up_while_the_database_is_away_is_counted_once_by_whoever_holds_it_next(
    cells: Cells,
) -> None:
    stores = Stores(cells)
    video, incarnation = stores.video(), uuid4()
    raw = stores.record(viewed(video, 2), 1, incarnation)
    record = Record(0, 1, [(events.STAMP_HEADER, raw.stamp)], raw.body)
    async with (
        cutting_proxy(cells.postgres.writer) as proxy,
        open_resources("counters", with_writer(stores.settings, proxy.endpoint)) as resources,
    ):
        metrics = CounterMetrics(CollectorRegistry())
        unit = Unit("views.v1", "mumbai", resources.router, lambda subject, number: True, metrics, Guards())
        both = [KEPT, GIVEN_UP]
        await unit.hold(both)
        assert [unit.take(partition, record) for partition in both] == [Verdict.TAKEN] * 2
        proxy.armed = True  # The flush is committed, and nobody hears of it.
        await unit.release([GIVEN_UP])
        assert (unit.partitions, proxy.cuts) == ((KEPT,), 1)
        assert await unit.flush()
        await unit.hold([GIVEN_UP])
        assert [unit.take(partition, record) for partition in both] == [Verdict.DUPLICATE] * 2
        again = Record(1, 1, [(events.STAMP_HEADER, raw.stamp)], raw.body)
        assert unit.take(KEPT, again) is Verdict.DUPLICATE
        assert await unit.flush()
    assert stores.views(video) == 4
