"""How fixtures make resources, and what a fixture is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policies.model import Resource, Value

MUMBAI = "ap-south-1"
KEY = f"arn:aws:kms:{MUMBAI}:123456789012:key/a"
TAGS: Mapping[str, Value] = {"Project": "meridian", "Stack": "mumbai", "ManagedBy": "pulumi"}


def made(kind: str, /, **props: Value) -> Resource:
    protect = props.pop("protect", False)
    stack = props.pop("stack", "mumbai")
    return Resource(kind, "it", props, protect is True, f"urn:pulumi:{stack}::meridian::{kind}::it")


INSTANCE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
KAFKA = "aws:msk/cluster:Cluster"
QUEUE = "aws:sqs/queue:Queue"
RECORD = "aws:route53/record:Record"


@dataclass(frozen=True)
class Fixture:
    good: tuple[Resource, ...]
    bad: tuple[Resource, ...]


@dataclass(frozen=True)
class StackFixture:
    good: tuple[tuple[Resource, ...], ...]
    bad: tuple[tuple[Resource, ...], ...]
