"""Flushes that fail for a reason that waiting does not mend: real databases that refuse what they are given."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

from services.contracts import events
from services.contracts.events import Reacted, Reaction
from services.counters.counting import Counting
from services.engagement import event_ids
from tests.services.counters.platform import Platform, Raw, counting, eventually, viewed

FULL = 2**63 - 1


def _sample(running: Counting, name: str, **labels: str) -> float:
    return running.registry.get_sample_value(name, labels) or 0.0


def _standing(running: Counting) -> float:
    return _sample(running, "meridian_counter_standing_units", topic="views.v1", home="mumbai")


def _beside(platform: Platform, video: int) -> int:
    """A video of another partition of the same home."""
    place = platform.record(viewed(video), 1, uuid4()).partition
    return next(
        other for other in iter(platform.video, None) if platform.record(viewed(other), 1, uuid4()).partition != place
    )


async def test_events_of_a_video_whose_row_the_database_refuses_become_dead_letters_and_all_others_are_counted(
    platform: Platform,
) -> None:
    full, one = platform.video(), uuid4()
    other = _beside(platform, full)
    with platform.connected() as connection:
        connection.execute("INSERT INTO counters.views VALUES (%s, 'mumbai', %s, 0)", (full, FULL))
    await platform.write(
        platform.record(viewed(full, 2), 1, one),
        platform.record(viewed(other, 3), 1, one),
        platform.record([*viewed(full, 1)], 2, one),
    )
    async with counting(platform.settings) as running:
        await eventually("views of the other", partial(platform.views, other), 3)
        await platform.write(platform.record(viewed(other, 2), 2, one), platform.record(viewed(full, 1), 3, one))
        await eventually("views of the other", partial(platform.views, other), 5)
        await eventually("dead letters", partial(_dead, platform), 4)
        assert _standing(running) == 0
        assert _sample(running, "meridian_counter_stumbled_total", topic="views.v1") >= 1
    reasons = platform.rows("SELECT DISTINCT reason FROM counters.dead_letters")
    assert [str(reason).startswith("the database refuses its counts: Numeric") for (reason,) in reasons] == [True]
    assert platform.views(full) == FULL


async def test_a_state_that_the_database_refuses_becomes_a_dead_letter(platform: Platform) -> None:
    full, user, one = platform.video(), platform.video(), uuid4()
    with platform.connected() as connection:
        connection.execute("INSERT INTO counters.reactions VALUES (%s, 'mumbai', %s, 0)", (full, FULL))
    like = Reacted(id=event_ids.make(), at_ms=1, video=full, user=user, state=Reaction.LIKE)
    await platform.write(platform.record([like], 1, one))
    async with counting(platform.settings):
        await eventually("dead letters", partial(_dead, platform), 1)
    assert platform.rows("SELECT count(*) FROM counters.reaction_states") == [(0,)]


async def test_what_fails_for_everything_stands_still_with_an_alarm_and_is_counted_once_when_it_is_mended(
    platform: Platform,
) -> None:
    here, there, one = platform.video(), platform.video("singapore"), uuid4()
    platform.change("ALTER TABLE counters.outbox RENAME TO elsewhere")
    await platform.write(platform.record(viewed(here, 2), 1, one), platform.record(viewed(there, 4), 1, one))
    async with counting(platform.settings) as running:
        await eventually("views of another home", partial(platform.views, there, "singapore"), 4)
        await eventually("the alarm", partial(_standing, running), 1.0)
        await platform.write(platform.record(viewed(here, 1), 2, one))
        assert platform.views(here) == 0
        platform.change("ALTER TABLE counters.elsewhere RENAME TO outbox")
        await eventually("views", partial(platform.views, here), 3)
        await eventually("the alarm", partial(_standing, running), 0.0)
    assert _dead(platform) == 0


async def test_positions_that_cannot_be_read_hold_up_no_other_home(platform: Platform) -> None:
    here, there, one = platform.video(), platform.video("singapore"), uuid4()
    partition = platform.record(viewed(here), 1, one).partition
    with platform.connected() as connection:
        connection.execute(
            "INSERT INTO counters.pending_parts VALUES ('mumbai', 'views.v1', %s, 0, 'no keys')", (partition,)
        )
    await platform.write(platform.record(viewed(here, 2), 1, one), platform.record(viewed(there, 4), 1, one))
    async with counting(platform.settings) as running:
        await eventually("views of another home", partial(platform.views, there, "singapore"), 4)
        await eventually("the alarm", partial(_standing, running), 1.0)
        platform.change("DELETE FROM counters.pending_parts")
        await eventually("views", partial(platform.views, here), 2)


async def test_a_stamp_that_no_column_takes_is_a_dead_letter(platform: Platform) -> None:
    video, one = platform.video(), uuid4()
    good = platform.record(viewed(video, 1), 1, one)
    assert good.stamp is not None
    await platform.write(Raw(good.topic, good.partition, good.stamp[:-2] + b"\0i", good.body), good)
    async with counting(platform.settings):
        await eventually("views", partial(platform.views, video), 1)
    (reason,) = platform.rows("SELECT reason FROM counters.dead_letters")[0]
    assert "no name of a cell" in str(reason)
    assert events.decode_stamp(good.stamp).origin == "mumbai"


def _dead(platform: Platform) -> int:
    return int(str(platform.rows("SELECT count(*) FROM counters.dead_letters")[0][0]))
