"""The steps of losing a region, of its return, and of giving it up, on the installation of this machine.

Owns their order. What is recorded (`regions.writers`) is written before anything relies on it, and each step looks at
what is there before it acts, so a run that was interrupted anywhere is continued by repeating the command. Does not own
what counting does about it (`services.counters.promotion`) nor how a server is promoted (`local.processes.postgres`).
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from local import dataplane, deployment, direct_writes, inventory
from local.installation import Platform, exclusive
from local.platform import start_edges, start_services
from local.processes import kafka, mirror, page, postgres
from local.processes.kafka_install import Installation
from local.processes.postgres import Postgres
from local.sequence import start_wave
from regions import writers
from regions.catalogue import CATALOGUE
from regions.writers import Record, RecordError
from services.common.database import Login
from services.common.kafka import ConnectionArguments, connection_arguments
from services.common.resources import open_resources
from services.contracts.settings import CellSettings, PlatformSettings
from services.counters import promotion

WORKLOAD = "counters"
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command will do, before it does it."""

    record: Record
    """As it will be afterwards."""
    steps: tuple[str, ...]


@dataclass(slots=True)
class Outcome:
    """What a command did."""

    record: Record
    seconds: dict[str, float] = field(default_factory=dict)
    """By step, since the start of the command."""
    pending: dict[str, int] = field(default_factory=dict)
    """Keys that were pending from the lost log and are counted now, by home."""
    lost_writes: list[direct_writes.LostRow] = field(default_factory=list)
    """Direct writes that the promoted database never had."""
    uncounted: int | None = None
    """Partitions of the returned log that are not counted to their end yet; None: not asked."""


def plan_loss(platform: Platform, region: str) -> Plan:
    """What `lose` will do. Raises `RecordError` if it cannot."""
    _ours(platform, region)
    record = writers.lose(platform.record, region)
    steps = [
        f"kill every process of {region}, and start none of them again",
        "record the writers and terms",
    ]
    for home in _promoted(record, region):
        seats = record.seats(home)
        steps.append(
            f"promote the copy of {home}'s database in {seats.writer}; from term {seats.term} on it is the writer"
        )
    partner = CATALOGUE.get(region).partner
    steps += [
        f"count what was pending from the log of {region}",
        f"start the services of {', '.join(_left(platform, record))} with the new settings: their own logs are sought "
        f"where the promoted database says, and {partner} reads the copy of {region}'s log",
        "bring the stacks to what is recorded",
    ]
    return Plan(record, tuple(steps))


def lose(platform: Platform, region: str, *, stacks: bool = True) -> Outcome:
    """The region is away: its partner takes over. Raises what a step raises; then repeat it."""
    with exclusive(platform.home):
        plan = plan_loss(platform, region)
        outcome, clock = Outcome(plan.record), _Clock(platform)
        cells = _cells(platform)
        copies = [_servers(platform, cells[home], plan.record) for home in _promoted(plan.record, region)]
        for copy in copies:
            # While nothing is lost yet: without its copy nobody could take over.
            postgres.check_answers(copy)
        kill_cell(platform, region)
        clock.done(outcome, "killed")
        # From here on nothing but a repetition leads on: `up` would start the region beside what is promoted.
        platform.write_record(plan.record)
        for copy in copies:
            horizon = postgres.promote(copy)
            direct_writes.keep_horizon(platform.home, copy.cell, plan.record.seats(copy.cell).term, horizon)
        clock.done(outcome, "promoted")
        files = _lead(platform, cells)
        settings = _settings(platform, cells)[_left(platform, plan.record)[0]]
        outcome.pending = asyncio.run(_begin(platform, settings, region))
        clock.done(outcome, "recorded")
        start_services(platform, files, _jars(platform))
        clock.done(outcome, "serving")
        start_edges(platform, _now(platform, cells), page.built(report=platform.report))
        if stacks:
            _deploy(platform)
            clock.done(outcome, "stacks")
        return outcome


def plan_return(platform: Platform, region: str) -> Plan:
    """What `bring_back` will do. Raises `RecordError` if it cannot."""
    _ours(platform, region)
    record = platform.record
    if region in record.returning:
        return Plan(record, (_SETTLING.format(region=region),))
    back = writers.bring_back(record, region)
    steps = []
    for home in _rebuilt(record, back, region):
        steps += [
            f"compare the direct writes in the old primary of {home} with the promoted database, and list what is lost",
            f"discard the old primary of {home} and build a new replica of term {back.seats(home).term} in its place",
        ]
    steps.append(f"start {region}: its log is still read by {CATALOGUE.get(region).partner}, from the copy")
    if region in back.returning:
        steps.append(_SETTLING.format(region=region))
    steps.append("bring the stacks to what is recorded")
    return Plan(back, tuple(steps))


_SETTLING = "wait until what was stranded in the log of {region} is counted; then {region} reads its own log again"


