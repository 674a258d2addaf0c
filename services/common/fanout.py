"""Asking the databases of all cells at once and living with one that does not answer. Owns no query."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import psycopg

from services.common.database import Connection
from services.common.errors import ServiceError, unavailable
from services.common.shards import ShardRouter

SECONDS = 1.5
"""How long one cell is waited for."""

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answers(Generic[_T]):
    """What the cells answered, in the order of the shard map's homes."""

    by_home: dict[str, _T]
    missing: tuple[str, ...]
    """Cells that did not answer."""


async def everywhere(router: ShardRouter, query: Callable[[Connection], Awaitable[_T]]) -> Answers[_T]:
    """Runs ``query`` in the database of every home cell.

    Raises `ServiceError` 503 only if no cell answers.
    """

    async def one(home: str) -> tuple[_T] | None:
        try:
            async with asyncio.timeout(SECONDS), router.home_reader(home) as connection:
                return (await query(connection),)
        except (psycopg.OperationalError, ServiceError, TimeoutError) as error:
            _log.warning("cell %s left out: %s", home, type(error).__name__)
            return None

    homes = router.homes
    answers = await asyncio.gather(*(one(home) for home in homes))
    by_home = {home: answer[0] for home, answer in zip(homes, answers, strict=True) if answer is not None}
    if not by_home:
        raise unavailable("No database answers at the moment.")
    return Answers(by_home, tuple(home for home in homes if home not in by_home))
