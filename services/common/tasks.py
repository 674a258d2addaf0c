"""Ending asyncio tasks for certain. Owns the repetition of a cancellation; does not own what a task does when it ends."""

from __future__ import annotations

import asyncio

AGAIN_SECONDS = 1.0


async def end(*tasks: asyncio.Task[object]) -> None:
    """Cancel tasks, and return when all have ended; how they ended is nobody's concern any more.

    A cancellation may be lost: before Python 3.12 `asyncio.wait_for` swallows one that comes in the moment in which what
    it waits for is done (https://github.com/python/cpython/issues/86296), and drivers of ours wait by it. A loop that
    lost its cancellation would go on for ever, so it is cancelled again.
    """
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
