"""Small rules for names that templates use and no property carries."""

from __future__ import annotations

from collections.abc import Mapping

from local.aws.engine.spec import Derivation
from local.aws.engine.wire import UNKNOWN, Unknown


def part(source: str, separator: str, index: int) -> Derivation:
    """One part of a property, e.g. the region of an ARN: `part("arn", ":", 3)`.  Absent when there is no such part."""

    def derive(state: Mapping[str, object]) -> object:
        value = state.get(source)
        if isinstance(value, Unknown):
            return UNKNOWN
        parts = value.split(separator) if isinstance(value, str) else []
        return parts[index] if -len(parts) <= index < len(parts) else None

    return derive


def first_of(*sources: str) -> Derivation:
    """The first of several properties that is set."""

    def derive(state: Mapping[str, object]) -> object:
        return next((state[name] for name in sources if state.get(name) is not None), None)

    return derive


def by_presence(values: Mapping[str, str]) -> Derivation:
    """A word that depends on which property is set, e.g. what kind of resource a flow log watches."""

    def derive(state: Mapping[str, object]) -> object:
        return next((word for name, word in values.items() if state.get(name) is not None), None)

    return derive


def by_region(values: Mapping[str, str]) -> Derivation:
    """A constant of AWS that differs by region; absent in a region that the table does not name."""

    def derive(state: Mapping[str, object]) -> object:
        return values.get(str(state.get("region")))

    return derive
