"""boto3 clients of a process. Owns their timeouts and retries; does not own what is done with them.

boto3 is blocking: call clients through `in_thread`. The endpoint of an emulator comes from ``AWS_ENDPOINT_URL``,
which botocore reads itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import boto3
from botocore.config import Config

_P = ParamSpec("_P")
_T = TypeVar("_T")

_CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=16,
    s3={"addressing_style": "path"},
)


async def in_thread(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Result of the blocking ``call``, without blocking the loop."""
    return await asyncio.to_thread(call, *args, **kwargs)


class AwsClients:
    """One client per service and region, made at first use."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._session = boto3.session.Session(region_name=region)
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = Lock()

    def client(self, service: str, region: str | None = None) -> Any:  # boto3 publishes no types
        """The client of ``service`` in ``region`` (AWS code; None: the cell's own)."""
        name = (service, region or self._region)
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._session.client(service, region_name=name[1], config=_CONFIG)
            return self._clients[name]

    def close(self) -> None:
        """Closes all clients."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
