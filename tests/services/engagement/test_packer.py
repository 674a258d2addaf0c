"""The packer: dense stamps whatever fails, nothing acknowledged that is not in the log, bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.contracts import events, topics
from services.contracts.events import Viewed
from services.engagement import event_ids
from services.engagement.packer import (
    INCARNATION_SECONDS,
    AppendError,
    NotAcknowledgedError,
    OverloadedError,
    Packer,
    Receipt,
    StampedRecord,
)

LIKES, VIEWS = topics.LIKES.name, topics.VIEWS.name


@dataclass
class Broker:
    """What a cluster would hold. ``script`` says for each batch: taken, lost, or taken with the answer lost."""

    script: list[str] = field(default_factory=list)
    records: list[tuple[str, int, StampedRecord]] = field(default_factory=list)
    connections: int = 0
    closed: int = 0
    gate: asyncio.Event | None = None

    async def connect(self) -> Connection:
        self.connections += 1
        return Connection(self)

    def stamps(self) -> dict[tuple[str, int, UUID], list[int]]:
        found: dict[tuple[str, int, UUID], list[int]] = {}
        for topic, partition, record in self.records:
            stamp = events.decode_stamp(record.stamp)
            found.setdefault((topic, partition, stamp.incarnation), []).append(stamp.sequence)
        return found

    def ids(self) -> list[bytes]:
        return [
            event.id
            for _, _, record in self.records
            for event in events.decode_pack(VIEWS, events.SCHEMA, record.body).events
        ]


@dataclass
class Connection:
    broker: Broker

    async def append(self, topic: str, partition: int, records: Sequence[StampedRecord]) -> None:
        fate = self.broker.script.pop(0) if self.broker.script else "taken"
        if self.broker.gate is not None:
            await self.broker.gate.wait()
        await asyncio.sleep(0)
        if fate != "lost":
            self.broker.records += [(topic, partition, record) for record in records]
        if fate != "taken":
            raise AppendError(fate)

    async def close(self) -> None:
        self.broker.closed += 1


def _views(count: int) -> list[Viewed]:
    return [Viewed(id=event_ids.make(), at_ms=1, video=7, viewer=bytes(16)) for _ in range(count)]


def _encoded(count: int) -> list[bytes]:
    return [events.encode_event(event) for event in _views(count)]


async def test_events_submitted_together_travel_in_one_record_in_order() -> None:
    broker = Broker()
    packer = Packer("mumbai", broker.connect)
    sent = _views(30)
    receipts = await asyncio.gather(*(packer.submit(LIKES, 3, [events.encode_event(event)]) for event in sent))
    assert broker.ids() == [event.id for event in sent]
    assert list(broker.stamps().values()) == [[1]]
    assert {receipt.sequence for receipt in receipts} == {1}
    assert packer.pending == 0


async def test_a_record_holds_a_hundred_events_and_the_next_one_the_rest() -> None:
    broker = Broker()
    receipt = await Packer("mumbai", broker.connect).submit(VIEWS, 0, _encoded(250))
    assert [len(events.decode_pack(VIEWS, 1, record.body).events) for _, _, record in broker.records] == [100, 100, 50]
    assert receipt.sequence == 3


@pytest.mark.parametrize("counts", [(1500, 1000, 5), (4000,), (1, 1600, 99, 100)])
async def test_a_receipt_names_the_record_of_the_last_event_however_many_batches_the_events_take(
    counts: tuple[int, ...],
) -> None:
    broker = Broker()
    packer = Packer("mumbai", broker.connect)
    sent = [_views(count) for count in counts]
    receipts = await asyncio.gather(
        *(packer.submit(VIEWS, 3, [events.encode_event(event) for event in group]) for group in sent)
    )
    assert broker.ids() == [event.id for group in sent for event in group]
    assert packer.pending == 0
    for group, receipt in zip(sent, receipts, strict=True):
        body = broker.records[receipt.sequence - 1][2].body
        assert group[-1].id in {event.id for event in events.decode_pack(VIEWS, events.SCHEMA, body).events}


async def test_a_group_whose_first_part_failed_is_not_acknowledged_by_its_second() -> None:
    broker = Broker(["lost", "taken"])
    packer = Packer("mumbai", broker.connect)
    with pytest.raises(NotAcknowledgedError):
        await packer.submit(VIEWS, 3, _encoded(2000))
    await packer.close()
    assert packer.pending == 0
    assert sorted(broker.stamps().values()) == [[1, 2, 3, 4]], "what was left goes out under a new incarnation"


async def test_a_final_error_ends_the_incarnation_and_the_next_record_begins_a_new_one() -> None:
    broker = Broker(script=["taken", "unknown"])
    packer = Packer("mumbai", broker.connect)
    await packer.submit(LIKES, 0, _encoded(1))
    with pytest.raises(NotAcknowledgedError):
        await packer.submit(LIKES, 0, _encoded(1))
    await packer.submit(LIKES, 0, _encoded(1))
    assert list(broker.stamps().values()) == [[1, 2], [1]]
    assert (broker.connections, broker.closed) == (2, 1)


async def test_more_events_than_may_wait_are_refused_at_once() -> None:
    broker = Broker(gate=asyncio.Event())
    packer = Packer("mumbai", broker.connect, max_pending=10)
    waiting = asyncio.create_task(packer.submit(LIKES, 0, _encoded(8)))
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError):
        await packer.submit(LIKES, 1, _encoded(3))
    assert broker.gate is not None
    broker.gate.set()
    await waiting
    await packer.submit(LIKES, 1, _encoded(3))


async def test_a_caller_that_goes_away_takes_nothing_back() -> None:
    broker = Broker(gate=asyncio.Event())
    packer = Packer("mumbai", broker.connect)
    caller = asyncio.create_task(packer.submit(LIKES, 0, _encoded(1)))
    await asyncio.sleep(0.1)
    caller.cancel()
    assert broker.gate is not None
    broker.gate.set()
    await packer.submit(LIKES, 0, _encoded(1))
    assert list(broker.stamps().values()) == [[1, 2]]


async def test_closing_sends_what_waits_and_refuses_what_comes() -> None:
    broker = Broker()
    packer = Packer("mumbai", broker.connect)
    waiting = asyncio.create_task(packer.submit(VIEWS, 0, _encoded(1)))
    await asyncio.sleep(0)
    await packer.close()
    assert (await waiting).sequence == 1
    with pytest.raises(OverloadedError):
        await packer.submit(VIEWS, 0, _encoded(1))


_FATES = st.lists(st.sampled_from(["taken", "taken", "taken", "lost", "unknown"]), max_size=12)
_SENDS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 130), st.booleans()), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(script=_FATES, sends=_SENDS)
async def test_whatever_fails_stamps_stay_dense_and_what_is_acknowledged_is_in_the_log_once(
    script: list[str], sends: list[tuple[int, int, bool]]
) -> None:
    broker = Broker(script=list(script))
    now = [0.0]
    packer = Packer("mumbai", broker.connect, clock=lambda: now[0])
    tasks: list[tuple[list[bytes], asyncio.Task[Receipt]]] = []
    for partition, count, pause in sends:
        sent = _views(count)
        encoded = [events.encode_event(event) for event in sent]
        tasks.append(([event.id for event in sent], asyncio.create_task(packer.submit(LIKES, partition, encoded))))
        if pause:
            await asyncio.sleep(0.001)
            now[0] += INCARNATION_SECONDS / 2
    results = await asyncio.gather(*(task for _, task in tasks), return_exceptions=True)
    await packer.close()
    logged = broker.ids()
    assert len(logged) == len(set(logged))
    for (sent_ids, _), result in zip(tasks, results, strict=True):
        if isinstance(result, Receipt):
            assert set(sent_ids) <= set(logged)
        else:
            assert isinstance(result, NotAcknowledgedError)
    for sequences in broker.stamps().values():
        assert sequences == list(range(1, len(sequences) + 1))
    assert packer.pending == 0


async def test_an_incarnation_gives_way_to_a_new_one_after_a_day_without_a_hole() -> None:
    broker, now = Broker(), [0.0]
    packer = Packer("mumbai", broker.connect, clock=lambda: now[0])
    for _ in range(5):
        await packer.submit(LIKES, 0, [events.encode_event(event) for event in _views(1)])
        now[0] += INCARNATION_SECONDS / 2
    await packer.close()
    assert sorted(broker.stamps().values()) == [[1], [1, 2], [1, 2]]
    assert broker.connections == broker.closed == 3
