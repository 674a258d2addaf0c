"""Buckets: which cell is the single writer of which of the 960 logical buckets, and since which term.

Owns the bucket count, the shard map and its version. Does not own how an id carries its bucket
(``services/common/ids``), the recorded promotions (``writers``) nor where a cell's database is (the cell's settings).
960 has 28 divisors, so it deals evenly among most numbers of cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from regions.catalogue import CATALOGUE, Catalogue
from regions.errors import CatalogueError, refusal
from regions.writers import RECORD, Record

BUCKETS = 960
FILE = "regions/buckets.py"


@dataclass(frozen=True, slots=True)
class BucketRange:
    """Buckets ``start`` to ``stop`` (exclusive): their home cell, and who writes them since ``term``."""

    start: int
    stop: int
    home: str
    """The cell to which the buckets belong; topics are grouped by it."""
    writer: str
    """The cell whose database takes the writes: the home, or its partner after a promotion."""
    term: int = 1
    """Grows by one with each recorded promotion; every write checks it."""

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Role and region of whoever has to do with the range."""
        return (("home", self.home), ("writer", self.writer))


@dataclass(frozen=True, slots=True)
class ShardMap:
    """All buckets, each in exactly one range. Ranges are sorted and gapless."""

    version: int
    ranges: tuple[BucketRange, ...]

    def __post_init__(self) -> None:
        expected = 0
        for part in self.ranges:
            if part.start != expected:
                first, last = sorted((expected, part.start))
                raise CatalogueError(
                    _told(
                        f"buckets {first}..{last - 1}, where the range {part.start}..{part.stop} of {part.home} begins, "
                        f"are owned by nobody or twice; ranges must be sorted and follow each other from 0 to {BUCKETS}"
                    )
                )
            if part.stop <= part.start:
                told = f"range {part.start}..{part.stop} of {part.home} is empty or reversed; let stop be after start"
                raise CatalogueError(_told(told))
            expected = part.stop
        if expected != BUCKETS:
            last_home = self.ranges[-1].home if self.ranges else "nobody"
            raise CatalogueError(
                _told(
                    f"the last range, of {last_home}, ends at {expected}, must end at {BUCKETS}; "
                    "give the rest to a region"
                )
            )

    def range_of(self, bucket: int) -> BucketRange:
        """The range that holds ``bucket``. Raises `CatalogueError` outside 0..959."""
        for part in self.ranges:
            if part.start <= bucket < part.stop:
                return part
        raise CatalogueError(f"bucket {bucket} does not exist; buckets are 0..{BUCKETS - 1}")

    def home_of(self, bucket: int) -> str:
        """Name of the home cell of ``bucket``."""
        return self.range_of(bucket).home

    def writer_of(self, bucket: int) -> str:
        """Name of the cell whose database takes writes of ``bucket``."""
        return self.range_of(bucket).writer

    def buckets_of(self, cell: str) -> tuple[int, ...]:
        """All buckets whose home is ``cell``, ascending."""
        return tuple(b for part in self.ranges if part.home == cell for b in range(part.start, part.stop))


HOMES = ShardMap(
    version=1,
    ranges=(
        BucketRange(0, 240, home="mumbai", writer="mumbai"),
        BucketRange(240, 480, home="oregon", writer="oregon"),
        BucketRange(480, 720, home="frankfurt", writer="frankfurt"),
        BucketRange(720, 960, home="singapore", writer="singapore"),
    ),
)
"""Which buckets are at home where, before any promotion."""


def written(shard_map: ShardMap, record: Record) -> ShardMap:
    """``shard_map`` with the writers and terms of ``record``; the version counts both."""
    return ShardMap(
        version=shard_map.version + record.version - 1,
        ranges=tuple(
            replace(part, writer=record.seats(part.home).writer, term=record.seats(part.home).term)
            for part in shard_map.ranges
        ),
    )


SHARD_MAP = written(HOMES, RECORD)
"""The shard map that is deployed."""


def check(shard_map: ShardMap, catalogue: Catalogue = CATALOGUE) -> None:
    """Raises `CatalogueError` with the first of `faults`."""
    for fault in faults(shard_map, catalogue):
        raise CatalogueError(fault)


def faults(shard_map: ShardMap, catalogue: Catalogue = CATALOGUE) -> Iterator[str]:
    """Homes and writers that are not in the catalogue, writers that are neither home nor its partner, terms below 1."""
    for part in shard_map.ranges:
        place = f"buckets {part.start}..{part.stop - 1}"
        strange = [f"the {role} of {place} is {name}" for role, name in part.places if name not in catalogue.names]
        for told in strange:
            yield _told(f"{told}, which is not in the catalogue: move them to another region first")
        if strange:
            continue
        home = catalogue.get(part.home)
        if part.writer not in (home.name, home.partner):
            yield _told(
                f"{place}: writer {part.writer} is neither the home {home.name} "
                f"nor its partner {home.partner}, so it has no copy of the data; name one of the two"
            )
        if part.term < 1:
            yield _told(f"{place}: term {part.term} must be at least 1; count promotions from there")


def _told(message: str) -> str:
    return refusal(FILE, "UNI-2", f"shard map: {message}")


def deal(cells: tuple[str, ...], shard_map: ShardMap = SHARD_MAP) -> ShardMap:
    """The map for a machine on which only ``cells`` run: their own ranges stay, the others' are dealt among them.

    A range whose home does not run goes to the running partner if there is one in the catalogue,
    else to the running cells in turn. Raises `CatalogueError` for an empty or unknown list.
    """
    if not cells:
        raise CatalogueError("no cell runs; name at least one in CELLS")
    for name in cells:
        CATALOGUE.get(name)
    turn = 0
    ranges: list[BucketRange] = []
    for part in shard_map.ranges:
        if part.home in cells and part.writer in cells:
            ranges.append(part)
            continue
        partner = CATALOGUE.get(part.home).partner
        if partner in cells:
            owner = partner
        else:
            owner = cells[turn % len(cells)]
            turn += 1
        ranges.append(BucketRange(part.start, part.stop, home=owner, writer=owner, term=part.term))
    return ShardMap(version=shard_map.version, ranges=tuple(ranges))
