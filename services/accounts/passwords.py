"""Passwords: argon2id in a few threads, so that a flood of sign-ins cannot take the process. Owns no storage."""

from __future__ import annotations

import asyncio
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from services.common.errors import unavailable

MIN_LENGTH = 8
MAX_LENGTH = 128
MEMORY_KIB = 47_104
"""46 MiB with one pass and one lane: OWASP's first choice for argon2id (Password Storage Cheat Sheet)."""
MAX_WAITING = 32
"""Further requests are answered 503: they would wait longer than a caller does."""

_T = TypeVar("_T")


class Passwords:
    """Hashes and verifies. At most one thread per core works, at most 32 requests wait."""

    def __init__(self, threads: int | None = None, max_waiting: int = MAX_WAITING) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=MEMORY_KIB, parallelism=1, type=Type.ID)
        self._threads = threads or max(os.cpu_count() or 1, 1)
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="argon2")
        self._max_waiting = max_waiting
        self._running = 0
        self._decoy: str | None = None

    def close(self) -> None:
        """Ends the threads."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """The encoded hash. Raises `ServiceError` 503 if too many wait."""
        return await self._run(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, password: str, encoded: str | None) -> bool:
        """Whether ``password`` belongs to ``encoded``. None takes as long as a wrong password and is False.

        Raises `ServiceError` 503 if too many wait.
        """
        if encoded is None:
            if self._decoy is None:
                self._decoy = await self.hash("a password that nobody has")
            await self._run(lambda: self._check(password, self._decoy or ""))
            return False
        return await self._run(lambda: self._check(password, encoded))

    def outdated(self, encoded: str) -> bool:
        """Whether ``encoded`` was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(encoded)

    def _check(self, password: str, encoded: str) -> bool:
        try:
            return self._hasher.verify(encoded, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._running >= self._threads + self._max_waiting:
            raise unavailable("Too many people sign in at this moment; try again in a few seconds.", 3)
        self._running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._running -= 1


def _normal(password: str) -> str:
    # The same password typed on another keyboard may arrive composed differently (NIST SP 800-63B 5.1.1.2).
    return unicodedata.normalize("NFKC", password)
