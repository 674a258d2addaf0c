"""The worker's loop over the transcode queue: one message at a time, kept invisible while its job runs.

Owns what becomes of a message: deleted when there is nothing left to do, returned when another attempt may help, left
to the queue's redrive policy when attempts are used up. Exactly one of several messages for a video leads to work.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from services.common import ids
from services.contracts.media import MessageError, parse_message
from services.transcoder.alongside import alongside
from services.transcoder.job import Seams, transcode
from services.transcoder.ledger import LEASE_SECONDS, Busy, Claim, Finished, LostLeaseError
from services.transcoder.probe import RefusedError
from services.transcoder.spending import DayFullError
from services.transcoder.storage import SourceGoneError
from services.transcoder.workspace import workspace

HEARTBEAT_SECONDS = 15.0
VISIBLE_AFTER_SECONDS = LEASE_SECONDS
"""A message reappears this long after its worker died."""
WAIT_SECONDS = 5
"""Long poll; below the read timeout of the clients."""
BACKOFF_SECONDS = 10
"""Before another attempt, times the attempts so far."""
FULL_SECONDS = 60.0
"""Between two looks whether the next day has begun."""
TOMORROW_SECONDS = 3600
"""How long a message stays hidden whose job met the end of the day; by then nobody receives any."""
GAVE_UP = "The video could not be processed, for a reason on our side. It is kept; we will try again or tell you."
GONE = "The uploaded file is not there any more. Upload it once more."

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery of a message."""

    id: str
    receipt: str
    body: str
    deliveries: int
    """How often it was delivered, this time included."""


class Queue(Protocol):
    """What the worker needs of the queue."""

    async def receive(self) -> Message | None:
        """The next message, after at most `WAIT_SECONDS`."""

    async def hide(self, message: Message, seconds: int) -> None:
        """Keep the message invisible for `seconds` from now."""

    async def delete(self, message: Message) -> None:
        """The message is dealt with."""

    async def last_delivery(self) -> int:
        """At which delivery the redrive policy makes the next one a dead letter."""


