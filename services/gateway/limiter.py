"""The limiter of the gateway: gathers what the requests of one loop tick need and asks Valkey once.

Owns batching and what happens without Valkey, which is chosen per class: general classes fall back to a limiter in
this process (kept warm: it counts all the time), authentication to a strict one. Owns no arithmetic (``limits``,
``limit_script``) and no numbers (``services.contracts.limits``).
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.contracts.keyspaces import ATTEMPT_KEYS, LIMIT_KEYS
from services.contracts.limits import LIMITS, Limit
from services.contracts.routes import LimitClass
from services.gateway import limit_script
from services.gateway.limit_script import Operation
from services.gateway.limits import LocalGcra, LocalLog, Verdict
from services.gateway.resp import Reply, bulk
from services.gateway.valkey import ScriptCaller

MAX_BATCH: Final = 512
_ALMOST_ONE: Final = 0.999999
"""Rounds microseconds up to seconds."""


class Rule:
    """A class's limit with all that can be computed once."""

    __slots__ = ("_policy", "arguments", "counts", "interval", "limit", "name", "window")

    def __init__(self, limit_class: LimitClass, limit: Limit) -> None:
        self.name = limit_class.value
        self.limit = limit
        self.counts = limit.algorithm != "none"
        self.interval = limit.window / limit.count if limit.count else 0.0
        self.window = float(limit.window)
        self.arguments = limit_script.hit_arguments(limit) if limit.count else b""
        name = self.name.encode()
        self._policy = b'RateLimit-Policy: "%b";q=%d;w=%d\r\nRateLimit: "%b";r=' % (
            name,
            limit.count,
            limit.window,
            name,
        )

    def headers(self, verdict: Verdict) -> bytes:
        """RateLimit, RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), Retry-After if refused; with line ends."""
        lines = b"%b%d;t=%d\r\n" % (self._policy, verdict.remaining, int(verdict.reset_after + _ALMOST_ONE))
        if not verdict.allowed:
            lines += b"Retry-After: %d\r\n" % max(1, int(verdict.retry_after + _ALMOST_ONE))
        return lines


class Subject:
    """Who is counted under a rule: the name in this process, and the operation for Valkey. The same for every request."""

    __slots__ = ("group", "name", "operation")

    def __init__(self, name: str, group: int, operation: Operation) -> None:
        self.name = name
        self.group = group
        self.operation = operation


class _Waiting:
    """One operation that waits for its answer. What depends on the kind of operation is in the subclasses."""

    __slots__ = ("operation",)

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    def answer(self, limiter: Limiter, verdict: Verdict | None) -> None:
        """Takes the verdict; None: Valkey could not say. A release needs neither."""


class _Hit(_Waiting):
    __slots__ = ("_allowed", "_done", "_name", "_rule")

    def __init__(
        self, operation: Operation, rule: Rule, name: str, allowed: bool, done: Callable[[Verdict], None]
    ) -> None:
        super().__init__(operation)
        self._rule = rule
        self._name = name
        self._allowed = allowed
        self._done = done

    def answer(self, limiter: Limiter, verdict: Verdict | None) -> None:
        if verdict is None:
            verdict = limiter.local_verdict(self._rule, self._name, self._allowed)
        self._done(verdict)


class _Reservation:
    """An attempt under several keys: the strictest verdict counts."""

    __slots__ = ("done", "member", "open", "worst")

    def __init__(self, member: str, count: int, done: Callable[[Verdict], None]) -> None:
        self.member = member
        self.open = count
        self.worst: Verdict | None = None
        self.done = done


class _Reserve(_Waiting):
    __slots__ = ("_key", "_reservation")

    def __init__(self, operation: Operation, key: str, reservation: _Reservation) -> None:
        super().__init__(operation)
        self._key = key
        self._reservation = reservation

    def answer(self, limiter: Limiter, verdict: Verdict | None) -> None:
        whole = self._reservation
        if verdict is None:
            verdict = limiter.local_reservation(self._key, whole.member)
        worst = verdict if whole.worst is None else _strictest(whole.worst, verdict)
        whole.worst = worst
        whole.open -= 1
        if whole.open == 0:
            whole.done(worst)


