"""What is malformed stops with the file or resource, the law's code and the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from ops.review.cost import delta_in_words
from ops.review.laws import CODES, broken
from policies.exceptions import ExceptionError, parse
from regions import steering
from regions.addresses import plans
from regions.buckets import SHARD_MAP, BucketRange, ShardMap, check
from regions.catalogue import CATALOGUE, Catalogue
from regions.errors import CatalogueError
from regions.steering import STEERING, Steering
from tests.golden.preview import previewed
from tests.ops.review.mutations import INSTANCE, Digests, inputs

TODAY = date(2026, 11, 23)
FOREIGN_KEY = "arn:aws:kms:us-west-2:000000000000:key/00000000-0000-0000-0000-000000000000"


def _overlap(digests: Digests) -> None:
    inputs(digests, "oregon", "aws:ec2/vpc:Vpc", "network")["cidrBlock"] = "10.16.128.0/17"


def _foreign_key(digests: Digests) -> None:
    inputs(digests, "mumbai", INSTANCE, "database-primary")["kmsKeyId"] = FOREIGN_KEY


def _foreign_replica_key(digests: Digests) -> None:
    replica = inputs(digests, "links-mumbai-singapore", INSTANCE, "mumbai-to-singapore-database")
    replica |= {"replicateSourceDb": "arn:aws:rds:ap-south-1:000000000000:db:meridian-mumbai", "kmsKeyId": FOREIGN_KEY}


def _unknown_class(digests: Digests) -> None:
    inputs(digests, "singapore", INSTANCE, "database-primary")["instanceClass"] = "db.r99.mega"


WRONG: dict[str, tuple[Callable[[Digests], None], str, str, str]] = {
    "an overlapping block": (_overlap, "UNI-1", "oregon", "change an index in regions/catalogue.py"),
    "a key of another region": (_foreign_key, "REG-3", "mumbai", "name the ap-south-1 one"),
    "a replica's key of another region": (_foreign_replica_key, "REG-4", "links-mumbai-singapore", "ap-southeast-1"),
    "an unknown class": (_unknown_class, "OFF-2", "singapore", "db.r99.mega"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_declaration_is_told_with_code_stack_and_remedy(what: str) -> None:
    spoil, code, stack, remedy = WRONG[what]
    digests: Digests = json.loads(previewed().text())["stacks"]
    spoil(digests)
    found = broken(replace(previewed(), digests=tuple(digests)).side().resources, TODAY)
    assert {entry.stack for entry in found} == {stack}
    assert any(remedy in entry.message for entry in found if entry.code == code)


def test_a_price_that_is_missing_is_named_in_the_report() -> None:
    digests: Digests = json.loads(previewed().text())["stacks"]
    inputs(digests, "singapore", INSTANCE, "database-primary")["instanceClass"] = "db.r99.large"
    (line,) = delta_in_words(previewed().side(), replace(previewed(), digests=tuple(digests)).side())
    assert line.startswith("unknown: regions/prices.py: PRICES has no 'rds.r99.large'; add it")


def test_two_regions_on_one_block_are_refused() -> None:
    first, second, *rest = CATALOGUE.regions
    with pytest.raises(CatalogueError, match=r"index \[1\] stands twice in the catalogue; each region needs its own"):
        plans(Catalogue((first, replace(second, index=first.index), *rest)))


@pytest.mark.parametrize(
    ("ranges", "cause"),
    [
        ((BucketRange(0, 500, "mumbai", "mumbai"), BucketRange(480, 960, "oregon", "oregon")), "owned by nobody or twice"),
        ((BucketRange(0, 480, "mumbai", "mumbai"), BucketRange(500, 960, "oregon", "oregon")), "owned by nobody or twice"),
        ((BucketRange(0, 900, "mumbai", "mumbai"),), "ends at 900, must end at 960"),
    ],
    ids=["two writers", "nobody", "the last ones"],
)  # fmt: skip
def test_a_bucket_without_exactly_one_writer_is_refused(ranges: tuple[BucketRange, ...], cause: str) -> None:
    with pytest.raises(CatalogueError, match=cause):
        ShardMap(version=2, ranges=ranges)


def test_a_writer_without_a_copy_is_refused() -> None:
    first, *rest = SHARD_MAP.ranges
    with pytest.raises(CatalogueError, match="writer frankfurt is neither the home mumbai nor its partner singapore"):
        check(ShardMap(2, (replace(first, writer="frankfurt"), *rest)))


@pytest.mark.parametrize(
    ("countries", "continents", "cause"),
    [
        ({}, {"EU": "frankfurt"}, "continents must be exactly"),
        ({"XX": "mumbai"}, dict(STEERING.continents), "'XX' is no ISO 3166-1 country code"),
        ({"BR": "saopaulo"}, dict(STEERING.continents), "no region 'saopaulo'; the catalogue has"),
    ],
)
def test_a_place_that_nobody_serves_is_refused(
    countries: dict[str, str], continents: dict[str, str], cause: str
) -> None:
    with pytest.raises(CatalogueError, match=cause):
        steering.check(Steering(countries, continents, "oregon"))


def test_a_half_written_exception_is_refused() -> None:
    with pytest.raises(ExceptionError, match=r"exceptions.toml, exception 1: lacks owner, reason; an exception says"):
        parse('[[exception]]\ncode = "UNI-4"\nresource = "x"\nexpires = 2027-01-31\n', CODES)
