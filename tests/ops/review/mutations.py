"""Changes of a saved preview, as a branch would make them. Owns no expectation."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Digests: TypeAlias = "list[dict[str, object]]"
Inputs: TypeAlias = "dict[str, object]"

INSTANCE = "aws:rds/instance:Instance"
CACHE = "aws:elasticache/replicationGroup:ReplicationGroup"
BUCKET = "aws:s3/bucket:Bucket"
REGIONS = ("mumbai", "oregon", "frankfurt", "singapore")


@dataclass(frozen=True)
class Branch:
    """Base and head of a change."""

    base: Digests
    head: Digests


def inputs(digests: Digests, stack: str, kind: str, name: str) -> Inputs:
    """The inputs of one resource, to be edited. Raises LookupError."""
    for step in steps(digests, stack):
        if step["type"] == kind and str(step["urn"]).endswith(f"::{name}"):
            new = step["new"]
            assert isinstance(new, dict)
            found = new["inputs"]
            assert isinstance(found, dict)
            return found
    raise LookupError(f"no {kind} {name} in {stack}")


def steps(digests: Digests, stack: str) -> list[dict[str, object]]:
    for digest in digests:
        if digest["stack"] == stack:
            found = digest["steps"]
            assert isinstance(found, list)
            return found
    raise LookupError(f"no stack {stack}")


def _branch(digests: Digests, before: Callable[[Digests], None], after: Callable[[Digests], None]) -> Branch:
    base = copy.deepcopy(digests)
    before(base)
    head = copy.deepcopy(base)
    after(head)
    return Branch(base, head)


def bumped_database(digests: Digests) -> Branch:
    """One region's database gets a larger class."""

    def pin(base: Digests) -> None:
        for region in REGIONS:
            primary = inputs(base, region, INSTANCE, "database-primary")
            primary |= {"instanceClass": "db.r8g.xlarge", "allocatedStorage": 400}

    def bump(head: Digests) -> None:
        inputs(head, "mumbai", INSTANCE, "database-primary")["instanceClass"] = "db.r8g.2xlarge"

    return _branch(digests, pin, bump)


def replaced_cache(digests: Digests) -> Branch:
    """One region's cache moves to another port, which replaces it."""

    def move(head: Digests) -> None:
        inputs(head, "oregon", CACHE, "cache")["port"] = 6380

    return _branch(digests, lambda _: None, move)


def forgotten_region(digests: Digests) -> Branch:
    """One bucket of one region is declared without `region=`."""

    def forget(head: Digests) -> None:
        del inputs(head, "frankfurt", BUCKET, "media-media")["region"]

    return _branch(digests, lambda _: None, forget)


def copied_resident_data(digests: Digests) -> Branch:
    """A replica of India's bound data in Singapore."""

    def pin(base: Digests) -> None:
        inputs(base, "mumbai", INSTANCE, "database-resident")["allocatedStorage"] = 100

    def copy_abroad(head: Digests) -> None:
        stack = "links-mumbai-singapore"
        kinds = "meridian:links:Replication$aws:rds/instance:Instance"
        name = "mumbai-to-singapore-resident"
        made: Inputs = {
            "identifier": "meridian-mumbai-resident-in-singapore",
            "instanceClass": "db.r8g.large",
            "replicateSourceDb": "arn:aws:rds:ap-south-1:000000000000:db:meridian-mumbai-resident",
            "kmsKeyId": "arn:aws:kms:ap-southeast-1:000000000000:key/0",
            "deletionProtection": True,
            "region": "ap-southeast-1",
            "storageEncrypted": True,
            "skipFinalSnapshot": True,
            "tags": {"ManagedBy": "pulumi", "Project": "meridian", "Stack": stack},
        }
        steps(head, stack).append(
            {
                "op": "create",
                "urn": f"urn:pulumi:{stack}::meridian::{kinds}::{name}",
                "type": INSTANCE,
                "old": None,
                "new": {"custom": True, "protect": True, "inputs": made},
            }
        )

    return _branch(digests, pin, copy_abroad)


def reformatted(digests: Digests) -> Branch:
    """Nothing changes but the order of keys and steps, the spelling of documents, and the digits drawn by lot."""

    def respell(head: Digests) -> None:
        text = json.dumps(head).replace("database-*", "database-1234567")
        head[:] = [_respelt(digest) for digest in json.loads(text)]
        for digest in head:
            found = digest["steps"]
            assert isinstance(found, list)
            found.reverse()

    return _branch(digests, lambda _: None, respell)


def _respelt(value: object) -> dict[str, object]:
    turned = _turned(value)
    assert isinstance(turned, dict)
    return turned


def _turned(value: object) -> object:
    if isinstance(value, dict):
        return {key: _turned(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [_turned(item) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.dumps(_turned(json.loads(value)), indent=2)
        except ValueError:
            return value
    return value


BRANCHES: dict[str, Callable[[Digests], Branch]] = {
    "bumped-database": bumped_database,
    "replaced-cache": replaced_cache,
    "forgotten-region": forgotten_region,
    "copied-resident-data": copied_resident_data,
    "reformatted": reformatted,
}
