"""Tasks end, also those that lost a cancellation or that failed."""

from __future__ import annotations

import asyncio

from services.common import tasks


async def test_a_task_that_loses_its_first_cancellation_is_cancelled_again() -> None:
    lost: list[str] = []

    async def loop() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if lost:
                    raise
                lost.append("one")

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    await asyncio.wait_for(tasks.end(task), 30)
    assert lost == ["one"]
    assert task.cancelled()


async def test_tasks_that_failed_or_ended_before_are_no_concern() -> None:
    async def fail() -> None:
        raise ValueError("before")

    async def answer() -> int:
        return 1

    ended = (asyncio.create_task(fail()), asyncio.create_task(answer()))
    await asyncio.wait(ended)
    await tasks.end(*ended)
    await tasks.end()
