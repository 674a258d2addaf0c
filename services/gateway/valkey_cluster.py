"""The limiter's script on a cluster of Valkey: keys in a few groups, each in one slot, each with a connection of its own.

A call may only touch keys of one slot, so keys carry a hash tag of their group, and a batch goes to one group. The tags
are chosen to spread evenly over the slots, so over any even division of them among nodes. Does not own batching
(``limiter``) nor connections (``valkey``).
"""

from __future__ import annotations

import binascii
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final

from services.gateway.limit_script import SCRIPT
from services.gateway.valkey import Address, Answer, Credentials, ScriptClient

SLOTS: Final = 16384
GROUPS: Final = 8
"""More would spread better and batch worse; a cell's cluster has fewer nodes than this."""


def slot(tag: str) -> int:
    """The slot of a key with this hash tag (the cluster specification's CRC16, XMODEM)."""
    return binascii.crc_hqx(tag.encode(), 0) % SLOTS


def _tags() -> tuple[str, ...]:
    width = SLOTS // GROUPS
    return tuple(next(str(n) for n in count() if slot(str(n)) // width == group) for group in range(GROUPS))


TAGS: Final = _tags()

Locate = Callable[[str], Awaitable[Address]]
"""Names the primary of a hash tag's slot; asked anew for each connection."""


class ScriptCluster:
    """See `services.gateway.valkey.ScriptCaller`."""

    def __init__(self, locate: Locate, credentials: Credentials | None, timeout: float, tls: bool) -> None:
        self._clients = [
            ScriptClient(SCRIPT, lambda tag=tag: locate(tag), credentials, timeout, tls)  # type: ignore[misc] # mypy cannot infer a default's type in a lambda
            for tag in TAGS
        ]

    @property
    def groups(self) -> int:
        """See `ScriptCaller.groups`."""
        return GROUPS

    def tag(self, group: int) -> str:
        """See `ScriptCaller.tag`."""
        return "{" + TAGS[group] + "}"

    def connected(self, group: int) -> bool:
        """See `ScriptCaller.connected`."""
        return self._clients[group].connected(0)

    def call(self, group: int, count: int, keys: bytes, arguments: bytes, answer: Answer) -> None:
        """See `ScriptCaller.call`."""
        self._clients[group].call(0, count, keys, arguments, answer)

    def start(self) -> None:
        """Connects in the background."""
        for client in self._clients:
            client.start()

    async def close(self) -> None:
        """Ends all connections."""
        for client in self._clients:
            await client.close()
