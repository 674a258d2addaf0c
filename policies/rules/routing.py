"""DNS and CDN: what Route 53 and CloudFront accept, and what answers everybody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from policies.model import Resource, Rule, StackRule, Unknown, of_type, text

RECORD: Final = "aws:route53/record:Record"
_CHECKERS: Final = frozenset(
    [
        "us-east-1",
        "us-west-1",
        "us-west-2",
        "eu-west-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ap-northeast-1",
        "sa-east-1",
    ]
)
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CLOUDFRONT_ZONE: Final = "Z2FDTNDATAQYW2"


def _aliases(resource: Resource) -> Iterator[str]:
    if resource.type != RECORD or not resource.items("aliases"):
        return
    if resource.get("ttl") is not None or resource.items("records"):
        yield "is an alias and must have neither ttl nor records"
    evaluates = resource.get("aliases.0.evaluateTargetHealth")
    if resource.items("failoverRoutingPolicies") and evaluates is False:
        yield "is a failover alias: set evaluate_target_health=True"
    if resource.get("aliases.0.zoneId") == _CLOUDFRONT_ZONE and evaluates is True:
        yield "points to CloudFront, which has no target health: set evaluate_target_health=False"


def _checks(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:route53/healthCheck:HealthCheck":
        return
    given = resource.get("regions")
    if isinstance(given, tuple) and not any(isinstance(region, Unknown) for region in given):
        wrong = sorted(str(region) for region in given if region not in _CHECKERS)
        if wrong:
            yield f"is checked from {', '.join(wrong)}, where Route 53 has no checkers"
        if len(given) < 3:
            yield "is checked from fewer than three regions"


def _origin_groups(resource: Resource) -> Iterator[str]:
    if resource.type != "aws:cloudfront/distribution:Distribution":
        return
    groups = {resource.get(f"originGroups.{i}.originId") for i, _ in enumerate(resource.items("originGroups"))}
    for index, _ in enumerate(resource.items("originGroups")):
        if len(resource.items(f"originGroups.{index}.members")) != 2:
            yield f"origin group {index} must have exactly two members"
    behaviours = ["defaultCacheBehavior"]
    behaviours += [f"orderedCacheBehaviors.{i}" for i, _ in enumerate(resource.items("orderedCacheBehaviors"))]
    for behaviour in behaviours:
        methods = {str(method) for method in resource.items(f"{behaviour}.allowedMethods")}
        if resource.get(f"{behaviour}.targetOriginId") in groups and not methods <= _READING:
            yield f"{behaviour} sends {', '.join(sorted(methods - _READING))} to an origin group, which CloudFront refuses"


def _default_answers(resources: tuple[Resource, ...]) -> Iterator[tuple[Resource | None, str]]:
    locations: dict[tuple[str | None, str | None], set[str]] = defaultdict(set)
    identifiers: dict[tuple[str | None, str | None], list[str | None]] = defaultdict(list)
    for record in of_type(resources, RECORD):
        key = (text(record.get("name")), text(record.get("type")))
        if record.get("setIdentifier") is not None:
            identifiers[key].append(text(record.get("setIdentifier")))
        for index, _ in enumerate(record.items("geolocationRoutingPolicies")):
            place = record.get(f"geolocationRoutingPolicies.{index}.country") or record.get(
                f"geolocationRoutingPolicies.{index}.continent"
            )
            locations[key].add(str(place))
    for key, places in locations.items():
        if "*" not in places:
            yield None, f"{key[0]} ({key[1]}) has no default location: whoever is not listed gets no answer"
    for key, names in identifiers.items():
        if len(names) != len(set(names)):
            yield None, f"{key[0]} ({key[1]}) uses a set identifier twice"


RULES: Final = (
    Rule("DNS-1", "Alias records have the form that Route 53 takes.", "It refuses others at deployment.", _aliases),
    Rule("DNS-2", "Health checks run where there are checkers.", "ap-south-1 and eu-central-1 have none.", _checks),
    Rule("CDN-1", "Origin groups are pairs and only read.", "CloudFront refuses others at deployment.", _origin_groups),
)
STACK_RULES: Final = (
    StackRule("DNS-3", "Every geography has a default.", "Unlisted places must be answered too.", _default_answers),
)
