"""How much a flush policy writes at the headline load: rows, transactions and WAL bytes for a million events. Pure.

Method. Events of a video are a Poisson process whose rate is the topic's load, times the region's part of all visitors,
times the video's popularity (Zipf's law over the catalogue). Videos are independent of each other given when windows
close, so a sample of ranks stands for all: every rank up to `EXACT`, then ranks spaced evenly in the logarithm, each
with the number of ranks that it stands for. In each region the windows of one process and home are closed when
``services.counters.policy.due`` says so of the load that is expected then; which keys are written and which wait is the
rule of ``policy.split``, for all sampled keys at once. A key is a row of one region: four regions make four rows of a
video. Everything that a flush writes is counted: rows of counts and states, positions, marks, the part of what is pending
that it stores and the one that it deletes, the outbox row. Bytes of WAL are measured on a real server (``wal``) and multiplied here; images of whole pages after a
checkpoint are left out on both sides of the comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regions import rates
from regions.buckets import SHARD_MAP
from regions.capacity import plan
from regions.catalogue import CATALOGUE
from regions.figures import Figure, assumed
from regions.loads import HEADLINE, visitors
from services.contracts.demand import CONTRACT
from services.contracts.events import PACK_EVENTS
from services.contracts.topics import COMMENTS, LIKES, PARTITIONS_PER_HOME, SUBSCRIPTIONS, VIEWS
from services.counters import policy
from services.counters.counting import homes
from services.counters.kinds import BY_TOPIC
from services.counters.pending import Pending
from services.counters.policy import Load
from services.counters.window import CountKey, Sums

EXACT = 2_000
SAMPLED = 6_000
WARM_SECONDS = 1_000.0
"""Longer than a key may wait: then what is pending has settled."""
MEASURED_SECONDS = 1_000.0
FIXED_SECONDS = policy.MAX_SECONDS

BEACON_EVENTS = HEADLINE.events / HEADLINE.beacon_rps
PER_VIEW: Mapping[str, Figure] = {
    LIKES.name: assumed(0.04, "a view", "one viewer in 25 reacts"),
    SUBSCRIPTIONS.name: assumed(0.01, "a view", "one in a hundred follows the channel"),
    COMMENTS.name: assumed(0.005, "a view", "one in two hundred comments"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """One region at the headline load."""

    region: str
    visitors: float
    """Part of all visitors, 0 to 1."""
    producers: int
    """Processes of engagement that write to its log."""
    consumers: int
    """Processes of counters that share its partitions."""
    homes: int

    @property
    def units(self) -> int:
        """Windows of a topic that are flushed for themselves: one per process and home."""
        return self.consumers * self.homes

    def fill(self, events: float) -> float:
        """Events in a record of views, mean, when the platform takes ``events`` a second: those of the request that opens
        the record, and those that come to its partition while it lingers."""
        lane = events * self.visitors / self.producers / (PARTITIONS_PER_HOME * self.homes)
        return min(float(PACK_EVENTS), BEACON_EVENTS + lane * VIEWS.linger_ms / 1_000)


def places() -> tuple[Place, ...]:
    """Every region, with the processes that its plan starts with."""
    found = []
    for name in CATALOGUE.names:
        replicas = plan(name, CONTRACT).sizes.replicas
        found.append(
            Place(
                name,
                visitors(name),
                replicas["engagement"].least,
                replicas["counters"].least,
                len(homes(SHARD_MAP)),
            )
        )
    return tuple(found)


def headline_fill() -> float:
    """Events in a record of views at the headline load, over all regions by their events."""
    return sum(place.visitors * place.fill(HEADLINE.events) for place in places())


def load_of(topic: str) -> float:
    """Events a second of ``topic`` on the whole platform."""
    if topic == VIEWS.name:
        return HEADLINE.events
    return HEADLINE.viewers * rates.VIEWS.value * PER_VIEW[topic].value


@dataclass(frozen=True, slots=True)
class Sample:
    """Ranks that stand for a catalogue."""

    chance: NDArray[np.float64]
    """That an event is of the rank's video."""
    stands_for: NDArray[np.float64]
    """How many ranks, itself included."""


