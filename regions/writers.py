"""Who writes what is data: the recorded promotions, as ``writers.json`` has them, and what may follow each.

Owns the record's form and its changes, all of them pure: a loss, a return, the end of a return, a surrender. Does not
own which buckets there are (``buckets``) nor how a step is carried out (``local.regions``).

A database is called after its home. It has two *seats*: the home's own region, and its partner's. A seat's instance was
built in some term of the writer; the seat that is not the writer holds a replica if it was built in the present term,
and else a fork that a promotion left behind, which is never written again and never becomes a replica again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from regions.catalogue import CATALOGUE, Catalogue
from regions.errors import CatalogueError

FILE = Path(__file__).with_name("writers.json")
FILE_ENV = "MERIDIAN_WRITERS"
"""Names a file in place of the committed one: the record of an installation on this machine."""
_KEYS = frozenset({"version", "homes", "lost", "returning", "given_up"})


class RecordError(CatalogueError):
    """The record does not allow a step, or is malformed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Seats:
    """Where the database of one home is."""

    writer: str
    term: int = 1
    built: Mapping[str, int] = field(default_factory=dict)
    """Term in which the instance in a region was built; 1 where none is named."""

    def built_in(self, region: str) -> int:
        """Term of the instance in ``region``."""
        return self.built.get(region, 1)

    def replica(self, region: str) -> bool:
        """Whether the instance in ``region``, which has a seat, follows the writer."""
        return region != self.writer and self.built_in(region) == self.term


@dataclass(frozen=True, slots=True)
class Record:
    """All that was recorded. A home that is not in it was never promoted."""

    version: int = 1
    homes: Mapping[str, Seats] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    """Regions that are away."""
    returning: tuple[str, ...] = ()
    """Regions that are back and whose log is still read from its copy, until what was stranded in it is counted."""
    given_up: tuple[str, ...] = ()
    """Lost regions whose stranded events were given up: their logs are never read again."""

    def seats(self, home: str) -> Seats:
        """Where the database of ``home`` is."""
        return self.homes.get(home) or Seats(home)

    @property
    def copied(self) -> tuple[str, ...]:
        """Cells whose log is read from its copy, by their partner, and not by themselves."""
        return tuple(sorted({*self.lost, *self.returning}))


def lose(record: Record, region: str, catalogue: Catalogue = CATALOGUE) -> Record:
    """``region`` is away: each database that it wrote is written by its other seat, in the next term.

    Unchanged if that is recorded already. Raises `RecordError` if another seat holds no copy.
    """
    catalogue.get(region)
    if region in record.lost:
        return record
    if region in record.returning:
        raise RecordError(
            f"{region} is still returning: wait until its log is counted (`meridian region return {region}`)"
        )
    homes = dict(record.homes)
    for home in catalogue.names:
        seats = record.seats(home)
        if seats.writer != region:
            continue
        other = other_seat(home, region, catalogue)
        if other in record.lost or not seats.replica(other):
            why = "is away too" if other in record.lost else "holds a fork and no replica"
            raise RecordError(
                f"the database of {home} is written in {region} and its other seat {other} {why}: nothing can be "
                f"promoted. Return {other} first (`meridian region return {other}`), or restore a backup"
            )
        homes[home] = replace(seats, writer=other, term=seats.term + 1)
    return replace(record, version=record.version + 1, homes=homes, lost=tuple(sorted({*record.lost, region})))


def bring_back(record: Record, region: str, catalogue: Catalogue = CATALOGUE) -> Record:
    """``region`` is back: each fork that stands there is replaced by a new replica of the present term.

    Unchanged if that is recorded already. Raises `RecordError` if the region was not lost.
    """
    catalogue.get(region)
    if region in record.returning:
        return record
    if region not in record.lost:
        raise RecordError(f"{region} is not recorded as lost, so it cannot return")
    homes = dict(record.homes)
    for home in catalogue.names:
        seats = record.seats(home)
        if region in (home, catalogue.get(home).partner) and seats.writer != region and not seats.replica(region):
            homes[home] = replace(seats, built={**seats.built, region: seats.term})
    given_up = region in record.given_up
    return replace(
        record,
        version=record.version + 1,
        homes=homes,
        lost=tuple(name for name in record.lost if name != region),
        # What a region that was given up brings back is an empty log: nothing is stranded in it.
        returning=record.returning if given_up else tuple(sorted({*record.returning, region})),
        given_up=tuple(name for name in record.given_up if name != region),
    )


