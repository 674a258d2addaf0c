"""What a rule is and what it looks at: plain data, so that the same rules judge a running engine and a saved preview.

Owns no rule. A value that is not known before deployment is `UNKNOWN`; a rule that needs it judges at ``up`` instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias


class Unknown:
    """Type of `UNKNOWN`. It is true, equals nothing but itself and has no items."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

Value: TypeAlias = "bool | int | float | str | Unknown | tuple[Value, ...] | Mapping[str, Value] | None"


@dataclass(frozen=True, slots=True)
class Resource:
    """A declared resource. ``props`` are its inputs in the provider's camelCase."""

    type: str
    name: str
    props: Mapping[str, Value]
    protect: bool = False
    urn: str = ""

    def get(self, path: str) -> Value:
        """The value at a dotted path (``a.0.b``); None if absent, `UNKNOWN` if it or what holds it is not known."""
        value: Value = self.props
        for part in path.split("."):
            if isinstance(value, Unknown):
                return UNKNOWN
            if isinstance(value, Mapping):
                value = value.get(part)
            elif isinstance(value, tuple) and part.isdigit():
                value = value[int(part)] if int(part) < len(value) else None
            else:
                return None
        return value

    def items(self, path: str) -> tuple[Value, ...]:
        """The list at ``path``; empty if absent or not known."""
        value = self.get(path)
        return value if isinstance(value, tuple) else ()

    @property
    def stack(self) -> str:
        """The stack that declares it, from the URN (``urn:pulumi:<stack>::<project>::<types>::<name>``)."""
        parts = self.urn.split(":")
        return parts[2] if len(parts) > 2 else ""

    @property
    def disposable(self) -> bool:
        """Whether it belongs to a deployment that may be destroyed with its data."""
        return self.get("tags.Disposable") == "true"


def is_true(value: Value) -> bool:
    """True, or not known yet."""
    return value is True or isinstance(value, Unknown)


def text(value: Value) -> str | None:
    """The string, or None if it is absent or not known."""
    return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Rule:
    """A law about one resource. ``judge`` yields what is wrong, with the remedy."""

    code: str
    """By which an exception names it, for example ``ENC-1``."""
    sentence: str
    reason: str
    judge: Callable[[Resource], Iterable[str]]


@dataclass(frozen=True, slots=True)
class StackRule:
    """A law about the resources of a stack together. ``judge`` yields (resource name or None, what is wrong)."""

    code: str
    sentence: str
    reason: str
    judge: Callable[[tuple[Resource, ...]], Iterable[tuple[Resource | None, str]]]


def of_type(resources: Iterable[Resource], *types: str) -> Iterator[Resource]:
    """Those of ``resources`` that have one of ``types``."""
    return (resource for resource in resources if resource.type in types)


def without_companion(resources: tuple[Resource, ...], companions: list[Value]) -> tuple[Resource, ...]:
    """The buckets that none of ``companions`` (the bucket names that some other resources are for) names.

    A companion whose bucket is not known yet may belong to any of them: then only what is surely without one is
    returned, that is, none as long as there are enough of such companions.
    """
    known = {name for name in companions if isinstance(name, str)}
    open_companions = sum(isinstance(name, Unknown) for name in companions)
    unmatched = tuple(
        bucket for bucket in of_type(resources, "aws:s3/bucket:Bucket") if text(bucket.get("bucket")) not in known
    )
    return unmatched if len(unmatched) > open_companions else ()
