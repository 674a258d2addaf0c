"""Laws over all stacks: a sound footprint passes, and each contradiction is named."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from policies.model import UNKNOWN, Resource, Value
from policies.rules import UNION_RULES
from regions import capacity, names, steering
from regions.addresses import plan
from regions.catalogue import CATALOGUE, HOME_CODE, Region, ResidencyZone
from regions.stacks import links
from services.contracts.demand import CONTRACT

RULES = {rule.code: rule for rule in UNION_RULES}
REPLICA_KEY = "aws:kms/replicaKey:ReplicaKey"
BOUND = "arn:aws:rds:ap-south-1:1:db:meridian-mumbai-resident"
INSTANCE = "aws:rds/instance:Instance"
CLASS = "db.r8g.2xlarge"
RECORD = "aws:route53/record:Record"


def made(stack: str, kind: str, name: str, /, **props: Value) -> Resource:
    return Resource(kind, name, props, urn=f"urn:pulumi:{stack}::meridian::{kind}::{name}")


def _records(first: str) -> Iterator[Resource]:
    order = steering.chain(first)
    for number, name in enumerate(order[:-1], 1):
        last = number == len(order) - 1
        behind = f"origin-{order[-1]}.x" if last else f"{first}-{number + 1}.chain.api.x"
        for kind, target in (("PRIMARY", f"origin-{name}.x"), ("SECONDARY", behind)):
            yield made(
                "steering",
                RECORD,
                f"{first}-{number}-{kind}",
                name=f"{first}-{number}.chain.api.x",
                failoverRoutingPolicies=({"type": kind},),
                aliases=({"name": target},),
            )


def sound() -> list[Resource]:
    warned: Value = ({"notificationType": "ACTUAL", "threshold": 80.0},)
    resources: list[Resource] = []
    for region in CATALOGUE.regions:
        resources.append(made(region.name, "aws:budgets/budget:Budget", "budget", notifications=warned))
        resources.append(made(region.name, "aws:ec2/vpc:Vpc", "network", cidrBlock=str(plan(region).vpc)))
        resources.append(made(region.name, "aws:sqs/queue:Queue", f"queue-{region.zone_ids[0]}"))
        if region.residency is not ResidencyZone.NONE:
            resources.append(_resident(region))
        if region.code != HOME_CODE:
            resources.append(made(region.name, REPLICA_KEY, "keys-tokens"))
        for purpose in ("media", "uploads", "page"):
            bucket = names.bucket(region, purpose, "1")
            resources.append(made(region.name, "aws:s3/bucket:Bucket", purpose, bucket=bucket))
        resources += _records(region.name)
    for link in links():
        for source, target in link.replications:
            name = f"{source.name}-to-{target.name}"
            resources.append(made(link.stack, INSTANCE, f"{name}-database", region=target.code, instanceClass=CLASS))
            resources.append(made(link.stack, "aws:msk/replicator:Replicator", f"{name}-streams", region=target.code))
            writer = names.Hosts("x").writer(source)
            resources.append(made(link.stack, RECORD, f"{name}-writer", name=writer))
            resources += [_bucket_copy(link.stack, source, target, purpose) for purpose in ("media", "uploads")]
    return resources


def _resident(region: Region) -> Resource:
    sizes = capacity.plan(region.name, CONTRACT).sizes
    return made(
        region.name,
        INSTANCE,
        "database-resident",
        identifier=names.resident_database(region),
        instanceClass=sizes.resident_class,
        allocatedStorage=sizes.resident_storage,
        maxAllocatedStorage=sizes.resident_max_storage,
    )


def _bucket_copy(stack: str, source: Region, target: Region, purpose: str) -> Resource:
    rule: dict[str, Value] = {"destination": {"bucket": f"arn:aws:s3:::{names.bucket(target, purpose, '1')}"}}
    return made(
        stack,
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig",
        f"{source.name}-to-{target.name}-{purpose}",
        region=source.code,
        bucket=names.bucket(source, purpose, "1"),
        rules=(rule,),
    )


def findings(code: str, resources: list[Resource]) -> list[str]:
    return [message for _, message in RULES[code].judge(tuple(resources))]


@pytest.mark.parametrize("code", RULES)
def test_a_sound_footprint_keeps_every_law(code: str) -> None:
    assert findings(code, sound()) == []


def test_an_overlapping_network_is_named_with_both_stacks() -> None:
    wrong = [replace(r, props={"cidrBlock": "10.16.128.0/17"}) if r.type.endswith("Vpc") and r.stack == "oregon" else r
             for r in sound()]  # fmt: skip
    assert any("overlaps" in m and "mumbai" in m for m in findings("UNI-1", wrong))


@pytest.mark.parametrize("part", ["database", "streams", "media", "uploads"])
def test_a_missing_copy_is_named(part: str) -> None:
    wrong = [r for r in sound() if r.name != f"mumbai-to-singapore-{part}"]
    (told,) = findings("UNI-3", wrong)
    assert "mumbai has none in its partner singapore: declare it in links-*" in told


def test_a_copy_into_the_bucket_for_something_else_is_none() -> None:
    wrong = [
        replace(r, props={**r.props, "bucket": "meridian-uploads-ap-south-1-1"})
        if r.name == "mumbai-to-singapore-media"
        else r
        for r in sound()
    ]
    assert findings("UNI-3", wrong) == [
        "bucket copies of media: mumbai has none in its partner singapore: declare it in links-*"
    ]


def test_a_bucket_for_something_new_needs_copies_too() -> None:
    more = [
        made(r.name, "aws:s3/bucket:Bucket", "it", bucket=f"meridian-captions-{r.code}-1") for r in CATALOGUE.regions
    ]
    assert len(findings("UNI-3", [*sound(), *more])) == len(CATALOGUE.regions)


def test_a_copy_to_somebody_else_is_named() -> None:
    stray = made("links-mumbai-oregon", "aws:msk/replicator:Replicator", "mumbai-to-oregon-streams", region="us-west-2")
    assert findings("UNI-3", [*sound(), stray]) == [
        "topic copies: mumbai is copied to oregon, which is not its partner"
    ]


def test_a_copy_of_bound_data_is_refused_by_whatever_property_it_shows() -> None:
    stray = made(
        "links-mumbai-singapore",
        INSTANCE,
        "mumbai-to-singapore-more",
        region="ap-southeast-1",
        replicateSourceDb=BOUND,
    )
    assert any("residency-bound" in m for m in findings("UNI-4", [*sound(), stray]))
    for source in (BOUND, "meridian-mumbai-resident"):
        props: dict[str, Value] = {"region": "ap-southeast-1", "replicateSourceDb": source}
        own = made("singapore", INSTANCE, "database-more", **props)
        assert any("residency-bound" in m for m in findings("UNI-4", [*sound(), own]))
    backups = "aws:rds/instanceAutomatedBackupsReplication:InstanceAutomatedBackupsReplication"
    kept = made("singapore", backups, "more", region="ap-southeast-1", sourceDbInstanceArn=BOUND)
    assert any("residency-bound" in m for m in findings("UNI-4", [*sound(), kept]))


def test_a_copy_of_bound_data_within_its_region_may_be() -> None:
    props: dict[str, Value] = {"region": "ap-south-1", "replicateSourceDb": "meridian-mumbai-resident"}
    assert findings("UNI-4", [*sound(), made("mumbai", INSTANCE, "resident-replica-1", **props)]) == []


def test_a_region_must_say_what_its_replicas_are_of() -> None:
    open_ = made("singapore", INSTANCE, "more", region="ap-southeast-1", replicateSourceDb=UNKNOWN)
    assert any("name it by identifier or ARN" in m for m in findings("UNI-4", [*sound(), open_]))


def test_a_bound_region_without_a_place_for_its_data_is_named() -> None:
    without = [r for r in sound() if not (r.stack == "mumbai" and r.name == "database-resident")]
    assert any("mumbai is bound to in" in m for m in findings("UNI-4", without))


def test_a_region_that_no_chain_reaches_is_named() -> None:
    without = [r for r in sound() if not r.name.startswith("oregon-")]
    assert any("begins with oregon" in m for m in findings("UNI-5", without))
    turned = [
        replace(r, props={**r.props, "aliases": ({"name": "origin-oregon.x"},)}) if r.name == "mumbai-1-PRIMARY" else r
        for r in sound()
    ]
    assert any("the chain of mumbai" in m for m in findings("UNI-5", turned))


def test_a_region_that_lacks_what_the_others_have_is_named_and_one_that_has_more_too() -> None:
    lacking = [r for r in sound() if not (r.stack == "oregon" and r.type.endswith("Queue"))]
    assert any(m.startswith("oregon lacks") for m in findings("UNI-6", lacking))
    extra = made("oregon", "aws:sns/topic:Topic", "extra")
    assert any(m.startswith("oregon has 1") for m in findings("UNI-6", [*sound(), extra]))


@pytest.mark.parametrize("region", [r.name for r in CATALOGUE.regions if r.code != HOME_CODE])
def test_a_region_without_its_member_of_the_token_key_is_named(region: str) -> None:
    lacking = [r for r in sound() if not (r.stack == region and r.type == REPLICA_KEY)]
    assert findings("UNI-6", lacking) == [f"{region} lacks 1 {REPLICA_KEY} 'keys-tokens' that the other regions have"]


def test_home_has_the_token_keys_primary_and_no_replica() -> None:
    home = next(r.name for r in CATALOGUE.regions if r.code == HOME_CODE)
    assert any(
        m.startswith(f"{home} has 1") for m in findings("UNI-6", [*sound(), made(home, REPLICA_KEY, "keys-tokens")])
    )


def _changed(name: str, **props: Value) -> Callable[[list[Resource]], list[Resource]]:
    return lambda sound: [replace(r, props={**r.props, **props}) if r.name == name else r for r in sound]


def _without(name: str) -> Callable[[list[Resource]], list[Resource]]:
    return lambda sound: [r for r in sound if r.name != name]


BROKEN: Mapping[str, Callable[[list[Resource]], list[Resource]]] = {
    "UNI-1": _changed("network", cidrBlock="10.16.0.0/16"),
    "UNI-2": lambda sound: [*sound, made("global", RECORD, "more", name="writer.mumbai.db.x")],
    "UNI-3": _without("mumbai-to-singapore-uploads"),
    "UNI-4": _without("database-resident"),
    "UNI-5": _without("oregon-1-PRIMARY"),
    "UNI-6": lambda sound: sound[1:],
    "CAP-1": _changed("database-resident", instanceClass="db.t4g.micro"),
    "COST-1": _changed("budget", limitAmount="1"),
    "COST-2": _without("budget"),
    "COST-3": _changed("database-resident", instanceClass="db.r99.large"),
}
"""What breaks each law over all stacks; `sound` keeps them all."""


def test_every_law_over_all_stacks_has_both_fixtures() -> None:
    assert set(BROKEN) == set(RULES)


@pytest.mark.parametrize("code", RULES)
def test_a_footprint_that_breaks_a_law_is_told(code: str) -> None:
    assert findings(code, BROKEN[code](sound()))


def test_a_region_whose_writer_nobody_names_is_told() -> None:
    (told,) = findings("UNI-2", _without("mumbai-to-singapore-writer")(sound()))
    assert told.startswith("writer.mumbai.db.* is declared by no stack")
