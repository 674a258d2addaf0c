"""Units on a real database that goes away at a bad moment."""

from __future__ import annotations

from uuid import uuid4

import msgspec
from prometheus_client import CollectorRegistry

from services.common.resources import open_resources
from services.contracts import events
from services.contracts.events import AnyEvent
from services.counters import copies
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


COLD = 3_000
"""More keys than a window may write at once before it is fifteen seconds old."""


async def test_cold_keys_stay_in_parts_that_the_next_owner_reads_and_are_counted_once(cells: Cells) -> None:
    stores = Stores(cells)
    videos, one, partition = [stores.video() for _ in range(COLD)], uuid4(), Partition("mumbai", "views.v1", 0)
    whole = msgspec.msgpack.encode([(videos[0], "mumbai", 7, 70_000, 7, 1_780_000_000_000)])
    with stores.connected() as connection:
        connection.execute("INSERT INTO counters.pending VALUES ('mumbai', 'views.v1', 0, %s)", (whole,))
    hot = [viewed(videos[1], 100)]
    cold = [[viewed(video)[0] for video in videos[at : at + 100]] for at in range(0, COLD, 100)]

    async with open_resources("counters", stores.settings) as resources:

        def owner() -> Unit:
            metrics = CounterMetrics(CollectorRegistry())
            return Unit("views.v1", "mumbai", resources.router, lambda subject, number: True, metrics, Guards())

        async def counted(packs: list[list[AnyEvent]], first: int) -> list[tuple[object, ...]]:
            """One owner's life: it takes over, reads, flushes once. Returns the parts, by number."""
            unit = owner()
            await unit.hold([partition])
            for number, events_ in enumerate(packs, start=first):
                raw = stores.record(events_, number, one)
                record = Record(number - 1, 1, [(events.STAMP_HEADER, raw.stamp)], raw.body)
                assert unit.take(partition, record) is Verdict.TAKEN
            assert await unit.flush()
            return stores.rows("SELECT number, length(body) FROM counters.pending_parts ORDER BY 1")

        first = await counted(cold, 1)
        assert [number for number, _ in first] == [0]
        assert stores.rows("SELECT count(*) FROM counters.pending") == [(0,)], "it is in the first part"
        assert stores.views(videos[1]) == 0
        second = await counted([*hot, *cold], len(cold) + 1)
        assert [number for number, _ in second] == [0, 1]
        assert stores.views(videos[1]) == 102
        async with resources.router.home_writer("mumbai") as writer:
            assert await copies.fold(writer, "mumbai") == COLD - 1

    assert stores.rows("SELECT count(*) FROM counters.pending_parts") == [(0,)]
    assert stores.rows("SELECT subject, views FROM counters.views ORDER BY 1") == sorted(
        [(videos[0], 9), (videos[1], 102), *((video, 2) for video in videos[2:])]
    )
