"""Terms: a flush of another term than the database's is refused, whichever of the two is older."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest

from services.common.resources import open_resources
from services.counters import terms
from services.counters.terms import StaleTermError
from services.counters.window import Guards
from tests.services.counters.platform import Platform, counting, eventually, viewed


async def test_a_flush_is_refused_unless_the_database_is_written_under_its_term(platform: Platform) -> None:
    async with open_resources("counters", platform.settings) as resources:

        async def check(term: int) -> None:
            async with resources.router.home_writer("mumbai") as connection:
                await terms.check(connection, "mumbai", term)

        async def record(term: int) -> None:
            async with resources.router.home_writer("mumbai") as connection:
                await terms.record(connection, term)

        await check(3)  # never written before
        with pytest.raises(StaleTermError, match="settings of today"):
            await check(2)
        with pytest.raises(StaleTermError, match="fork that a promotion left behind"):
            await check(4)
        await record(4)
        await check(4)
        with pytest.raises(ValueError, match="never falls"):
            await record(3)


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_process_with_the_settings_of_an_older_term_counts_nothing(platform: Platform, guarded: bool) -> None:
    video, one = platform.video(), uuid4()
    platform.change("INSERT INTO counters.writer_term (term) VALUES (2)")
    await platform.write(platform.record(viewed(video, 3), 1, one))
    async with counting(platform.settings, Guards(term=guarded)) as running:
        if not guarded:
            await eventually("views", partial(platform.views, video), 3)
            return
        refused = partial(running.registry.get_sample_value, "meridian_counter_refused_total", {"topic": "views.v1"})
        await eventually("refused", lambda: (refused() or 0) >= 2, True)
        assert platform.views(video) == 0
        # What was read is not lost: once the two agree, it is counted.
        platform.change("UPDATE counters.writer_term SET term = 1")
        await eventually("views", partial(platform.views, video), 3)