def settle(record: Record, region: str) -> Record:
    """What was stranded in the log of ``region`` is counted: its own cell reads it again. Unchanged if it does."""
    if region not in record.returning:
        return record
    return replace(
        record, version=record.version + 1, returning=tuple(name for name in record.returning if name != region)
    )


def give_up(record: Record, region: str, catalogue: Catalogue = CATALOGUE) -> Record:
    """What is stranded in the log of the lost ``region`` will never be counted. Unchanged if that is recorded.

    Raises `RecordError` unless the region is lost.
    """
    catalogue.get(region)
    if region not in record.lost:
        raise RecordError(f"{region} is not recorded as lost: only what is away can be given up")
    if region in record.given_up:
        return record
    return replace(record, version=record.version + 1, given_up=tuple(sorted({*record.given_up, region})))


def other_seat(home: str, seat: str, catalogue: Catalogue = CATALOGUE) -> str:
    """The seat of the database of ``home`` that is not ``seat``."""
    return catalogue.get(home).partner if seat == home else home


def dumps(record: Record) -> str:
    """The record as its file has it."""
    return (
        json.dumps(
            {
                "version": record.version,
                "homes": {
                    home: {"writer": seats.writer, "term": seats.term, "built": dict(sorted(seats.built.items()))}
                    for home, seats in sorted(record.homes.items())
                },
                "lost": list(record.lost),
                "returning": list(record.returning),
                "given_up": list(record.given_up),
            },
            indent=1,
        )
        + "\n"
    )


def loads(text: str, where: str, catalogue: Catalogue = CATALOGUE) -> Record:
    """The inverse. Raises `RecordError` that names ``where`` and what is wrong."""
    try:
        content = json.loads(text)
        if not isinstance(content, dict) or set(content) != _KEYS:
            raise ValueError(f"its keys must be {', '.join(sorted(_KEYS))}")
        record = Record(
            version=int(content["version"]),
            homes=MappingProxyType(
                {
                    str(home): Seats(str(entry["writer"]), int(entry["term"]), dict(entry["built"]))
                    for home, entry in content["homes"].items()
                }
            ),
            lost=tuple(map(str, content["lost"])),
            returning=tuple(map(str, content["returning"])),
            given_up=tuple(map(str, content["given_up"])),
        )
        _check(record, catalogue)
    except (ValueError, KeyError, TypeError, AttributeError, CatalogueError) as error:
        raise RecordError(f"{where} is no record of writers: {error}. Restore it from its history.") from error
    return record


def _check(record: Record, catalogue: Catalogue) -> None:
    for name in (*record.lost, *record.returning, *record.given_up):
        catalogue.get(name)
    for home, seats in record.homes.items():
        places = (home, catalogue.get(home).partner)
        if seats.writer not in places:
            raise ValueError(f"the database of {home} cannot be written in {seats.writer}; its seats: {places}")
        if seats.term < 1:
            raise ValueError(f"the term of {home} is {seats.term}; terms begin at 1")
        for region, built in seats.built.items():
            if region not in places or not 1 <= built <= seats.term:
                raise ValueError(f"{home}: an instance in {region} of term {built} cannot be; the term is {seats.term}")


def load(path: Path | None = None) -> Record:
    """The record in ``path``, or in the file that the environment names, or the committed one."""
    file = path or Path(os.environ.get(FILE_ENV) or FILE)
    try:
        return loads(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise RecordError(f"the record of writers {file} cannot be read: {error.strerror}") from error


RECORD = load()
"""The record that holds for this process."""