def sample(catalogue: int, skew: float) -> Sample:
    """Ranks of a catalogue of ``catalogue`` videos with Zipf's exponent ``skew``; the parts of all sum to 1."""
    exact = np.arange(1, min(EXACT, catalogue) + 1, dtype=np.float64)
    if catalogue <= EXACT:
        chance = exact**-skew
        return Sample(chance / chance.sum(), np.ones_like(exact))
    edges = np.unique(np.round(np.geomspace(EXACT + 1, catalogue + 1, SAMPLED)))
    low, high = edges[:-1], edges[1:]
    # The middle of each step by the integral of the law, so that the weights of all ranks are kept.
    width = high - low
    total = np.log(high / low) if skew == 1 else (high ** (1 - skew) - low ** (1 - skew)) / (1 - skew)
    chance = np.concatenate([exact**-skew, total / width])
    stands_for = np.concatenate([np.ones_like(exact), width])
    return Sample(chance / float(chance @ stands_for), stands_for)


@dataclass(frozen=True, slots=True)
class Wal:
    """Bytes of WAL, measured on a real server without images of whole pages."""

    flush: float
    """A transaction with its outbox row, its position and nothing else."""
    count_row: float
    state_row: float
    mark: float
    position: float
    pending_byte: float
    """For a byte of a pending body."""
    single: float
    """A transaction that adds one event to one row: what the platform does not do."""


@dataclass(frozen=True, slots=True)
class Written:
    """For a million events."""

    rows: float
    transactions: float
    wal: float
    """Bytes."""
    count_rows: float
    """Of ``rows``."""
    pending_bytes: float
    """Bytes of the parts of what is pending that were written."""
    window: float
    """Seconds that a window stays open, mean over regions."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is simulated."""

    topic: str
    catalogue: int
    skew: float
    adaptive: bool
    load: float
    """Events a second of the topic on the whole platform."""


@dataclass(slots=True)
class _Totals:
    count_rows: float = 0.0
    flushes: float = 0.0
    added_keys: float = 0.0
    """Keys that a flush adds to what is pending, over all flushes."""
    gone_keys: float = 0.0
    """Keys that it takes out."""
    events: float = 0.0


def part_bytes() -> tuple[float, float]:
    """Bytes in a part of what is pending: of a key that is added, and of one that is taken out, as they are encoded."""
    keys = [CountKey(2**60 + number, "frankfurt") for number in range(1_000)]
    waits = Pending()
    added = waits.change({key: Sums(n % 3, n % 50 * 10_000, 20) for n, key in enumerate(keys)}, (), 1_780_000_000_000)
    assert added is not None
    assert added.body is not None
    waits.apply(added)
    gone = waits.change({}, keys[1:], 1_780_000_000_000)
    assert gone is not None
    assert gone.body is not None
    return len(added.body) / len(keys), len(gone.body) / len(keys)


def simulate(case: Case, wal: Wal, seed: int = 1, over: tuple[Place, ...] | None = None) -> Written:
    """Rows, transactions and WAL bytes for a million events of ``case``."""
    chosen = sample(case.catalogue, case.skew)
    random = np.random.default_rng(seed)
    added_bytes, gone_bytes = part_bytes()
    states = BY_TOPIC[case.topic].states is not None
    rows = transactions = bytes_ = count_rows = pending_bytes = events = window = 0.0
    for place in over or places():
        rate = case.load * place.visitors
        per_key = rate * chosen.chance
        if states:
            totals, opened = _states(per_key, chosen, place, rate, adaptive=case.adaptive)
        else:
            totals, opened = _views(per_key, chosen, place, rate, random, adaptive=case.adaptive)
        # All units of the region, over the same time.
        flushes = totals.flushes * place.units
        partitions = PARTITIONS_PER_HOME / place.consumers
        lane = rate / place.producers / (PARTITIONS_PER_HOME * place.homes)
        marks = place.producers * partitions * (1 - np.exp(-lane * opened))
        moved = partitions * (1 - np.exp(-lane * place.producers * opened))
        state_rows = totals.events if states else 0.0
        bodies = totals.added_keys * added_bytes + totals.gone_keys * gone_bytes
        # A flush stores a part for each partition, and deletes one in the steady state.
        pending_rows = 2 * flushes * partitions if totals.added_keys else 0.0
        rows += totals.count_rows + state_rows + flushes * (marks + moved + 1) + pending_rows
        transactions += flushes
        bytes_ += (
            flushes * (wal.flush + marks * wal.mark + moved * wal.position)
            + totals.count_rows * wal.count_row
            + state_rows * wal.state_row
            + bodies * wal.pending_byte
        )
        count_rows += totals.count_rows
        pending_bytes += bodies
        events += totals.events
        window += opened * place.visitors
    scale = 1e6 / events
    return Written(
        float(rows * scale),
        float(transactions * scale),
        float(bytes_ * scale),
        float(count_rows * scale),
        float(pending_bytes * scale),
        float(window),
    )


