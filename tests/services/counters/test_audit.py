"""The audit on real servers: no drift after counting, whatever was buried or replayed, and every kind of drift is found."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from services.common.resources import Resources, open_resources
from services.contracts import events
from services.contracts.events import Reaction
from services.counters import dead
from services.counters.audit import Log, Outcome, RecountError, audit, keep
from services.counters.counting import at_home, belongs
from services.counters.dead import LetterKey
from services.counters.window import Partition
from services.engagement import event_ids
from tests.services.counters.platform import Platform, counting, eventually, viewed


async def audited(resources: Resources, topic: str, number: int, *, checkpoint: bool = False) -> Outcome:
    shards, partition = resources.router.shards, Partition("mumbai", topic, number)
    log = Log("mumbai", resources.kafka)

    def bound(subject: int) -> bool:
        return belongs(shards, "mumbai", subject, number)

    outcome = await audit(resources.router, log, "mumbai", partition, bound)
    if checkpoint and outcome.checkpoint is not None:
        async with resources.router.home_writer("mumbai") as connection:
            await keep(connection, partition, outcome.checkpoint)
    return outcome


async def test_what_was_counted_shows_no_drift_and_what_was_changed_behind_its_back_does(platform: Platform) -> None:
    video, one = platform.video(), uuid4()
    first = platform.record(viewed(video, 3), 1, one)
    poison = platform.record(viewed(video, 1), 2, one)
    poison = type(poison)(poison.topic, poison.partition, poison.stamp, b"\xc1")
    late = platform.record(viewed(video, 2), 3, one)
    await platform.write(first, first, poison, late)
    user = platform.video()
    liked = events.Reacted(id=event_ids.make(), at_ms=5, video=video, user=user, state=Reaction.LIKE)
    like = platform.record([liked], 1, one)
    await platform.write(like)
    async with counting(platform.settings):
        await eventually("views", partial(platform.views, video), 5)
        await eventually("likes", lambda: platform.rows("SELECT likes FROM counters.reactions"), [(1,)])
    async with open_resources("counters", platform.settings) as resources:
        outcome = await audited(resources, first.topic, first.partition, checkpoint=True)
        assert (list(outcome.drifts), outcome.events) == ([], 5)
        assert not (await audited(resources, like.topic, like.partition)).drifts

        # From the checkpoint on nothing is read again.
        again = await audited(resources, first.topic, first.partition)
        assert not again.drifts
        assert (again.events, set(again.subjects)) == (0, {video})

        platform.change("UPDATE counters.views SET views = views + 1")
        (drift,) = (await audited(resources, first.topic, first.partition)).drifts
        assert (drift.stored, drift.rebuilt) == ("(6, 0)", "(5, 0)")
        platform.change("UPDATE counters.views SET views = views - 1", "UPDATE counters.marks SET sequence = 2")
        whats = {drift.what for drift in (await audited(resources, first.topic, first.partition)).drifts}
        assert whats == {f"mark of incarnation {one}"}
        platform.change("UPDATE counters.reaction_states SET value = 2")
        drifts = (await audited(resources, like.topic, like.partition)).drifts
        assert {drift.what.split()[0] for drift in drifts} == {"counts", "state", "mark"}


async def test_a_replayed_letter_is_part_of_the_truth_before_and_after_a_checkpoint(platform: Platform) -> None:
    video, one = platform.video(), uuid4()
    good = platform.record(viewed(video, 1), 1, one)
    stranger = next(
        other
        for other in iter(platform.video, None)
        if platform.record(viewed(other), 1, one).partition != good.partition
    )
    lost = type(good)(
        good.topic,
        good.partition,
        platform.record(viewed(video), 2, one).stamp,
        events.join_pack([events.encode_event(event) for event in (*viewed(stranger), *viewed(video))]),
    )
    await platform.write(good, lost)
    async with counting(platform.settings):
        await eventually("views", partial(platform.views, video), 2)
    async with open_resources("counters", platform.settings) as resources:
        assert not (await audited(resources, good.topic, good.partition, checkpoint=True)).drifts
        shards = resources.router.shards
        async with resources.router.home_writer("mumbai") as connection:
            key = LetterKey("mumbai", good.topic, good.partition, one, 2, 0)
            assert await dead.replay(connection, key, partial(at_home, shards, "mumbai")) == 1
        assert platform.views(stranger) == 1
        assert not (await audited(resources, good.topic, good.partition, checkpoint=True)).drifts
        other = platform.record(viewed(stranger, 4), 1, uuid4())
        await platform.write(other)
        async with counting(platform.settings):
            await eventually("views", partial(platform.views, stranger), 5)
        outcome = await audited(resources, other.topic, other.partition, checkpoint=True)
        assert (list(outcome.drifts), outcome.events) == ([], 4)
        assert not (await audited(resources, other.topic, other.partition)).drifts


async def test_a_log_that_was_cut_after_the_checkpoint_is_no_truth(platform: Platform, tmp_path: Path) -> None:
    video, one = platform.video(), uuid4()
    first = platform.record(viewed(video, 3), 1, one)
    await platform.write(first)
    async with counting(platform.settings):
        await eventually("views", partial(platform.views, video), 3)
        async with open_resources("counters", platform.settings) as resources:
            assert not (await audited(resources, first.topic, first.partition, checkpoint=True)).drifts
            await platform.write(platform.record(viewed(video, 1), 2, one))
            await eventually("views", partial(platform.views, video), 4)
            await platform.kafka.empty()
            with pytest.raises(RecountError, match="after the checkpoint"):
                await audited(resources, first.topic, first.partition)
