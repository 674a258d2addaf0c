"""``meridian recount``: whether the counts are what the log says. Owns the display; comparing is `services.counters.audit`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from ops.commands import common, stores
from regions.catalogue import CATALOGUE
from services.common import ids
from services.common.resources import Resources, open_resources
from services.contracts.settings import PlatformSettings
from services.contracts.topics import PARTITIONS_PER_HOME, partition_base, partition_of
from services.counters import reading
from services.counters.audit import Log, RecountError, audit, keep
from services.counters.counting import COUNTED, belongs, homes
from services.counters.kinds import BY_TOPIC
from services.counters.recount import Drift
from services.counters.window import Partition


@dataclass(frozen=True, slots=True)
class Result:
    """Over all partitions that were asked for."""

    partitions: int
    events: int
    drifts: tuple[Drift, ...]
    behind: int = 0
    """Partitions that are still read again after the return of their region."""
    away: tuple[str, ...] = ()
    """Cells whose logs were not compared: they are lost or returning."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("recount")(recount)


def recount(
    video: Annotated[str | None, typer.Argument(metavar="VIDEO", help="Id of a video or a channel.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every partition of every topic and home.")] = False,
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Let the next recount of what shows no drift start here.")
    ] = False,
    files: stores.Files = None,
    json: common.Json = False,
) -> None:
    """Rebuild counts from the last checkpoint and the retained log of every running cell, and compare.

    Ends with code 1 if anything differs, or if a log no longer reaches back to its checkpoint. The log of a region that
    is away is not compared, and is named. Changes nothing but
    checkpoints, and those only if it is told to; it may run while events are counted.

    Examples:

        meridian recount 0A1B2C3D4E5F6

        meridian recount --all --checkpoint --json
    """
    if (video is None) is not everything:
        raise typer.BadParameter("name one video, or say --all")
    subject = None if video is None else _subject(video)
    result = stores.run(_recount(stores.settings(files), subject, checkpoint))
    if json:
        common.print_json(
            {
                "partitions": result.partitions,
                "events": result.events,
                "behind": result.behind,
                "away": list(result.away),
                "drift": [
                    {
                        "cluster": drift.partition.cluster,
                        "topic": drift.partition.topic,
                        "partition": drift.partition.number,
                        "what": drift.what,
                        "stored": drift.stored,
                        "log": drift.rebuilt,
                    }
                    for drift in result.drifts
                ],
            }
        )
    else:
        common.print_table(
            ("LOG", "WHAT", "STORED", "BY THE LOG"),
            [
                (f"{d.partition.cluster}/{d.partition.topic}/{d.partition.number}", d.what, d.stored, d.rebuilt)
                for d in result.drifts
            ],
        )
        print(
            f"{result.partitions} partitions, {result.events} events since their checkpoints, "
            f"drift {len(result.drifts)}"
        )
        for cell in result.away:
            print(f"not compared: the log of {cell}, which is lost or returning; repeat this when it is back")
        if result.behind:
            print(
                f"not compared: {result.behind} partitions that are read again after a return; repeat this in a minute"
            )
    if result.drifts:
        raise typer.Exit(1)


def _subject(video: str) -> int:
    try:
        return ids.parse(video)
    except ids.IdError as error:
        raise typer.BadParameter(f"{video!r} is no id: {error}") from error


async def _recount(settings: Mapping[str, PlatformSettings], subject: int | None, checkpoint: bool) -> Result:
    partitions, events, drifts, behind = 0, 0, list[Drift](), 0
    away = tuple(sorted(cell for cell, own in settings.items() if cell in own.copied))
    for cell, own in settings.items():
        if cell in away:
            continue
        async with open_resources(stores.WORKLOAD, own) as resources:
            for home in homes(resources.router.shards):
                numbers = _numbers(resources, home, subject)
                for topic in COUNTED if numbers else ():
                    done = await _one(resources, cell, home, topic, numbers, subject, checkpoint)
                    partitions += done.partitions
                    events += done.events
                    drifts += done.drifts
                    behind += done.behind
    return Result(partitions, events, tuple(drifts), behind, away)


def _numbers(resources: Resources, home: str, subject: int | None) -> Collection[int]:
    index = CATALOGUE.get(home).home_number
    if subject is None:
        return range(partition_base(index), partition_base(index) + PARTITIONS_PER_HOME)
    number = partition_of(index, subject)
    return (number,) if belongs(resources.router.shards, home, subject, number) else ()


async def _one(
    resources: Resources,
    cell: str,
    home: str,
    topic: str,
    numbers: Collection[int],
    subject: int | None,
    checkpoint: bool,
) -> Result:
    router, log = resources.router, Log(cell, resources.kafka)
    async with router.home_writer(home) as connection:
        # Asked for before the log is read: whatever has a count now has its events in what is read then.
        counted = await reading.subjects_of(connection, topic, cell) if subject is None else set[int]()
    events, drifts, behind = 0, list[Drift](), set[int]()
    known: set[int] = set()
    for number in numbers:
        partition = Partition(cell, topic, number)
        bound = partial(_belongs, resources, home, number)
        try:
            outcome = await audit(router, log, home, partition, bound, None if subject is None else (subject,))
        except KafkaError as error:
            raise RecountError(f"the log of {cell} does not answer: {error!r}") from error
        events += outcome.events
        drifts += outcome.drifts
        known |= outcome.subjects
        if outcome.behind:
            behind.add(number)
        if checkpoint and outcome.checkpoint is not None:
            async with router.home_writer(home) as connection:
                await keep(connection, partition, outcome.checkpoint)
    if subject is None and BY_TOPIC[topic].states is None:
        drifts += [
            Drift(
                Partition(cell, topic, partition_of(CATALOGUE.get(home).home_number, stranger)),
                f"counts of {stranger} in {cell}",
                "some",
                "no event",
            )
            for stranger in sorted(counted - known)
            if partition_of(CATALOGUE.get(home).home_number, stranger) not in behind
        ]
    return Result(len(numbers), events, tuple(drifts), len(behind))


def _belongs(resources: Resources, home: str, number: int, subject: int) -> bool:
    return belongs(resources.router.shards, home, subject, number)
