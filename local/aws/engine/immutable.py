"""Which changed property forces a replacement.

The source is `createOnlyProperties` of CloudFormation's schemas, as carried by cfn-lint; corrections are in the tables
(`replace`, `in_place`).  A property that no update operation takes replaces too.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from local.aws.engine.models import forms, plain
from local.aws.engine.requests import owned, takes
from local.aws.engine.spec import ResourceType

_SCHEMAS = files("cfnlint") / "data" / "schemas"


@cache
def _index() -> dict[str, str]:
    index: dict[str, str] = json.loads((_SCHEMAS / "providers" / "us-east-1.json").read_text())
    return index


@cache
def create_only(cfn: str) -> frozenset[str]:
    """The plain names of a CloudFormation type's properties that cannot change; raises KeyError for no such type."""
    schema = json.loads((_SCHEMAS / "resources" / f"{_index()[cfn]}.json").read_text())
    return frozenset(plain(path.rsplit("/", 1)[-1]) for path in schema.get("createOnlyProperties", []))


def replaces(kind: ResourceType, name: str) -> bool:
    """True when a change of the property replaces the resource."""
    if name == "region" or name in kind.replace:
        return True
    if name in kind.in_place or name in kind.local or name in owned(kind) or name in kind.delta:
        return False
    if name == "tags" and kind.tagging:
        return False
    if kind.cfn:
        last = kind.rename.get(name, name).rsplit("/", 1)[-1]
        candidates = {*forms(name), *forms(last)}
        if candidates & create_only(kind.cfn):
            return True
    return kind.update is None or not takes(kind, kind.update, kind.rename, name)
