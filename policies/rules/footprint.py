"""Laws over the union of all stacks: what no single stack can see.

Judged over saved previews (``ops/review``), since the engine shows a policy pack one stack at a time. Values that are
known only after deployment are left to it: a law speaks of what the previews show.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Final

from policies.model import Resource, StackRule, Unknown, Value, of_type, text
from regions import addresses, buckets, names, steering
from regions.catalogue import CATALOGUE, HOME_CODE, ResidencyZone
from regions.countries import CONTINENT_NAMES
from regions.errors import CatalogueError
from regions.stacks import links

INSTANCE: Final = "aws:rds/instance:Instance"
_REPLICATION: Final = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
_REPLICATOR: Final = "aws:msk/replicator:Replicator"
_RECORD: Final = "aws:route53/record:Record"
_BUCKET: Final = "aws:s3/bucket:Bucket"
_DEPLOYED: Final = frozenset({"page"})
"""Buckets whose content every region gets from whoever deploys it, so that no copy is needed."""
_RESIDENT: Final = "resident"

_Findings = Iterator[tuple[Resource | None, str]]


def _addresses(resources: tuple[Resource, ...]) -> _Findings:
    blocks: list[tuple[Resource, IPv4Network]] = []
    for vpc in of_type(resources, "aws:ec2/vpc:Vpc"):
        block = text(vpc.get("cidrBlock"))
        if block is None:
            continue
        network = IPv4Network(block)
        for other, taken in blocks:
            if network.overlaps(taken):
                yield (
                    vpc,
                    f"{network} of {vpc.stack} overlaps {taken} of {other.stack}: change an index in regions/catalogue.py",
                )
        blocks.append((vpc, network))
    try:
        addresses.plans(CATALOGUE)
    except CatalogueError as error:
        yield None, str(error)


def _writers(resources: tuple[Resource, ...]) -> _Findings:
    """By the map of buckets, and by the one name under which every service finds a region's writer."""
    for fault in buckets.faults(buckets.SHARD_MAP):
        yield None, fault
    for region in CATALOGUE.regions:
        host = names.Hosts("").writer(region)
        records = [r for r in of_type(resources, _RECORD) if (text(r.get("name")) or "").startswith(host)]
        if len(records) != 1:
            places = ", ".join(sorted(record.stack for record in records)) or "no stack"
            yield None, f"{host}* is declared by {places}: let one link name where {region.name}'s buckets are written"


def _copies(resources: tuple[Resource, ...]) -> _Findings:
    """Every partner relation is carried out for databases, topics and each bucket, and nothing flows elsewhere."""
    expected = {(s.name, t.name) for link in links(CATALOGUE) for s, t in link.replications}
    code = {region.code: region.name for region in CATALOGUE.regions}
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for purpose in _kept(resources):
        found[_of_bucket(purpose)] = set()
    for resource in resources:
        target = code.get(text(resource.get("region")) or "")
        source = _source(resource)
        if resource.type == INSTANCE and source and target and resource.stack.startswith("links-"):
            found["database copies"].add((source, target))
        elif resource.type == _REPLICATOR and source and target:
            found["topic copies"].add((source, target))
        elif resource.type == _REPLICATION and target:
            for purpose, to in _bucket_copies(resource, code):
                found[_of_bucket(purpose)].add((target, to))
    for what in ("database copies", "topic copies", *sorted(set(found) - {"database copies", "topic copies"})):
        for source, to in sorted(expected - found[what]):
            yield None, f"{what}: {source} has none in its partner {to}: declare it in links-*"
        for source, to in sorted(found[what] - expected):
            yield None, f"{what}: {source} is copied to {to}, which is not its partner"


def _of_bucket(purpose: str) -> str:
    return f"bucket copies of {purpose}"


def _kept(resources: tuple[Resource, ...]) -> set[str]:
    """What regions have buckets for, but for what is deployed to each of them and never made there."""
    given = {
        _purpose(text(bucket.get("bucket")))
        for bucket in of_type(resources, _BUCKET)
        if bucket.stack in CATALOGUE.names
    }
    return {purpose for purpose in given if purpose is not None} - _DEPLOYED


def _purpose(bucket: str | None) -> str | None:
    """What a bucket is for, by its name (``regions.names.bucket``) or ARN."""
    codes = "|".join(re.escape(region.code) for region in CATALOGUE.regions)
    match = re.search(rf"(?:^|:){names.PROJECT}-([a-z0-9-]+?)-(?:{codes})-", bucket or "")
    return match[1] if match else None