def bring_back(platform: Platform, region: str, *, wait: float = 600.0, stacks: bool = True) -> Outcome:
    """The region is back. Returns with ``uncounted`` above 0 if ``wait`` seconds were not enough; then repeat it."""
    with exclusive(platform.home):
        before = platform.record
        plan = plan_return(platform, region)
        outcome, clock = Outcome(plan.record), _Clock(platform)
        cells = _cells(platform)
        if before != plan.record:
            for home in _rebuilt(before, plan.record, region):
                term = plan.record.seats(home).term
                fork = _servers(platform, cells[home], _as_fork(before, home, region))
                outcome.lost_writes += direct_writes.lost(
                    fork, _servers(platform, cells[home], before), direct_writes.horizon(platform.home, home, term)
                )
                clock.done(outcome, f"compared {home}")
            direct_writes.keep_lost(platform.home, region, outcome.lost_writes)
            platform.write_record(plan.record)
        else:
            outcome.lost_writes = direct_writes.kept_lost(platform.home, region)
        files = _lead(platform, cells)
        _start_servers(platform, cells)
        _discard_forks(platform, cells)
        clock.done(outcome, "rebuilt")
        start_services(platform, files, _jars(platform))
        start_edges(platform, _now(platform, cells), page.built(report=platform.report))
        clock.done(outcome, "serving")
        if region in platform.record.returning:
            outcome.uncounted = asyncio.run(_stranded(platform, cells, region, wait))
            if outcome.uncounted:
                return outcome
            clock.done(outcome, "stranded counted")
            platform.write_record(writers.settle(platform.record, region))
            files = _lead(platform, cells)
            start_services(platform, files, _jars(platform))
            asyncio.run(_end(platform, _settings(platform, cells)[region], region))
            clock.done(outcome, "settled")
        outcome.record = platform.record
        if stacks:
            _deploy(platform)
            clock.done(outcome, "stacks")
        return outcome


def plan_surrender(platform: Platform, region: str) -> Plan:
    """What `abandon` will do. Raises `RecordError` if it cannot."""
    _ours(platform, region)
    return Plan(
        writers.give_up(platform.record, region),
        (
            f"record that what is stranded in the log of {region} is given up",
            f"forget where the log of {region} was read: the next one begins at its beginning",
            f"remove the log of {region}",
        ),
    )


@dataclass(frozen=True, slots=True)
class Surrendered:
    """What was given up: for each topic, events after this time may be lost. Milliseconds since 1970."""

    record: Record
    copied_until: Mapping[str, int]


def abandon(platform: Platform, region: str) -> Surrendered:
    """What is stranded in the log of ``region`` will never be counted."""
    with exclusive(platform.home):
        plan = plan_surrender(platform, region)
        cells = _cells(platform)
        partner = CATALOGUE.get(region).partner
        until = asyncio.run(promotion.copied_until(_log(platform, cells[partner]), region))
        platform.write_record(plan.record)
        settings = _settings(platform, cells)[partner]
        asyncio.run(_surrender(platform, settings, region))
        kafka.discard(platform.home, region)
        return Surrendered(plan.record, until)


def kill_cell(platform: Platform, region: str) -> tuple[str, ...]:
    """kill -9 of every process of ``region``; the supervisor is told to leave them. Returns their names.

    They are frozen first, so that none answers, flushes or streams while the others are still being killed.
    """
    supervisor = platform.supervisor
    running = {
        name: state.pid
        for name, state in supervisor.states().items()
        if name.startswith(f"{region}-") and state.pid is not None
    }
    processes = [process for pid in running.values() for process in _family(pid)]
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    for name in running:
        supervisor.halt(name, wait=False)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    end = time.monotonic() + 30
    while any(state.running for name, state in supervisor.states().items() if name in running):
        if time.monotonic() > end:
            break
        time.sleep(0.1)
    platform.report(f"killed {len(running)} processes of {region}")
    return tuple(running)


