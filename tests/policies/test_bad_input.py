"""What is malformed is told with its file, its key, the code of the law and the remedy, and not only that it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from policies.exceptions import parse
from policies.model import Resource, Value
from policies.rules import CODES, RULES, UNION_RULES
from regions import steering
from regions.addresses import plans
from regions.buckets import SHARD_MAP, BucketRange, ShardMap, check
from regions.catalogue import CATALOGUE, Catalogue
from regions.cost import price_resource
from regions.prices import delivery
from regions.steering import STEERING, Steering
from tests.policies.made import INSTANCE, KEY, made

FIRST, SECOND, *REST = CATALOGUE.regions


@dataclass(frozen=True)
class Bad:
    """One wrong fact or declaration, and what must be said of it."""

    bring: Callable[[], str]
    """Gives the text that is told."""
    file: str
    key: str
    law: str
    remedy: str


def _raised(act: Callable[[], object]) -> Callable[[], str]:
    def bring() -> str:
        with pytest.raises(ValueError) as told:
            act()
        return str(told.value)

    return bring


def _judged(law: str, *resources: Resource) -> Callable[[], str]:
    """As ``ops.review`` prints it: the code before what the rule says."""

    def bring() -> str:
        for union in UNION_RULES:
            if union.code == law:
                return next(f"{law}: {message}" for _, message in union.judge(resources))
        (rule,) = (rule for rule in RULES if rule.code == law)
        return next(f"{law}: {message}" for resource in resources for message in rule.judge(resource))

    return bring


def _map(*ranges: BucketRange) -> Callable[[], object]:
    return lambda: ShardMap(version=2, ranges=ranges)


def _catalogue(**wrong: object) -> Callable[[], object]:
    changed = replace(SECOND, **wrong)  # type: ignore[arg-type]  # values of many types, on purpose
    return lambda: Catalogue((FIRST, changed, *REST))


def _steering(countries: dict[str, str], continents: dict[str, str] | None = None) -> Callable[[], object]:
    served = dict(STEERING.continents) if continents is None else continents
    return lambda: steering.check(Steering(countries, served, "oregon"))


def _network(stack: str) -> Resource:
    return made("aws:ec2/vpc:Vpc", stack=stack, cidrBlock="10.16.0.0/16")


def _instance(**props: Value) -> Resource:
    return made(INSTANCE, **props)


HALF = '[[exception]]\ncode = "UNI-4"\nresource = "x"\nexpires = 2027-01-31\n'
CATALOGUE_FILE, BUCKETS_FILE, STEERING_FILE = "regions/catalogue.py", "regions/buckets.py", "regions/steering.py"
WITHOUT_EUROPE = {code: region for code, region in STEERING.continents.items() if code != "EU"}

BAD: dict[str, Bad] = {
    "overlapping blocks by one index": Bad(
        _raised(_catalogue(index=1)), CATALOGUE_FILE, "mumbai, oregon", "UNI-1", "each region needs its own"
    ),
    "an index without a block": Bad(
        _raised(lambda: plans(Catalogue((FIRST, replace(SECOND, index=99), *REST)))),
        CATALOGUE_FILE,
        "oregon: index 99",
        "UNI-1",
        "use 1 to 15",
    ),
    "overlapping blocks as declared": Bad(
        _judged("UNI-1", _network("mumbai"), _network("oregon")),
        CATALOGUE_FILE,
        "10.16.0.0/16 of oregon overlaps 10.16.0.0/16 of mumbai",
        "UNI-1",
        "change an index",
    ),
    "a partner that is gone": Bad(
        _raised(_catalogue(partner="paris")), CATALOGUE_FILE, "oregon: partner 'paris'", "UNI-3", "name one of"
    ),
    "two writers of a bucket": Bad(
        _raised(_map(BucketRange(0, 500, "mumbai", "mumbai"), BucketRange(480, 960, "oregon", "oregon"))),
        BUCKETS_FILE,
        "buckets 480..499, where the range 480..960 of oregon begins",
        "UNI-2",
        "ranges must be sorted and follow each other from 0 to 960",
    ),
    "no writer of a bucket": Bad(
        _raised(_map(BucketRange(0, 900, "mumbai", "mumbai"))),
        BUCKETS_FILE,
        "the last range, of mumbai, ends at 900",
        "UNI-2",
        "give the rest to a region",
    ),
    "a writer without a copy": Bad(
        _raised(lambda: check(ShardMap(2, (replace(SHARD_MAP.ranges[0], writer="frankfurt"), *SHARD_MAP.ranges[1:])))),
        BUCKETS_FILE,
        "buckets 0..239: writer frankfurt",
        "UNI-2",
        "name one of the two",
    ),
    "a key of another region": Bad(
        _judged("REG-3", _instance(region="us-west-2", kmsKeyId=KEY)),
        "stacks/",
        "kmsKeyId points to ap-south-1",
        "REG-3",
        "name the us-west-2 one",
    ),
    "a key declared in another region": Bad(
        _judged("REG-5", made("aws:kms/key:Key", region="us-west-2")),
        "stacks/",
        "is in us-west-2, but its stack is mumbai",
        "REG-5",
        "declare it in ap-south-1",
    ),
    "an unknown class": Bad(
        _judged("OFF-2", _instance(region="ap-south-1", instanceClass="db.r99.mega")),
        "regions/machines.py",
        "class db.r99.mega",
        "OFF-2",
        "take one of",
    ),
    "a country that is none": Bad(
        _raised(_steering({"XX": "mumbai"})),
        STEERING_FILE,
        "countries: 'XX'",
        "UNI-5",
        "remove it, or write the right one",
    ),
    "a country of a continent that nobody serves": Bad(
        _raised(_steering({}, WITHOUT_EUROPE)), STEERING_FILE, "continents", "UNI-5", "name a region for EU"
    ),
    "a country that is steered to nobody": Bad(
        _raised(_steering({"BR": "saopaulo"})), STEERING_FILE, "BR is steered", "UNI-5", "name one of them"
    ),
    "a half-written exception": Bad(
        _raised(lambda: parse(HALF, CODES)),
        "policies/exceptions.toml",
        "exception 1: lacks owner, reason",
        "UNI-4",
        "an exception says whose it is, why and until when",
    ),
    "a missing price": Bad(
        _raised(lambda: price_resource(INSTANCE, "ap-south-1", {"instanceClass": "db.r99.large"})),
        "regions/prices.py",
        "PRICES has no 'rds.r99.large'",
        "COST-3",
        "add it with its unit and source",
    ),
    "a missing price as declared": Bad(
        _judged("COST-3", _instance(instanceClass="db.r8g.mega")),
        "regions/charges.py",
        "'db.r8g.mega'",
        "COST-3",
        "take service.family.size",
    ),
    "a type that is said neither to cost nor to be free": Bad(
        _raised(lambda: price_resource("aws:new/thing:Thing", "ap-south-1", {})),
        "regions/charges.py",
        "aws:new/thing:Thing",
        "COST-3",
        "add 'new/Thing' to CHARGED",
    ),
    "a region without prices": Bad(
        _raised(lambda: price_resource("aws:kms/key:Key", "mars-1", {})),
        "regions/prices.py",
        "FACTORS has no 'mars-1'",
        "COST-3",
        "add what the region charges",
    ),
    "a geography without a price of delivery": Bad(
        _raised(lambda: delivery("mars-1")), "regions/prices.py", "DELIVERY has no 'mars-1'", "COST-3", "add the column"
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_malformed_is_told_with_file_key_law_and_remedy(what: str) -> None:
    bad = BAD[what]
    told = bad.bring()
    assert bad.file in told
    assert bad.key in told
    assert bad.law in told
    assert bad.remedy in told
    assert bad.law in CODES


def test_the_deployed_facts_are_right() -> None:
    check(SHARD_MAP)
    steering.check(STEERING)
    plans(CATALOGUE)