def _bucket_copies(resource: Resource, code: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What the copies are of, and where they are. A copy into the bucket for something else is none."""
    purpose = _purpose(text(resource.get("bucket")))
    for index, _ in enumerate(resource.items("rules")):
        bucket = text(resource.get(f"rules.{index}.destination.bucket"))
        if purpose is not None and _purpose(bucket) == purpose:
            yield from ((purpose, name) for region, name in code.items() if f"-{region}-" in (bucket or ""))


def _source(resource: Resource) -> str | None:
    """Copies are named ``<source>-to-<target>-…``; what they copy is often known only after deployment."""
    match = re.match(r"([a-z]+)-to-[a-z]+-", resource.name)
    return match[1] if match else None


def _residency(resources: tuple[Resource, ...]) -> _Findings:
    for resource in resources:
        if _takes_bound_data(resource):
            yield resource, f"{resource.name} copies residency-bound data out of its region: remove the copy"
        elif (
            resource.type == INSTANCE
            and resource.stack in CATALOGUE.names
            and isinstance(resource.get("replicateSourceDb"), Unknown)
        ):
            yield resource, "copies a database that cannot be told before deployment: name it by identifier or ARN"
    for region in CATALOGUE.regions:
        bound = region.residency is not ResidencyZone.NONE
        holds = any(r.stack == region.name and _RESIDENT in r.name for r in of_type(resources, INSTANCE))
        if bound and not holds:
            yield None, f"{region.name} is bound to {region.residency.value} but has no instance for bound data"


def _takes_bound_data(resource: Resource) -> bool:
    """Whether it names bound data from another region. What joins regions has no business with any."""
    strings = tuple(_strings(resource.props))
    if resource.stack.startswith("links-"):
        return _RESIDENT in resource.name or any(_RESIDENT in value for value in strings)
    place = text(resource.get("region"))
    abroad = [names.resident_database(region) for region in CATALOGUE.regions if region.code != place]
    return place is not None and any(name in value for name in abroad for value in strings)


def _strings(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)


def _reachable(resources: tuple[Resource, ...]) -> _Findings:
    """Each region's origin stands in every chain, in the order of ``regions/steering.py``, and every place has one."""
    yield from _orphans()
    chains: dict[str, dict[str, str]] = defaultdict(dict)
    for record in of_type(resources, _RECORD):
        name, kind = text(record.get("name")) or "", record.get("failoverRoutingPolicies.0.type")
        target = text(record.get("aliases.0.name"))
        if ".chain." in name and isinstance(kind, str) and target is not None:
            chains[name][kind] = target
    for region in CATALOGUE.regions:
        start = next((name for name in chains if name.startswith(f"{region.name}-1.chain.")), None)
        if start is None:
            yield None, f"no chain of records begins with {region.name}: it cannot be steered to"
            continue
        order = tuple(_walk(chains, start))
        wanted = steering.chain(region.name, CATALOGUE)
        if order != wanted:
            yield None, f"the chain of {region.name} is {' → '.join(order)}, steering says {' → '.join(wanted)}"


def _orphans() -> _Findings:
    """Places that are steered to a region which does not exist, all of them; else what else is wrong with steering."""
    places: dict[str, list[str]] = defaultdict(list)
    for place, region in (
        *steering.STEERING.countries.items(),
        *((CONTINENT_NAMES.get(code, code), region) for code, region in steering.STEERING.continents.items()),
        ("the default", steering.STEERING.default),
    ):
        if region not in CATALOGUE.names:
            places[region].append(place)
    for region, orphans in places.items():
        yield (
            None,
            f"{steering.FILE}: {', '.join(orphans)} would be orphaned, they are steered to {region}, which is not in "
            "the catalogue: name another region",
        )
    if not places:
        try:
            steering.check(steering.STEERING)
        except CatalogueError as error:
            yield None, str(error)


def _walk(chains: dict[str, dict[str, str]], name: str) -> Iterator[str]:
    for _ in range(len(chains) + 1):
        pair = chains.get(name)
        if pair is None:
            return
        for kind in ("PRIMARY", "SECONDARY"):
            target = pair.get(kind, "")
            if target.startswith("origin-"):
                yield target.removeprefix("origin-").split(".")[0]
        name = pair.get("SECONDARY", "")


def _same_shape(resources: tuple[Resource, ...]) -> _Findings:
    """Regions differ only in what the catalogue says: residency, and where the multi-Region key has its primary."""
    regions = re.compile("|".join(CATALOGUE.names))
    shapes: dict[str, Counter[tuple[str, str]]] = {}
    for region in CATALOGUE.regions:
        zones = re.compile("|".join(re.escape(zone) for zone in region.zone_ids))
        shapes[region.name] = Counter(
            (resource.type, regions.sub("<region>", zones.sub("<zone>", resource.name)))
            for resource in resources
            if resource.stack == region.name and _RESIDENT not in resource.name
        )
    usual = _majority(shapes)
    for region in CATALOGUE.regions:
        shape = shapes[region.name]
        wanted = Counter({key: n for key, n in usual.items() if not (region.code == HOME_CODE and _made_at_home(key))})
        for (kind, resource_name), count in sorted((shape - wanted).items()):
            yield None, f"{region.name} has {count} {kind} {resource_name!r} more than the other regions"
        for (kind, resource_name), count in sorted((wanted - shape).items()):
            yield None, f"{region.name} lacks {count} {kind} {resource_name!r} that the other regions have"


def _made_at_home(key: tuple[str, str]) -> bool:
    """The region with the primary of the token key has no replica of it: ``global`` declares what is there."""
    kind, name = key
    return kind.startswith("aws:kms/") and name.endswith("-tokens")


def _majority(shapes: dict[str, Counter[tuple[str, str]]]) -> Counter[tuple[str, str]]:
    """What at least half of the regions have."""
    seen: dict[tuple[str, str], list[int]] = defaultdict(list)
    for shape in shapes.values():
        for key, count in shape.items():
            seen[key].append(count)
    return Counter({key: max(counts) for key, counts in seen.items() if 2 * len(counts) >= len(shapes)})


UNION_RULES: Final = (
    StackRule("UNI-1", "No two networks overlap.", "Overlapping networks can never be joined.", _addresses),
    StackRule("UNI-2", "Every bucket has exactly one writer.", "Two writers cannot be merged.", _writers),
    StackRule(
        "UNI-3", "Copies flow between partners, both ways.", "A partner without a copy cannot take over.", _copies
    ),
    StackRule("UNI-4", "Bound data never leaves its region.", "The law of the place says so.", _residency),
    StackRule("UNI-5", "Every region can be reached, and taken out.", "No country may be orphaned.", _reachable),
    StackRule("UNI-6", "Regions have the same shape.", "What differs unnoticed fails unnoticed.", _same_shape),
)