class Limiter:
    """Answers through callbacks, at once or in a later tick."""

    def __init__(self, valkey: ScriptCaller, limits: Mapping[LimitClass, Limit] = LIMITS) -> None:
        self.rules = {limit_class: Rule(limit_class, limit) for limit_class, limit in limits.items()}
        self._attempts = limits[LimitClass.AUTHENTICATION]
        self._valkey = valkey
        self._groups = valkey.groups
        self._tags = [valkey.tag(group) for group in range(self._groups)]
        self._pending: list[list[_Waiting]] = [[] for _ in range(self._groups)]
        self._flushing = False
        self._local = LocalGcra()
        self._local_log = LocalLog()
        self.fallbacks = 0
        self.batches = 0

    def subject(self, rule: Rule, key: str) -> Subject:
        """What `hit` needs to count ``key`` under ``rule``."""
        group = self._group(key)
        name = f"{rule.name}:{key}"
        return Subject(name, group, Operation(bulk(f"{LIMIT_KEYS}{self._tags[group]}{name}".encode()), rule.arguments))

    def hit(self, rule: Rule, subject: Subject, done: Callable[[Verdict], None]) -> None:
        """Counts one request; ``done`` gets the verdict."""
        # Counted here all the time, so that the fallback knows the callers when it is needed.
        allowed = self._local.take(subject.name, rule.interval, rule.window, time.monotonic())
        self._ask(subject.group, _Hit(subject.operation, rule, subject.name, allowed, done))

    def reserve(self, keys: Sequence[str], member: str, done: Callable[[Verdict], None]) -> None:
        """Takes a place for an attempt to authenticate under each of ``keys``; the strictest verdict counts."""
        reservation = _Reservation(member, len(keys), done)
        for key in keys:
            group = self._group(key)
            operation = limit_script.reserve(self._log_key(group, key), self._attempts, member)
            self._ask(group, _Reserve(operation, key, reservation))

    def release(self, keys: Sequence[str], member: str) -> None:
        """The attempt succeeded: its places are free again."""
        for key in keys:
            self._local_log.release(key, member)
            group = self._group(key)
            self._ask(group, _Waiting(limit_script.release(self._log_key(group, key), member)))

    def local_verdict(self, rule: Rule, name: str, allowed: bool) -> Verdict:
        """Without Valkey: what this process counted."""
        self.fallbacks += 1
        return self._local.verdict(name, rule.limit, time.monotonic(), allowed)

    def local_reservation(self, key: str, member: str) -> Verdict:
        """Without Valkey: the strict log of this process."""
        self.fallbacks += 1
        return self._local_log.reserve(key, member, self._attempts, time.monotonic())

    def close(self) -> None:
        """Sends what was gathered."""
        self._flush()

    def _log_key(self, group: int, key: str) -> str:
        return f"{ATTEMPT_KEYS}{self._tags[group]}{key}"

    def _group(self, key: str) -> int:
        return zlib.crc32(key.encode()) % self._groups if self._groups > 1 else 0

    def _ask(self, group: int, waiting: _Waiting) -> None:
        pending = self._pending[group]
        # Whoever comes after the first of a batch shares its fate: a call on a lost connection is answered at once.
        if not pending and not self._valkey.connected(group):
            waiting.answer(self, None)
            return
        pending.append(waiting)
        if len(pending) >= MAX_BATCH:
            self._pending[group] = []
            self._send(group, pending)
        elif not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        for group in range(self._groups):
            pending = self._pending[group]
            if pending:
                self._pending[group] = []
                self._send(group, pending)

    def _send(self, group: int, batch: list[_Waiting]) -> None:
        self.batches += 1
        keys = b"".join([waiting.operation.key for waiting in batch])
        arguments = b"".join([waiting.operation.arguments for waiting in batch])
        self._valkey.call(group, len(batch), keys, arguments, lambda reply: self._answered(batch, reply))

    def _answered(self, batch: list[_Waiting], reply: Reply | None) -> None:
        if reply is not None and len(reply) != len(batch) * limit_script.NUMBERS:
            reply = None
        for at, waiting in enumerate(batch):
            try:
                waiting.answer(self, limit_script.verdict(reply, at) if reply is not None else None)
            except Exception as error:
                # One broken request must not take the others of its batch with it.
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a request failed after its limit", "exception": error}
                )


def _strictest(a: Verdict, b: Verdict) -> Verdict:
    if a.allowed != b.allowed:
        return b if a.allowed else a
    return max(a, b, key=lambda verdict: (verdict.retry_after, -verdict.remaining))
