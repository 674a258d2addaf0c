"""One request from its head to the end of its answer.

Owns the order of things: route, identity, limit, form, overload, breaker, connection, answer; and that whatever was taken
(permit, place, reservation) is given back exactly once. Does not own the caller's connection (``connection``) nor
any of the parts that it asks.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from services.contracts.routes import CONTEXT_HEADER
from services.gateway import attempts, responses, tracing
from services.gateway.addresses import caller, limiter_key
from services.gateway.bodies import BodyError, Chunked, Fixed, Framing
from services.gateway.breaker import Outcome, Permit
from services.gateway.forms import FormError
from services.gateway.heads import RequestHead, ResponseHead
from services.gateway.identity import Identity, IdentityError
from services.gateway.limits import Verdict
from services.gateway.plan import Plan
from services.gateway.routing import NoRoute
from services.gateway.upstream import Fault, Receiver, UpstreamConnection

if TYPE_CHECKING:
    from services.gateway.connection import ClientConnection
    from services.gateway.core import Core

MAX_WAITING_BODY: Final = 64 * 1024
"""Bytes of a request's body that may wait for its service; then the caller is no longer read."""
ANSWER_SECONDS: Final = 15.0
STREAM_SECONDS: Final = 60.0
_REPEATABLE: Final = frozenset({b"GET", b"HEAD"})
_CONTEXT: Final = b"\r\n" + CONTEXT_HEADER.encode() + b": "


