"""A process of counters, as the service runs it but for HTTP, with the guards that the arguments name switched off.

``python -m tests.faults.worker SETTINGS [GUARD ...]``; ends at SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Collection

from services.common.resources import open_resources
from services.contracts import settings as contract
from services.counters.counting import Counting
from services.counters.window import Guards


def guards_without(off: Collection[str]) -> Guards:
    """All guards but those named in ``off``."""
    guards = Guards()
    for name in off:
        if name not in Guards.__slots__:
            raise SystemExit(f"there is no guard {name!r}; there are {', '.join(Guards.__slots__)}")
        setattr(guards, name, False)
    return guards


async def main(file: str, off: Collection[str]) -> None:
    """Counts until told to stop."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with open_resources("counters", contract.load(file)) as resources:
        counting = Counting(resources, guards_without(off))
        tasks = [asyncio.create_task(job) for job in counting.jobs()]
        waiting = asyncio.create_task(stopped.wait())
        await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        ended = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in ended:
            task.result()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