def interval(per_key: NDArray[np.float64], chosen: Sample, units: int, rate: float, pending: float) -> float:
    """Seconds after which a window of one of ``units`` is due; ``pending`` keys wait in it."""
    for tenth in range(1, int(policy.MAX_SECONDS * 10) + 1):
        age = tenth / 10
        fresh = float((1 - np.exp(-per_key * age)) @ chosen.stands_for) / units
        if policy.due(Load(int(rate / units * age), int(fresh + pending), dirty=True, fresh=int(fresh)), age):
            return age
    return policy.MAX_SECONDS


def _views(
    per_key: NDArray[np.float64],
    chosen: Sample,
    place: Place,
    rate: float,
    random: np.random.Generator,
    *,
    adaptive: bool,
) -> tuple[_Totals, float]:
    waiting = np.zeros(len(per_key))
    since = np.zeros(len(per_key))
    totals = _Totals()
    now = counted = 0.0
    opened = interval(per_key, chosen, place.units, rate, 0.0) if adaptive else FIXED_SECONDS
    while now < WARM_SECONDS + MEASURED_SECONDS:
        now += opened
        came = random.poisson(per_key * opened)
        waited = waiting > 0
        written = ripe(waiting, since, came, now * 1_000, everything=not adaptive)
        if now > WARM_SECONDS:
            counted += opened
            totals.flushes += 1
            totals.count_rows += float(written @ chosen.stands_for)
            totals.added_keys += float(((came > 0) & ~written) @ chosen.stands_for)
            totals.gone_keys += float((waited & written) @ chosen.stands_for)
    totals.events = rate * counted
    return totals, opened


def ripe(
    waiting: NDArray[np.float64],
    since: NDArray[np.float64],
    came: NDArray[np.int64],
    now_ms: float,
    *,
    everything: bool = False,
) -> NDArray[np.bool_]:
    """Which keys get a row in a flush, by the rule of ``policy.split``. Changes ``waiting`` (events) and ``since``."""
    fresh = (waiting == 0) & (came > 0)
    since[fresh] = now_ms
    waiting += came
    there = waiting > 0
    written = there & (everything | (waiting >= policy.HOT) | (now_ms - since >= policy.MAX_WAIT_MS))
    waiting[written] = 0
    return np.asarray(written)


def _states(
    per_key: NDArray[np.float64], chosen: Sample, place: Place, rate: float, *, adaptive: bool
) -> tuple[_Totals, float]:
    """Each event is a state of its own user, so only the rows of counts are shared; nothing waits."""
    unit = rate / place.units
    opened = FIXED_SECONDS
    if adaptive:
        opened = next(
            (
                tenth / 10
                for tenth in range(1, int(policy.MAX_SECONDS * 10) + 1)
                if policy.due(Load(int(unit * tenth / 10), int(unit * tenth / 10), dirty=True), tenth / 10)
            ),
            policy.MAX_SECONDS,
        )
    flushes = MEASURED_SECONDS / opened
    distinct = float((1 - np.exp(-per_key * opened)) @ chosen.stands_for)
    return _Totals(distinct * flushes, flushes, events=rate * MEASURED_SECONDS), opened