def _family(pid: int) -> list[psutil.Process]:
    """A process and its children, each of which may lead a group of its own."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


class _Clock:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._started = time.monotonic()

    def done(self, outcome: Outcome, step: str) -> None:
        outcome.seconds[step] = round(time.monotonic() - self._started, 2)
        self._platform.report(f"{step} after {outcome.seconds[step]:.1f} s")


def _ours(platform: Platform, region: str) -> None:
    CATALOGUE.get(region)
    partner = CATALOGUE.get(region).partner
    if region not in platform.ports.cells or partner not in platform.ports.cells:
        raise RecordError(
            f"this installation runs {', '.join(platform.ports.cells)}: {region} can be lost only where it and its "
            f"partner {partner} both run (set CELLS, then `meridian up`)"
        )


def _promoted(record: Record, region: str) -> tuple[str, ...]:
    """Homes whose database was written in ``region`` before it was lost; in ``record``, after."""
    return tuple(
        home
        for home, seats in record.homes.items()
        if region in (home, CATALOGUE.get(home).partner) and seats.writer != region and not seats.replica(region)
    )


def _rebuilt(before: Record, after: Record, region: str) -> tuple[str, ...]:
    return tuple(
        home for home in after.homes if before.seats(home).built_in(region) != after.seats(home).built_in(region)
    )


def _as_fork(record: Record, home: str, region: str) -> Record:
    """The record as it was for ``home`` when ``region`` wrote it: its fork is laid out by it."""
    seats = record.seats(home)
    was = writers.Seats(region, max(seats.term - 1, seats.built_in(region)), seats.built)
    return Record(homes={**record.homes, home: was}, lost=(writers.other_seat(home, region),))


def _left(platform: Platform, record: Record) -> tuple[str, ...]:
    return tuple(cell for cell in platform.ports.cells if cell not in record.lost)


def _cells(platform: Platform) -> dict[str, CellSettings]:
    stored = inventory.stored_settings(platform)
    if not stored:
        raise RecordError("this installation has no settings yet: `meridian up` first")
    return {cell: settings.own for cell, settings in stored.items()}


def _now(platform: Platform, cells: Mapping[str, CellSettings]) -> dict[str, CellSettings]:
    record = platform.record
    return {cell: dataplane.localised(own, platform.ports, record) for cell, own in cells.items()}


def _settings(platform: Platform, cells: Mapping[str, CellSettings]) -> dict[str, PlatformSettings]:
    return dataplane.platform_settings(tuple(_now(platform, cells).values()), platform.record)


def _lead(platform: Platform, cells: Mapping[str, CellSettings]) -> dict[str, Path]:
    """Settings files by today's record."""
    files = dataplane.write_settings(_settings(platform, cells), platform.home)
    dataplane.write_overlay(platform.ports, platform.home, platform.record)
    return files


def _servers(platform: Platform, own: CellSettings, record: Record) -> Postgres:
    known = dataplane.credentials(own, platform.aws, dataplane.operator_password(platform.home))
    return postgres.layout(own.cell, platform.ports, platform.home, known, own.database.name, record)


def _start_servers(platform: Platform, cells: Mapping[str, CellSettings]) -> None:
    broker = kafka.installation(platform.configuration.kafka_home, report=platform.report)
    for order, programs in enumerate(inventory.servers(platform, _now(platform, cells), broker), start=10):
        start_wave(platform.supervisor, programs, order, platform.report)


def _jars(platform: Platform) -> Installation:
    return mirror.installation(platform.configuration.kafka_home, report=platform.report)


def _discard_forks(platform: Platform, cells: Mapping[str, CellSettings]) -> None:
    for own in cells.values():
        record = platform.record
        seats = (own.cell, CATALOGUE.get(own.cell).partner)
        away = any(seat in record.lost for seat in seats)
        for gone in postgres.discard(_servers(platform, own, record), cell_is_lost=away):
            platform.report(f"discarded {own.cell} {gone}")


def _deploy(platform: Platform) -> None:
    deployment.deploy(platform.home, platform.aws, platform.runner(platform.attachment()), platform.report)


def _log(platform: Platform, own: CellSettings) -> ConnectionArguments:
    """The cell's cluster, with all rights."""
    operator = Login(kafka.OPERATOR, dataplane.operator_password(platform.home))
    return connection_arguments(own.kafka, operator, own.region, "meridian-operator")


async def _begin(platform: Platform, settings: PlatformSettings, region: str) -> dict[str, int]:
    os.environ.update(platform.aws.environment(settings.own.region))
    async with open_resources(WORKLOAD, settings) as resources:
        return await promotion.begin(resources.router, region)


async def _end(platform: Platform, settings: PlatformSettings, region: str) -> None:
    os.environ.update(platform.aws.environment(settings.own.region))
    async with open_resources(WORKLOAD, settings) as resources:
        await promotion.end(resources.router, region)


async def _surrender(platform: Platform, settings: PlatformSettings, region: str) -> None:
    os.environ.update(platform.aws.environment(settings.own.region))
    async with open_resources(WORKLOAD, settings) as resources:
        await promotion.surrender(resources.router, region)


async def _stranded(platform: Platform, cells: Mapping[str, CellSettings], region: str, wait: float) -> int:
    settings = _settings(platform, cells)[region]
    os.environ.update(platform.aws.environment(settings.own.region))
    last = await promotion.ends(_log(platform, settings.own))
    end = time.monotonic() + wait
    async with open_resources(WORKLOAD, settings) as resources:
        while True:
            left = await promotion.uncounted(resources.router, region, last)
            if not left or time.monotonic() > end:
                return left
            platform.report(f"{left} of {len(last)} partitions of {region}'s log are not counted to their end yet")
            await asyncio.sleep(POLL_SECONDS)
