"""botocore's service models: the one source of what an AWS operation accepts.

Owns loading (lazy, cached, thread-safe) and the matching of a Pulumi property name to a member of a shape.
"""

from __future__ import annotations

import threading
from functools import cache

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

__all__ = ["ListShape", "MapShape", "Shape", "StructureShape", "find_member", "is_pairs", "operation", "session"]

_LOCK = threading.RLock()


@cache
def session() -> botocore.session.Session:
    """The one botocore session of the process (its loader caches the models)."""
    return botocore.session.Session()


@cache
def _service(name: str) -> ServiceModel:
    with _LOCK:
        return session().get_service_model(name)


@cache
def operation(service: str, name: str) -> OperationModel:
    """The model of an operation, e.g. `("kms", "CreateKey")`."""
    with _LOCK:
        return _service(service).operation_model(name)


def plain(name: str) -> str:
    """A name without case and separators."""
    return "".join(char for char in name if char.isalnum()).lower()


def forms(name: str) -> tuple[str, ...]:
    """A plain name and its singular and plural forms, the name itself first."""
    base = plain(name)
    found = [base, base + "s", base + "list"]
    if base.endswith("ies"):
        found.append(base[:-3] + "y")
    if base.endswith("y"):
        found.append(base[:-1] + "ies")
    if base.endswith("es"):
        found.append(base[:-2])
    if base.endswith("s"):
        found += [base[:-1], base[:-1] + "list"]
    return tuple(found)


@cache
def _plain_members(shape: StructureShape) -> dict[str, str]:
    return {plain(member): member for member in shape.members}


def find_member(shape: StructureShape, name: str) -> str | None:
    """The member that a property name means: same letters whatever the case, singular or plural."""
    members = _plain_members(shape)
    return next((members[form] for form in forms(name) if form in members), None)


PAIR_KEYS = ("Key", "TagKey", "ParameterKey", "Name")
PAIR_VALUES = ("Value", "TagValue", "ParameterValue")


def is_pairs(shape: Shape) -> tuple[str, str] | None:
    """(key member, value member) when the shape is a list of key/value structures."""
    if not isinstance(shape, ListShape) or not isinstance(shape.member, StructureShape):
        return None
    members = shape.member.members
    key = next((name for name in PAIR_KEYS if name in members), None)
    value = next((name for name in PAIR_VALUES if name in members), None)
    return (key, value) if key and value and len(members) <= 3 else None