class SqsQueue:
    """The cell's transcode queue."""

    def __init__(self, client: Any, url: str) -> None:  # boto3 publishes no types
        self._client = client
        self._url = url

    async def receive(self) -> Message | None:
        """The next message, after at most `WAIT_SECONDS`."""
        answer = await asyncio.to_thread(
            self._client.receive_message,
            QueueUrl=self._url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=VISIBLE_AFTER_SECONDS,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        for raw in answer.get("Messages", []):
            deliveries = int(raw.get("Attributes", {}).get("ApproximateReceiveCount", "1"))
            return Message(raw["MessageId"], raw["ReceiptHandle"], raw["Body"], deliveries)
        return None

    async def hide(self, message: Message, seconds: int) -> None:
        """Keep the message invisible for `seconds` from now."""
        await asyncio.to_thread(
            self._client.change_message_visibility,
            QueueUrl=self._url,
            ReceiptHandle=message.receipt,
            VisibilityTimeout=seconds,
        )

    async def delete(self, message: Message) -> None:
        """The message is dealt with."""
        await asyncio.to_thread(self._client.delete_message, QueueUrl=self._url, ReceiptHandle=message.receipt)

    async def last_delivery(self) -> int:
        """`maxReceiveCount` of the queue's redrive policy; without one, a message may come for ever."""
        answer = await asyncio.to_thread(
            self._client.get_queue_attributes, QueueUrl=self._url, AttributeNames=["RedrivePolicy"]
        )
        return redrive_limit(answer.get("Attributes", {}).get("RedrivePolicy"))


def redrive_limit(policy: str | None) -> int:
    """Deliveries that a redrive `policy` (SQS's JSON) allows; a large number without one."""
    found = re.search(r'"maxReceiveCount"\s*:\s*"?(\d+)', policy or "")
    return int(found[1]) if found else 1_000_000


@dataclass(frozen=True, slots=True)
class Worker:
    """One process's loop."""

    name: str
    """Who holds a lease; for people."""
    queue: Queue
    seams: Seams
    scratch: Path | None = None

    async def run(self) -> None:
        """Work until cancelled. No message and no outage ends the loop."""
        while True:
            try:
                if await self.seams.spending.closed():
                    await asyncio.sleep(FULL_SECONDS)
                    continue
                message = await self.queue.receive()
                if message is not None:
                    await self.handle(message)
            except Exception:
                _log.exception("the transcoder's loop met an error; it goes on")
                await asyncio.sleep(BACKOFF_SECONDS / 2)

    async def handle(self, message: Message) -> None:
        """Deal with one delivery, whatever it holds."""
        try:
            requests = parse_message(message.body)
            video_ids = [ids.parse(request.video) for request in requests]
        except (MessageError, ids.IdError) as error:
            # Left alone it is delivered until the redrive policy puts it where people look.
            _log.error("message %s is left to the redrive policy: %s", message.id, error)
            return
        settled = [await self._settle(video_id, message) for video_id in video_ids]
        if all(settled):
            await self.queue.delete(message)

    async def _settle(self, video_id: int, message: Message) -> bool:
        """Whether the message has nothing more to say about this video."""
        claim = await self.seams.ledger.claim(video_id, self.name, message.id)
        match claim:
            case Finished():
                return True
            case Busy(message_id=holder):
                if holder == message.id:
                    # Delivered again while its worker lives: its heartbeat to the queue failed, not its lease.
                    await self.queue.hide(message, VISIBLE_AFTER_SECONDS)
                    return False
                return True
            case Claim():
                return await self._work(claim, message)

    async def _work(self, claim: Claim, message: Message) -> bool:
        video = ids.encode(claim.video_id)
        ledger = self.seams.ledger
        started = time.monotonic()
        _log.info("video %s: attempt %d begins", video, claim.attempt)
        try:
            with workspace(self.scratch) as room:
                beat = _Heartbeat(self, claim, message)
                await alongside(transcode(self.seams, claim, room), HEARTBEAT_SECONDS, beat)
        except LostLeaseError as error:
            _log.warning("video %s: %s", video, error)
            return False
        except DayFullError as error:
            _log.warning("video %s waits for tomorrow: %s", video, error)
            await self._return(claim, message, TOMORROW_SECONDS)
            return False
        except (RefusedError, SourceGoneError) as error:
            reason, code = (str(error), "refused") if isinstance(error, RefusedError) else (GONE, "source_gone")
            _log.info("video %s is refused: %s", video, reason)
            await ledger.refused(claim, code, reason)
            return True
        except asyncio.CancelledError:
            _log.info("video %s: attempt %d is given back because this process stops", video, claim.attempt)
            await self._return(claim, message, 0)
            raise
        except Exception:
            _log.exception("video %s: attempt %d failed", video, claim.attempt)
            if message.deliveries >= await self.queue.last_delivery():
                await ledger.gave_up(claim, GAVE_UP)
            await self._return(claim, message, BACKOFF_SECONDS * claim.attempt)
            return False
        _log.info("video %s is ready after %.1f s", video, time.monotonic() - started)
        return True

    async def _return(self, claim: Claim, message: Message, seconds: int) -> None:
        await self.seams.ledger.release(claim)
        await self.queue.hide(message, seconds)


class _Heartbeat:
    """Prolongs lease and invisibility. An outage is borne until the lease would have run out."""

    def __init__(self, worker: Worker, claim: Claim, message: Message) -> None:
        self._worker = worker
        self._claim = claim
        self._message = message
        self._last = time.monotonic()

    async def __call__(self) -> None:
        try:
            await self._worker.seams.ledger.renew(self._claim)
            await self._worker.queue.hide(self._message, VISIBLE_AFTER_SECONDS)
        except LostLeaseError:
            raise
        except Exception as error:
            # The clients raise many kinds; what counts is whether the lease still stands.
            if time.monotonic() - self._last > LEASE_SECONDS - HEARTBEAT_SECONDS:
                raise
            _log.warning("a heartbeat failed: %s", error)
        else:
            self._last = time.monotonic()