class Exchange(Receiver):
    """See the module."""

    __slots__ = (
        "_attempt",
        "_client",
        "_close_after",
        "_connected_at",
        "_connection",
        "_core",
        "_framing",
        "_head",
        "_identity",
        "_over",
        "_permit",
        "_plan",
        "_rate",
        "_retried",
        "_started",
        "_status",
        "_waiting",
        "_waiting_bytes",
        "deadline",
    )

    def __init__(self, core: Core, client: ClientConnection, head: RequestHead, now: float) -> None:
        self._core = core
        self._client = client
        self._head = head
        self._started = now
        seconds = ANSWER_SECONDS
        if head.deadline_ms is not None:
            seconds = min(seconds, head.deadline_ms / 1000)
        self.deadline = self._started + seconds
        self._framing: Framing | None = None
        if head.chunked:
            self._framing = Chunked()
        elif head.content_length:
            self._framing = Fixed(head.content_length)
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._plan: Plan | None = None
        self._identity: Identity = core.identities.anonymous
        self._rate = b""
        self._attempt: attempts.Attempt | None = None
        self._permit: Permit | None = None
        self._connection: UpstreamConnection | None = None
        self._connected_at = 0.0
        self._retried = False
        self._status = 0
        self._close_after = not head.keep_alive
        self._over = False

    # --- from the caller -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Decides what the request is, and sets out."""
        core, head = self._core, self._head
        plan = core.router.find(head.method, head.path)
        if isinstance(plan, NoRoute):
            self._without_route(head.path, plan)
            return
        self._plan = plan
        if head.content_length is not None and head.content_length > plan.max_body:
            self._refuse(413, "too_large", f"the body may have at most {plan.max_body} bytes")
            return
        if head.credential is None:
            self._identified(self._identity)
            return
        try:
            identity = core.identities.recall(head.credential)
        except IdentityError as error:
            self._unauthorized(str(error))
            return
        if identity is not None:
            self._identified(identity)
        else:
            core.spawn(self._identify(head.token()))

    def request_data(self, data: bytes) -> bytes:
        """Bytes from the caller; returns those that do not belong to this request."""
        framing = self._framing
        if framing is None or not self._expects_body():
            return data
        try:
            used = framing.feed(data)
        except BodyError as error:
            self._refuse(400, "malformed_body", str(error))
            return b""
        if self._plan is not None and isinstance(framing, Chunked) and framing.payload > self._plan.max_body:
            self._refuse(413, "too_large", f"the body may have at most {self._plan.max_body} bytes")
            return b""
        part = data if used == len(data) else data[:used]
        if self._connection is not None:
            self._connection.write(part)
        elif not self._over:
            self._waiting.append(part)
            self._waiting_bytes += used
            if self._waiting_bytes > MAX_WAITING_BODY:
                self._client.pause()
            if self._attempt is not None and not self._expects_body():
                self._attempt_ready()
        return data[used:]

    def cancel(self) -> None:
        """The caller is gone."""
        if not self._over:
            self._settle(Outcome.NEUTRAL, None)
            self._finish_attempt(499)
            self._over = True
            if self._connection is not None:
                self._connection.abandon()
            self._record(499)

    def expire(self) -> None:
        """The deadline has passed."""
        if self._status:
            self._settle(Outcome.FAILURE, None)
            self._over = True
            if self._connection is not None:
                self._connection.abandon()
            self._record(self._status)
            self._core.metrics.aborted += 1
            self._client.abort()
            return
        late = self._permit is not None
        self._settle(Outcome.FAILURE, None)
        if late and self._plan is not None:
            self._plan.upstream.limit.dropped()
        if self._connection is not None:
            self._connection.abandon()
        self._refuse(504, "timeout", "the service did not answer in time")

    def writable(self, writable: bool) -> None:
        """The caller takes more of the answer, or not for now."""
        if self._connection is not None:
            if writable:
                self._connection.resume()
            else:
                self._connection.pause()

    # --- identity and limits ---------------------------------------------------------------------------------------

    def _without_route(self, path: bytes, route: NoRoute) -> None:
        head = self._head
        if self._framing is not None:
            self._close_after = True
        if route.allow and head.method == b"OPTIONS":
            self._answer(204, self._core.cors.preflight(head.origin, route.allow, not self._close_after))
        elif route.allow:
            allow = b"Allow: " + b", ".join(route.allow) + b"\r\n"
            self._refuse(405, "method_not_allowed", "the path does not answer this method", allow)
        elif self._core.rare.serves(path):
            self._core.spawn(self._serve_rarely())
        else:
            self._refuse(404, "not_found", "no such path")

    async def _serve_rarely(self) -> None:
        status, data = await self._core.rare.answer(self._head, not self._close_after)
        if not self._over:
            self._answer(status, data)

    async def _identify(self, authorization: bytes) -> None:
        try:
            identity = await self._core.identities.verify(authorization)
        except IdentityError as error:
            if not self._over:
                self._unauthorized(str(error))
            return
        if not self._over:
            self._identified(identity)

    def _identified(self, identity: Identity) -> None:
        plan = self._plan
        assert plan is not None  # noqa: S101 - set before identification starts
        self._identity = identity
        if plan.needs_user and identity.user is None:
            self._unauthorized("sign in first")
            return
        if plan.is_attempt:
            self._attempt = attempts.Attempt(secrets.token_hex(8))
            if not self._expects_body():
                self._attempt_ready()
            elif self._head.expect_continue:
                self._head.expect_continue = False
                self._client.write(responses.CONTINUE)
            return
        if not plan.rule.counts:
            self._admitted()
            return
        limiter = self._core.limiter
        if identity.user is None:
            subject = limiter.subject(plan.rule, "ip-" + limiter_key(self._address()))
        else:
            known = identity.subjects.get(plan.rule.name)
            if known is None:
                known = identity.subjects[plan.rule.name] = limiter.subject(plan.rule, identity.user)
            subject = known
        limiter.hit(plan.rule, subject, self._limited)

    def _attempt_ready(self) -> None:
        attempt = self._attempt
        assert attempt is not None  # noqa: S101 - only called for an attempt
        attempt.identify(b"".join(self._waiting), chunked=self._head.chunked, address=limiter_key(self._address()))
        self._core.limiter.reserve(attempt.keys, attempt.member, self._limited)

    def _limited(self, verdict: Verdict) -> None:
        plan = self._plan
        if self._over or plan is None:
            if self._attempt is not None and verdict.allowed:
                self._core.limiter.release(self._attempt.keys, self._attempt.member)
            return
        self._rate = plan.rule.headers(verdict)
        if verdict.allowed:
            self._admitted()
        else:
            if self._attempt is not None:
                # One key may have had room: an attempt that was never made must not count there.
                self._core.limiter.release(self._attempt.keys, self._attempt.member)
                self._attempt = None
            self._refuse(429, "too_many_requests", "too many requests; try again later")

    def _address(self) -> str:
        return caller(self._client.peer, self._head.forwarded_for)

    # --- to the service --------------------------------------------------------------------------------------------

    def _admitted(self) -> None:
        plan, core = self._plan, self._core
        assert plan is not None  # noqa: S101 - set before
        try:
            plan.form.check(self._head.path, self._head.target)
        except FormError as error:
            self._refuse_form(error)
            return
        if plan.form.needs_body and self._framing is None:
            self._refuse_form(FormError("body", "it is missing"))
            return
        upstream = plan.upstream
        if core.draining:
            self._close_after = True
        if not upstream.limit.try_enter(plan.share):
            core.metrics.shed += 1
            self._refuse(503, "overloaded", "the service is busy; try again", b"Retry-After: 1\r\n")
            return
        now = core.clock()
        permit = upstream.breaker.acquire(now)
        if permit is None:
            upstream.limit.leave(None)
            wait = max(1, int(upstream.breaker.retry_after(now)) + 1)
            self._refuse(503, "unavailable", "the service is not available", b"Retry-After: %d\r\n" % wait)
            return
        self._permit = permit
        self._connected_at = now
        upstream.retries.request()
        connection = upstream.pool.take(now)
        if connection is None:
            upstream.pool.connect(self._connected)
        else:
            self._send(connection)

    def _connected(self, connection: UpstreamConnection | None) -> None:
        if self._over:
            if connection is not None:
                connection.release()
            return
        if connection is None:
            self._settle(Outcome.CONNECT_FAILURE, None)
            self._refuse(502, "unreachable", "the service cannot be reached")
            return
        self._send(connection)

    def _send(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        data = self._outgoing_head()
        if self._waiting:
            data += b"".join(self._waiting)
        connection.send(self, data)
        if self._expects_body():
            if self._head.expect_continue and not self._waiting:
                self._client.write(responses.CONTINUE)
            self._client.resume()

    def _outgoing_head(self) -> bytes:
        head = self._head
        framing = b""
        if head.chunked:
            framing = b"\r\ntransfer-encoding: chunked"
        elif head.content_length is not None:
            framing = b"\r\ncontent-length: %d" % head.content_length
        left = int((self.deadline - self._connected_at) * 1000)
        return b"".join(
            (
                # A body that HEAD must not have is dropped here, so that services need only know GET.
                b"GET" if head.method == b"HEAD" else head.method,
                b" ",
                head.target,
                b" HTTP/1.1\r\n",
                b"\r\n".join(head.forward),
                framing,
                _CONTEXT,
                self._core.identities.context(self._identity),
                b"\r\ntraceparent: ",
                head.traceparent or tracing.begun(),
                b"\r\nx-meridian-deadline: %d\r\n\r\n" % (left if left > 1 else 1),
            )
        )

    # --- from the service (Receiver) -------------------------------------------------------------------------------

    def on_response(self, head: ResponseHead, bodiless: bool, body: bytes, ends: bool, now: float) -> None:
        """See `services.gateway.upstream.Receiver`."""
        core = self._core
        status = head.status
        self._status = status
        self.deadline = now + STREAM_SECONDS
        self._settle_at(Outcome.FAILURE if status >= 500 else Outcome.SUCCESS, now - self._connected_at, now)
        if status == 503 and self._plan is not None:
            self._plan.upstream.limit.dropped()
        if self._attempt is not None:
            self._finish_attempt(status)
        if self._expects_body() or (not bodiless and head.content_length is None and not head.chunked):
            self._close_after = True
        tail = core.cors.tail(self._head.origin, not self._close_after)
        if self._head.method == b"HEAD":
            body = b""
        self._client.write(b"".join((head.lines, self._rate, tail, body)))
        if ends:
            self._connection = None
            self._end_at(status, now)

    def on_body(self, data: bytes) -> None:
        """See `services.gateway.upstream.Receiver`."""
        if self._head.method != b"HEAD":
            self._client.write(data)

    def on_end(self) -> None:
        """See `services.gateway.upstream.Receiver`."""
        self._connection = None
        self._end(self._status)

    def on_fault(self, fault: Fault) -> None:
        """See `services.gateway.upstream.Receiver`."""
        self._connection = None
        if self._status:
            self._over = True
            self._record(self._status)
            self._core.metrics.aborted += 1
            self._client.abort()
            return
        plan = self._plan
        repeatable = self._head.method in _REPEATABLE and self._framing is None and not self._retried
        if plan is not None and repeatable and plan.upstream.retries.try_retry():
            self._retried = True
            self._core.metrics.retries += 1
            plan.upstream.pool.connect(self._connected)
            return
        self._settle(Outcome.NEUTRAL if fault is Fault.STALE else Outcome.FAILURE, None)
        self._refuse(502, "bad_answer", "the service broke off its answer")

    def on_writable(self, writable: bool) -> None:
        """See `services.gateway.upstream.Receiver`."""
        if writable:
            self._client.resume()
        else:
            self._client.pause()

    # --- the end ---------------------------------------------------------------------------------------------------

    def _expects_body(self) -> bool:
        return self._framing is not None and not self._framing.done

    def _settle(self, outcome: Outcome, seconds: float | None) -> None:
        self._settle_at(outcome, seconds, self._core.clock())

    def _settle_at(self, outcome: Outcome, seconds: float | None, now: float) -> None:
        """Gives permit and place back, once."""
        permit, plan = self._permit, self._plan
        if permit is None or plan is None:
            return
        self._permit = None
        upstream = plan.upstream
        upstream.limit.leave(seconds)
        upstream.breaker.settle(permit, outcome, seconds if seconds is not None else now - self._started, now)

    def _finish_attempt(self, status: int) -> None:
        """A failed attempt to authenticate keeps its place in the log; every other end gives it back, once."""
        attempt, self._attempt = self._attempt, None
        if attempt is not None and attempt.keys and not attempts.failed(status):
            self._core.limiter.release(attempt.keys, attempt.member)

    def _unauthorized(self, message: str) -> None:
        self._refuse(401, "unauthorized", message, b'WWW-Authenticate: Bearer realm="meridian"\r\n')

    def _refuse_form(self, error: FormError) -> None:
        field = {"field": error.field, "problem": error.problem}
        self._refuse(422, "invalid_request", "the request does not have the form that it must have", fields=[field])

    def _refuse(
        self,
        status: int,
        code: str,
        message: str,
        extra: bytes = b"",
        fields: Sequence[Mapping[str, str]] = (),
    ) -> None:
        if self._over:
            return
        if self._expects_body():
            self._close_after = True
        self._finish_attempt(status)
        extra += self._rate + self._core.cors.lines(self._head.origin)
        answer = responses.error(
            status,
            code,
            message,
            extra=extra,
            keep_alive=not self._close_after,
            body=self._head.method != b"HEAD",
            fields=fields,
        )
        self._answer(status, answer)

    def _answer(self, status: int, data: bytes) -> None:
        self._client.write(data)
        self._end(status)

    def _end(self, status: int) -> None:
        self._end_at(status, self._core.clock())

    def _end_at(self, status: int, now: float) -> None:
        self._over = True
        self._record_at(status, now)
        self._client.exchange_over(self._close_after, now)

    def _record(self, status: int) -> None:
        self._record_at(status, self._core.clock())

    def _record_at(self, status: int, now: float) -> None:
        core, plan = self._core, self._plan
        seconds = now - self._started
        if plan is None:
            core.metrics.route("unrouted").observe(status, seconds)
            core.access.note(self._head.method, b"unrouted", status, seconds, b"null", now)
        else:
            plan.metrics.observe(status, seconds)
            core.access.note(self._head.method, plan.template, status, seconds, self._identity.logged, now)
