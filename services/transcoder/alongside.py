"""Repeats an action while some work runs. Owns the cancellation of both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

from services.common.tasks import end

_T = TypeVar("_T")


async def alongside(work: Coroutine[object, object, _T], seconds: float, action: Callable[[], Awaitable[None]]) -> _T:
    """The result of `work`; meanwhile `action` is called every `seconds`.

    Whichever fails first ends the other, and its error is raised.
    """

    async def repeat() -> None:
        while True:
            await asyncio.sleep(seconds)
            await action()

    worker, ticker = asyncio.ensure_future(work), asyncio.create_task(repeat())
    try:
        await asyncio.wait({worker, ticker}, return_when=asyncio.FIRST_COMPLETED)
        if ticker.done():
            await ticker
        return await worker
    finally:
        await end(worker, ticker)
