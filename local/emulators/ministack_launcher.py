"""Starts MiniStack and keeps its state on disk while it runs.  Executed by MiniStack's own interpreter.

MiniStack 1.5.33 writes its services' state at a graceful stop only, so that a killed one would forget keys and secrets
(objects of S3 it writes as they come).  Here the same files are also written soon after a request that changed
something.  Uses two functions of `ministack.app` that are not public; the version is locked, and a test drives it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import ministack.app as ministack  # type: ignore[import-not-found]  # is in MiniStack's own environment
from ministack.core.persistence import save_all  # type: ignore[import-not-found]  # the same

QUIET_SECONDS = 1.0
"""After the last change; a deployment's burst is written once."""
LONGEST_SECONDS = 10.0
"""After the first change that is not written yet, however busy it is."""

READING = (
    "Describe",
    "Get",
    "List",
    "Receive",
    "Head",
    "BatchGet",
    "Query",
    "Scan",
    "Decrypt",
    "Encrypt",
    "Verify",
    "Sign",
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Keeper:
    """Remembers that something changed, and writes it down."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._last = 0.0

    def changed(self) -> None:
        """A request that may have changed something was answered."""
        now = asyncio.get_running_loop().time()
        self._first = now if self._first is None else self._first
        self._last = now

    async def keep(self) -> None:
        """Write whenever there is something to write, for ever.

        Between requests on the loop's own thread; what handlers change meanwhile in other threads makes `save_all`
        log an error for that one service and keep its older file, and the next change writes it.
        """
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(QUIET_SECONDS / 2)
            if self._first is None:
                continue
            if loop.time() - self._last >= QUIET_SECONDS or loop.time() - self._first >= LONGEST_SECONDS:
                self._first = None
                save_all(ministack._build_persistence_save_dict())


def changes(scope: Scope) -> bool:
    """True when a request may change state: told by its method and, where the API has one, its target header."""
    if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return False
    target = next((value.decode() for name, value in scope["headers"] if name == b"x-amz-target"), "")
    return not target.rsplit(".", 1)[-1].startswith(READING)


def kept(
    application: Callable[[Scope, Receive, Send], Awaitable[None]],
) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The application with a keeper beside it."""
    keeper = Keeper()
    tasks: list[asyncio.Task[None]] = []

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" and not tasks:
            tasks.append(asyncio.get_running_loop().create_task(keeper.keep()))
        await application(scope, receive, send)
        if changes(scope):
            keeper.changed()

    return call


if __name__ == "__main__":
    ministack.app = kept(ministack.app)
    sys.argv = sys.argv[:1]
    Path(os.environ["TMPDIR"]).mkdir(parents=True, exist_ok=True)
    ministack.main()
