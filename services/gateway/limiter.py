"""The limiter of the gateway: gathers what the requests of one loop tick need and asks Valkey once.

Owns batching and what happens without Valkey, which is chosen per class: general classes fall back to a limiter in
this process (kept warm: it counts all the time), authentication to a strict one. Owns no arithmetic (``limits``,
``limit_script``) and no numbers (``services.contracts.limits``).
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.contracts.limits import LIMITS, Limit
from services.contracts.routes import LimitClass
from services.gateway import limit_script
from services.gateway.limit_script import Operation
from services.gateway.limits import LocalGcra, LocalLog, Verdict
from services.gateway.valkey import Reply, ValkeyError

MAX_BATCH = 512


class ScriptCaller(Protocol):
    """What the limiter needs of Valkey."""

    @property
    def connected(self) -> bool:
        """Whether a call has a chance at this moment."""

    async def call(self, keys: Sequence[bytes], arguments: Sequence[bytes]) -> Reply:
        """Runs the script. Raises `ValkeyError`."""


@dataclass(slots=True)
class _Pending:
    operation: Operation
    answer: Callable[[Verdict | None], None]


class Limiter:
    """Answers through callbacks: None stands for "Valkey could not say"."""

    def __init__(self, valkey: ScriptCaller) -> None:
        self._valkey = valkey
        self._pending: list[_Pending] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._local = LocalGcra()
        self._local_log = LocalLog()
        self.fallbacks = 0
        self.batches = 0

    def hit(self, limit_class: LimitClass, key: str, done: Callable[[Verdict], None]) -> None:
        """Counts one request of ``key``; ``done`` gets the verdict, at once or in a later tick."""
        limit = LIMITS[limit_class]
        name = f"{limit_class.value}:{key}"
        local = self._local.hit(name, limit, time.monotonic())

        def answer(verdict: Verdict | None) -> None:
            if verdict is None:
                self.fallbacks += 1
                verdict = local
            done(verdict)

        self._ask(limit_script.hit(f"limit:{name}", limit), answer)

    def reserve(self, keys: Sequence[str], member: str, done: Callable[[Verdict], None]) -> None:
        """Takes a place for an attempt to authenticate under each of ``keys``; the strictest verdict counts."""
        limit = LIMITS[LimitClass.AUTHENTICATION]
        waiting = len(keys)
        worst: Verdict | None = None

        def answer_for(key: str) -> Callable[[Verdict | None], None]:
            def answer(verdict: Verdict | None) -> None:
                nonlocal waiting, worst
                if verdict is None:
                    self.fallbacks += 1
                    verdict = self._local_log.reserve(key, member, limit, time.monotonic())
                worst = verdict if worst is None else _strictest(worst, verdict)
                waiting -= 1
                if waiting == 0:
                    done(worst)

            return answer

        for key in keys:
            self._ask(limit_script.reserve(_log_key(key), limit, member), answer_for(key))

    def release(self, keys: Sequence[str], member: str) -> None:
        """The attempt succeeded: its places are free again."""
        for key in keys:
            self._local_log.release(key, member)
            self._ask(limit_script.release(_log_key(key), member), _ignore)

    async def close(self) -> None:
        """Waits for what was asked."""
        self._flush()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ask(self, operation: Operation, answer: Callable[[Verdict | None], None]) -> None:
        if not self._valkey.connected:
            answer(None)
            return
        self._pending.append(_Pending(operation, answer))
        if len(self._pending) == 1:
            asyncio.get_running_loop().call_soon(self._flush)
        elif len(self._pending) >= MAX_BATCH:
            self._flush()

    def _flush(self) -> None:
        if not self._pending:
            return
        batch, self._pending = self._pending, []
        task = asyncio.create_task(self._send(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, batch: list[_Pending]) -> None:
        self.batches += 1
        keys = [entry.operation.key for entry in batch]
        arguments = [argument for entry in batch for argument in entry.operation.arguments]
        answers: Sequence[Verdict | None]
        try:
            answers = limit_script.verdicts(await self._valkey.call(keys, arguments))
            if len(answers) != len(batch):
                raise ValueError(f"{len(answers)} answers to {len(batch)} questions")
        except (ValkeyError, ValueError):
            answers = [None] * len(batch)
        loop = asyncio.get_running_loop()
        for entry, verdict in zip(batch, answers, strict=True):
            try:
                entry.answer(verdict)
            except Exception as error:
                # One broken request must not take the others of its batch with it.
                loop.call_exception_handler({"message": "a request failed after its limit", "exception": error})


def _log_key(key: str) -> str:
    return f"attempts:{key}"


def _ignore(_verdict: Verdict | None) -> None:
    """A release needs no answer."""


def _strictest(a: Verdict, b: Verdict) -> Verdict:
    if a.allowed != b.allowed:
        return b if a.allowed else a
    return max(a, b, key=lambda verdict: (verdict.retry_after, -verdict.remaining))


def rate_headers(limit_class: LimitClass, limit: Limit, verdict: Verdict) -> bytes:
    """RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), Retry-After when refused; with line ends."""
    name = limit_class.value.encode()
    lines = b'RateLimit-Policy: "%b";q=%d;w=%d\r\nRateLimit: "%b";r=%d;t=%d\r\n' % (
        name,
        limit.count,
        limit.window,
        name,
        verdict.remaining,
        math.ceil(verdict.reset_after),
    )
    if not verdict.allowed:
        lines += b"Retry-After: %d\r\n" % max(1, math.ceil(verdict.retry_after))
    return lines
