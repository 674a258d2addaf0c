"""Buckets: which cell is the single writer of which of the 960 logical buckets, and since which term.

Owns the bucket count, the shard map and its version. Does not own how an id carries its bucket
(``services/common/ids``), the recorded promotions (``writers``) nor where a cell's database is (the cell's settings).
960 has 28 divisors, so it deals evenly among most numbers of cells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from regions.catalogue import CATALOGUE, Catalogue
from regions.errors import CatalogueError
from regions.writers import RECORD, Record

BUCKETS = 960


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


@dataclass(frozen=True, slots=True)
class ShardMap:
    """All buckets, each in exactly one range. Ranges are sorted and gapless."""

    version: int
    ranges: tuple[BucketRange, ...]

    def __post_init__(self) -> None:
        expected = 0
        for part in self.ranges:
            if part.start != expected:
                raise CatalogueError(
                    f"shard map: buckets {expected}..{part.start} are owned by nobody or twice; "
                    f"ranges must be sorted and follow each other from 0 to {BUCKETS}"
                )
            if part.stop <= part.start:
                raise CatalogueError(f"shard map: range {part.start}..{part.stop} is empty or reversed")
            expected = part.stop
        if expected != BUCKETS:
            raise CatalogueError(f"shard map: ends at {expected}, must end at {BUCKETS}")

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
    """Raises `CatalogueError` if a home or writer is not in the catalogue, or a writer is neither home nor its partner."""
    for part in shard_map.ranges:
        home = catalogue.get(part.home)
        catalogue.get(part.writer)
        if part.writer not in (home.name, home.partner):
            raise CatalogueError(
                f"buckets {part.start}..{part.stop}: writer {part.writer} is neither the home {home.name} "
                f"nor its partner {home.partner}, so it has no copy of the data"
            )
        if part.term < 1:
            raise CatalogueError(f"buckets {part.start}..{part.stop}: term {part.term} must be at least 1")


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
