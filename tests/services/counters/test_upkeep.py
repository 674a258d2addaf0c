"""Old marks go only when no log can hold what they stand for."""

from __future__ import annotations

from uuid import uuid4

import pytest

from services.common.resources import open_resources
from services.contracts.topics import HOUR_MS, INCARNATION_HOURS, TOPICS, VIEWS, Topic
from services.counters import upkeep
from tests.servers import Cells
from tests.services.counters.platform import Stores

HOURS = upkeep.mark_hours(VIEWS.retention_ms)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: str(topic.name))
def test_a_mark_outlives_its_incarnation_its_records_and_the_last_copy_of_them(topic: Topic) -> None:
    assert upkeep.mark_hours(topic.retention_ms) > INCARNATION_HOURS + 2 * topic.retention_ms / HOUR_MS


@pytest.mark.parametrize(
    ("hours", "position_hours", "kept"),
    [
        (HOURS + 1, 0, False),
        (HOURS - 1, 0, True),
        (HOURS + 1, HOURS + 2, True),
        (HOURS + 1, None, False),
    ],
    ids=["old", "young", "a reader is behind", "nobody reads"],
)
async def test_a_mark_is_deleted_when_it_is_old_and_every_reader_is_past_it(
    cells: Cells, hours: int, position_hours: int | None, kept: bool
) -> None:
    stores = Stores(cells)
    with stores.connected() as connection:
        connection.execute(
            "INSERT INTO counters.marks VALUES ('mumbai', %s, 3, %s, 7, now() - make_interval(hours => %s))",
            (VIEWS.name, uuid4(), hours),
        )
        if position_hours is not None:
            connection.execute(
                "INSERT INTO counters.positions (cluster, topic, part, next_offset, last_time_ms) "
                "VALUES ('mumbai', %s, 3, 9, (extract(epoch FROM now() - make_interval(hours => %s)) * 1000)::bigint)",
                (VIEWS.name, position_hours),
            )
    async with (
        open_resources("counters", stores.settings) as resources,
        resources.router.home_writer("mumbai") as connection,
    ):
        assert await upkeep.delete_marks(connection) == (0 if kept else 1)
    assert stores.rows("SELECT count(*) FROM counters.marks") == [(1 if kept else 0,)]


async def test_old_notifications_go(cells: Cells) -> None:
    stores = Stores(cells)
    with stores.connected() as connection:
        for subject, days in ((1, upkeep.NOTIFICATION_DAYS + 1), (2, upkeep.NOTIFICATION_DAYS - 1)):
            connection.execute(
                "INSERT INTO counters.notifications (user_id, kind, subject, at_ms, created_at) "
                "VALUES (5, 'video', %s, 0, now() - make_interval(days => %s))",
                (subject, days),
            )
    async with (
        open_resources("counters", stores.settings) as resources,
        resources.router.home_writer("mumbai") as connection,
    ):
        assert await upkeep.delete_notifications(connection) == 1
    assert stores.rows("SELECT subject FROM counters.notifications") == [(2,)]
