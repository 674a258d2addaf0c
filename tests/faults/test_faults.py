"""Under random faults every acknowledged event is counted once; without any one guard it is not.

Settings, for longer runs: FAULTS (how many), FAULT_SEED, FAULT_REPORT (a file for the report).
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from psycopg import sql

from services.common.ids import Minter, ShardKey
from services.contracts import events
from services.contracts.events import Stamp
from services.contracts.topics import VIEWS, partition_of
from tests.faults import truth
from tests.faults.disk import SmallDisk, small_disk
from tests.faults.harness import Harness, Plan, Report
from tests.faults.kinds import BLOCK, WEIGHTS, schedule
from tests.faults.load import Load, view
from tests.faults.report import render
from tests.faults.truth import TWO_CELLS, Truth, differences
from tests.kafka_server import Kafka
from tests.servers import Cells, drop_cells
from tests.services.counters.platform import Platform

_SPACE = sql.Identifier("small")


@pytest.fixture
def disk(cells: Cells) -> Iterator[SmallDisk]:
    """A disk that can be filled, with the databases of ``cells`` on it."""
    with small_disk() as made:
        cells.postgres.execute(
            sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(_SPACE, sql.Literal(str(made.directory))),
            *(
                sql.SQL("ALTER DATABASE {} SET TABLESPACE {}").format(sql.Identifier(database.name), _SPACE)
                for database in cells.databases.values()
            ),
        )
        yield made
        made.free()
        drop_cells(cells)
        cells.postgres.execute(sql.SQL("DROP TABLESPACE {}").format(_SPACE))


@pytest.fixture
async def platform(cells: Cells, kafka_server: Kafka) -> Platform:
    """Fresh databases and an empty log."""
    await kafka_server.empty()
    return Platform(cells, kafka_server)


async def test_what_a_run_found_deleted_stays_deleted_when_the_broker_is_killed(platform: Platform) -> None:
    load = Load(platform, [platform.video()], random.Random(1))
    await load.unreadable(b"")
    await platform.kafka.empty()
    platform.kafka.kill()
    await asyncio.to_thread(platform.kafka.start)
    assert (await truth.read(platform.kafka)).records == 0


async def test_every_acknowledged_event_is_counted_once(platform: Platform, disk: SmallDisk, tmp_path: Path) -> None:
    seed = int(os.environ.get("FAULT_SEED", random.SystemRandom().randrange(2**32)))
    plan = Plan(int(os.environ.get("FAULTS", BLOCK)), seed)
    report = await Harness(platform, disk, plan, tmp_path).run()
    text = tell(report)
    assert report.problems == [], text
    assert report.lost == 0, text
    assert report.truth.repeated > 0, "nothing was repeated, so nothing was proved"
    assert report.truth.dead > 0, "nothing was poisoned, so nothing was proved"
    assert report.acknowledged > 0
    if plan.faults >= BLOCK:
        unmet = [what for what, times in report.met.items() if not times]
        assert not unmet, f"no process met {unmet}, so nothing was proved of it\n{text}"


def tell(report: Report) -> str:
    """The report, also in the file that the settings name."""
    text = render(report)
    print(text)
    if "FAULT_REPORT" in os.environ:
        Path(os.environ["FAULT_REPORT"]).write_text(text)
    return text


@pytest.mark.parametrize(
    ("guard", "faults", "seed"), [("marks", 20, 7), ("dense", 5, 7), ("fence", 4 * BLOCK, 7), ("term", 5, 5)]
)
async def test_without_a_guard_the_comparison_fails(
    platform: Platform, disk: SmallDisk, tmp_path: Path, guard: str, faults: int, seed: int
) -> None:
    report = await Harness(platform, disk, Plan(faults, seed, (guard,)), tmp_path).run()
    assert report.problems, render(report)


def test_a_schedule_holds_every_kind_and_depends_on_its_seed_only() -> None:
    first, second = (schedule(2 * BLOCK, 5) for _ in range(2))
    assert first == second
    assert {name: first.count(name) for name in WEIGHTS} == {name: 2 * weight for name, weight in WEIGHTS.items()}


def test_an_event_in_the_same_place_of_another_homes_group_is_a_dead_letter() -> None:
    minter, place = Minter(), partition_of(0, 0)
    video = next(
        v
        for v in iter(lambda: minter.mint(ShardKey(TWO_CELLS.buckets_of("singapore")[0])), None)
        if partition_of(0, v) == place
    )
    truth = Truth()
    stamp = events.encode_stamp(Stamp("mumbai", UUID(int=1), 1))
    truth.add(VIEWS.name, place, stamp, events.join_pack([events.encode_event(view(video))]))
    assert (truth.dead, sum(truth.views.values())) == (1, 0)


def test_the_comparison_sees_one_event_too_many_and_one_too_few() -> None:
    truth = Truth()
    truth.views.update({1: 5, 2: 3})
    assert differences(truth, {1: 5, 2: 3}, {}, 0) == []
    assert len(differences(truth, {1: 6, 2: 2}, {}, 0)) == 2
    assert len(differences(truth, {1: 5}, {}, 1)) == 2
