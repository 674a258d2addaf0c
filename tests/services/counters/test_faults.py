"""Faults on real servers: whatever happens between the log and the database, each event is counted once."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from services.common.resources import open_resources
from services.contracts import events
from services.counters import store
from services.counters.pending import Pending
from services.counters.store import FencedError, Flush, MarkMove, Move
from services.counters.window import CountKey, Guards, MarkKey, Partition, Sums
from tests.services.counters.platform import Platform, Raw, counting, eventually, service, viewed
from tests.services.counters.proxy import cutting_proxy, with_writer


async def test_repeated_records_and_a_second_start_change_nothing(platform: Platform) -> None:
    video, one, two = platform.video(), uuid4(), uuid4()
    records = [platform.record(viewed(video, 2), number, one) for number in (1, 2, 3)]
    await platform.write(*records, records[2], records[0], platform.record(viewed(video, 1), 1, two), records[1])
    async with counting(platform.settings):
        await eventually("views", partial(platform.views, video), 7)
    await platform.write(*records, platform.record(viewed(video, 5), 4, one))
    async with counting(platform.settings):
        await eventually("views", partial(platform.views, video), 12)


async def test_a_process_killed_at_any_moment_loses_and_repeats_nothing(platform: Platform, tmp_path: Path) -> None:
    videos, one = [platform.video() for _ in range(5)], uuid4()
    sequences: dict[int, int] = {}
    expected = dict.fromkeys(videos, 0)
    for _ in range(2):
        with service("counters", platform.settings, tmp_path) as process:
            for step in range(4):
                records: list[Raw] = []
                for video in videos:
                    partition = platform.record(viewed(video), 1, one).partition
                    sequences[partition] = sequences.get(partition, 0) + 1
                    records += [platform.record(viewed(video, 3), sequences[partition], one)] * 2
                    expected[video] += 3
                await platform.write(*records)
                if step == 3:
                    # In the middle of windows and flushes: more than a second has passed since the first record.
                    process.kill()
        _expire_leases(platform)
    async with counting(platform.settings):
        for video in videos:
            await eventually("views", partial(platform.views, video), expected[video])


async def test_a_gap_stops_its_partition_only_and_is_counted_once_the_missing_record_is_there(
    platform: Platform,
) -> None:
    video, one = platform.video(), uuid4()
    other = next(
        candidate
        for candidate in iter(platform.video, None)
        if platform.record(viewed(candidate), 1, one).partition != platform.record(viewed(video), 1, one).partition
    )
    await platform.write(
        platform.record(viewed(video, 1), 1, one),
        platform.record(viewed(video, 10), 3, one),
        platform.record(viewed(other, 2), 1, one),
    )
    async with counting(platform.settings) as running:
        await eventually("other views", partial(platform.views, other), 2)
        await eventually("views before the gap", partial(platform.views, video), 1)
        await eventually("stopped", partial(_stopped, running.registry), 1.0)
        await asyncio.sleep(1.5)
        assert platform.views(video) == 1


def _stopped(registry: object) -> float | None:
    get = getattr(registry, "get_sample_value")  # noqa: B009 - the registry's type is of no matter here
    value = get("meridian_counter_stopped_partitions")
    return None if value is None else float(value)


async def test_poison_becomes_dead_letters_and_what_lies_around_it_is_counted(platform: Platform) -> None:
    video, one = platform.video(), uuid4()
    good = platform.record(viewed(video, 2), 1, one)
    await platform.write(
        good,
        Raw(good.topic, good.partition, None, b"no stamp"),
        Raw(good.topic, good.partition, platform.record(viewed(video), 2, one).stamp, b"\xc1"),
        Raw(
            good.topic,
            good.partition,
            platform.record(viewed(video), 3, one).stamp,
            events.join_pack([b"\x91\x07", *(events.encode_event(event) for event in viewed(video, 3))]),
        ),
        platform.record(viewed(video, 1), 4, one),
    )
    for _ in range(2):
        async with counting(platform.settings):
            await eventually("views", partial(platform.views, video), 6)
    found = platform.rows("SELECT sequence, index FROM counters.dead_letters WHERE incarnation = %s ORDER BY 1, 2", one)
    assert found == [(2, -1), (3, 0)]
    unstamped = platform.rows("SELECT count(*) FROM counters.dead_letters WHERE origin LIKE 'unstamped:%%'")
    assert int(str(unstamped[0][0])) >= 1


async def test_a_stopped_owner_that_wakes_up_writes_nothing(platform: Platform, tmp_path: Path) -> None:
    video, one = platform.video(), uuid4()
    with service("counters", platform.settings, tmp_path) as zombie:
        await platform.write(platform.record(viewed(video, 1), 1, one))
        await eventually("views", partial(platform.views, video), 1)
        os.kill(zombie.process.pid, signal.SIGSTOP)
        try:
            await platform.write(platform.record(viewed(video, 4), 2, one))
            _expire_leases(platform)
            async with counting(platform.settings):
                await eventually("views by the new owner", partial(platform.views, video), 5)
                os.kill(zombie.process.pid, signal.SIGCONT)
                await platform.write(platform.record(viewed(video, 2), 3, one))
                await eventually("views", partial(platform.views, video), 7)
                await asyncio.sleep(3)
                assert platform.views(video) == 7
        finally:
            os.kill(zombie.process.pid, signal.SIGCONT)


async def test_a_database_that_refuses_connections_for_a_while_loses_nothing(platform: Platform) -> None:
    here, there, one = platform.video(), platform.video("singapore"), uuid4()
    async with counting(platform.settings):
        await platform.write(platform.record(viewed(here), 1, one), platform.record(viewed(there), 1, one))
        await eventually("views", partial(platform.views, here), 1)
        await eventually("views there", partial(platform.views, there, "singapore"), 1)
        _admit(platform, "mumbai", "false")
        await platform.write(platform.record(viewed(here, 2), 2, one), platform.record(viewed(there, 2), 2, one))
        await eventually("views there, while here is away", partial(platform.views, there, "singapore"), 3)
        _admit(platform, "mumbai", "true")
        await eventually("views", partial(platform.views, here), 3)


async def test_a_commit_whose_answer_is_lost_is_not_repeated(platform: Platform) -> None:
    video, one = platform.video(), uuid4()
    await platform.write(platform.record(viewed(video, 3), 1, one))
    async with cutting_proxy(platform.cells.postgres.writer) as proxy:
        async with counting(with_writer(platform.settings, proxy.endpoint)):
            await eventually("views", partial(platform.views, video), 3)
            proxy.armed = True
            await platform.write(platform.record(viewed(video, 1), 2, one))
            await eventually("views", partial(platform.views, video), 4)
            await platform.write(platform.record(viewed(video, 2), 3, one))
            await eventually("views", partial(platform.views, video), 6)
        assert proxy.cuts == 1


async def test_without_the_fence_two_owners_count_twice_and_with_it_one_is_refused(platform: Platform) -> None:
    """The guard is what makes the difference: the same flush by two owners, with it and without."""
    mark = MarkKey("mumbai", uuid4())
    partition = Partition("mumbai", "views.v1", 0)
    flush = Flush(
        uuid4(),
        "views.v1",
        [Move(partition, None, 1, 0)],
        [MarkMove("views.v1", 0, mark, 0, 1)],
        rows={CountKey(platform.video(), "mumbai"): (1, 0)},
    )
    (key,) = flush.rows
    async with open_resources("counters", platform.settings) as resources:

        async def apply(fence: bool) -> None:
            async with resources.router.home_writer("mumbai") as connection:
                await store.apply(connection, flush, fence=fence)

        await apply(fence=True)
        with pytest.raises(FencedError):
            await apply(fence=True)
        assert platform.views(key.subject) == 1
        await apply(fence=False)
        assert platform.views(key.subject) == 2


async def test_a_promoted_database_that_knows_less_refuses_what_was_skipped_by_older_marks(platform: Platform) -> None:
    mark, partition = MarkKey("mumbai", uuid4()), Partition("mumbai", "views.v1", 0)
    move = Move(partition, None, 2, 0)
    async with open_resources("counters", platform.settings) as resources:

        async def skip() -> None:
            async with resources.router.home_writer("mumbai") as connection:
                relied = [MarkMove("views.v1", 0, mark, 2, 2)]
                await store.apply(connection, Flush(uuid4(), "views.v1", [move], relied=relied))

        with pytest.raises(FencedError, match="promoted"):
            await skip()
        async with resources.router.home_writer("mumbai") as connection:
            other = Move(Partition("singapore", "views.v1", 0), None, 2, 0)
            marks = [MarkMove("views.v1", 0, mark, 0, 2)]
            await store.apply(connection, Flush(uuid4(), "views.v1", [other], marks))
        await skip()


async def test_what_is_pending_is_folded_by_one_owner_only(platform: Platform) -> None:
    video = platform.video()
    partition = Partition("mumbai", "views.v1", platform.record(viewed(video), 1, uuid4()).partition)
    key, waits = CountKey(video, "mumbai"), Pending()
    cold_key = waits.change({key: Sums(1, 0, 1)}, (), 1)
    assert cold_key is not None
    waits.apply(cold_key)
    fold = waits.change({}, [key], 2)
    assert fold is not None
    cold = Flush(uuid4(), "views.v1", [Move(partition, None, 1, 0)], pending={partition: cold_key})
    folds = [
        Flush(
            uuid4(),
            "views.v1",
            [Move(partition, cold.token, 1, 0)],
            rows={key: (1, 0)},
            pending={partition: fold},
        )
        for _ in range(2)
    ]
    async with open_resources("counters", platform.settings) as resources:
        for number, flush in enumerate([cold, *folds]):
            with pytest.raises(FencedError) if number == 2 else nullcontext():
                async with resources.router.home_writer("mumbai") as connection:
                    await store.apply(connection, flush)
    assert platform.views(video) == 1


async def test_without_dense_marks_a_hole_is_passed_over_silently(platform: Platform) -> None:
    video, one = platform.video(), uuid4()
    await platform.write(platform.record(viewed(video, 1), 1, one), platform.record(viewed(video, 10), 3, one))
    async with counting(platform.settings, Guards(dense=False)):
        await eventually("views", partial(platform.views, video), 11)


def _sql(platform: Platform, *statements: str) -> None:
    with psycopg.connect(
        platform.cells.postgres.admin_text(platform.cells.databases["mumbai"].name), autocommit=True
    ) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _expire_leases(platform: Platform) -> None:
    """What ten seconds would do to the leases of a process that is dead or stopped."""
    _sql(platform, "UPDATE counters.leases SET until = now() - interval '1 second'", "DELETE FROM counters.members")


def _admit(platform: Platform, cell: str, admit: str) -> None:
    name = platform.cells.databases[cell].name
    platform.cells.postgres.execute(
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(sql.Identifier(name), sql.SQL(admit)),
        sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(sql.Literal(name)),
    )
