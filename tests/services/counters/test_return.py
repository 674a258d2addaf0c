"""What a recount says of the log of a region that was given up, or that is read again after its return."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

from services.common.resources import Resources, open_resources
from services.counters import promotion
from services.counters.audit import Log, Outcome, audit
from services.counters.counting import belongs
from services.counters.window import Partition
from tests.services.counters.platform import Platform, Raw, counting, eventually, viewed


async def audited(resources: Resources, record: Raw) -> Outcome:
    bound = partial(belongs, resources.router.shards, "mumbai")
    return await audit(
        resources.router,
        Log("mumbai", resources.kafka),
        "mumbai",
        Partition("mumbai", record.topic, record.partition),
        lambda subject: bound(subject, record.partition),
    )


async def test_the_next_log_of_a_region_that_was_given_up_is_recounted_from_what_the_old_one_gave(
    platform: Platform,
) -> None:
    video = platform.video()
    old = platform.record(viewed(video, 3), 1, uuid4())
    await platform.write(old)
    async with counting(platform.settings):
        await eventually("views", partial(platform.views, video), 3)
    end = _position(platform)
    async with open_resources("counters", platform.settings) as resources:
        await promotion.surrender(resources.router, "mumbai")
        await platform.kafka.empty()
        # The broker of the tests cuts its log, where a new one would begin at 0.
        platform.change(f"UPDATE counters.checkpoints SET next_offset = {end}")
        new = platform.record(viewed(video, 2), 1, uuid4())
        await platform.write(new)
        async with counting(platform.settings):
            await eventually("views of both", partial(platform.views, video), 5)
        outcome = await audited(resources, new)
        assert (list(outcome.drifts), outcome.events) == ([], 2)
        platform.change("UPDATE counters.views SET views = views + 1")
        (drift,) = (await audited(resources, new)).drifts
        assert (drift.stored, drift.rebuilt) == ("(6, 0)", "(5, 0)")


async def test_a_log_that_is_still_read_again_after_its_return_is_not_called_wrong(platform: Platform) -> None:
    video, one = platform.video(), uuid4()
    first, second = (platform.record(viewed(video, 1), number, one) for number in (1, 2))
    await platform.write(first)
    async with counting(platform.settings):
        await eventually("views", partial(platform.views, video), 1)
    counted = _position(platform)
    await platform.write(second)
    # As if the second record had been counted from the copy in Singapore while Mumbai was away.
    platform.change("UPDATE counters.marks SET sequence = 2", "UPDATE counters.views SET views = 2")
    async with open_resources("counters", platform.settings) as resources:
        assert len((await audited(resources, first)).drifts) == 2, "without a copy a mark ahead of the log is wrong"
        platform.change(
            "INSERT INTO counters.positions (cluster, topic, part, next_offset, last_time_ms, flush) "
            "SELECT 'mumbai@singapore', topic, part, 2, last_time_ms, flush FROM counters.positions"
        )
        outcome = await audited(resources, first)
        assert (outcome.behind, list(outcome.drifts), outcome.checkpoint) == (True, [], None)
        async with counting(platform.settings):
            await eventually("the position", lambda: _position(platform), counted + 1)
        outcome = await audited(resources, first)
        assert (outcome.behind, list(outcome.drifts)) == (False, [])
    assert platform.views(video) == 2


def _position(platform: Platform) -> int:
    return int(str(platform.rows("SELECT next_offset FROM counters.positions WHERE cluster = 'mumbai'")[0][0]))
