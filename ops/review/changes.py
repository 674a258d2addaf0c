"""Changes: what a deployment would do, one finding per property that differs. Owns no wording (``words``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ops.review.declared import Json, component_of, inputs_of
from policies.model import Value


class Kind(StrEnum):
    """What would happen to a resource."""

    ADD = "add"
    UPDATE = "update"
    REPLACE = "replace"
    REMOVE = "remove"


_KINDS = {
    "create": Kind.ADD,
    "update": Kind.UPDATE,
    "replace": Kind.REPLACE,
    "create-replacement": Kind.REPLACE,
    "delete-replaced": Kind.REPLACE,
    "delete": Kind.REMOVE,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One property before and after; None where it is absent."""

    path: str
    before: Value
    after: Value
    forces: bool
    """Whether it is what forces the replacement."""


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that a deployment would touch."""

    stack: str
    component: str
    kind: Kind
    type: str
    name: str
    urn: str
    differences: tuple[Difference, ...]
    before: Mapping[str, Value]
    after: Mapping[str, Value]

    @property
    def place(self) -> str:
        """``database.mumbai``."""
        return f"{self.component}.{self.stack}"


def changes(digests: Iterable[Mapping[str, Json]]) -> tuple[Change, ...]:
    """All changes in ``digests``, each resource once; sorted by stack, component and name."""
    found: dict[str, Change] = {}
    for digest in digests:
        steps = digest.get("steps")
        for step in steps if isinstance(steps, list) else []:
            change = _change(str(digest.get("stack")), step)
            if change is not None and _outranks(change, found.get(change.urn)):
                found[change.urn] = change
    return tuple(sorted(found.values(), key=lambda c: (c.stack, c.component, c.type, c.name)))


def _outranks(new: Change, known: Change | None) -> bool:
    """A replacement arrives as several steps; the one that knows both sides says most."""
    return known is None or (bool(new.before) + bool(new.after)) > (bool(known.before) + bool(known.after))


def _change(stack: str, step: Mapping[str, Json]) -> Change | None:
    kind = _KINDS.get(str(step.get("op")))
    old, new = step.get("old"), step.get("new")
    state = new if isinstance(new, Mapping) else old
    if kind is None or not isinstance(state, Mapping) or not state.get("custom"):
        return None
    urn = str(step.get("urn"))
    before = inputs_of(old) if isinstance(old, Mapping) else {}
    after = inputs_of(new) if isinstance(new, Mapping) and kind is not Kind.REMOVE else {}
    forced = step.get("replacedFor")
    forces = {str(item) for item in forced} if isinstance(forced, list) else set()
    differences = tuple(_differences("", before, after, forces)) if kind in (Kind.UPDATE, Kind.REPLACE) else ()
    if kind is Kind.UPDATE and not differences:
        return None
    return Change(
        stack=stack,
        component=component_of(urn),
        kind=kind,
        type=str(step.get("type")),
        name=urn.rsplit("::", 1)[-1],
        urn=urn,
        differences=differences,
        before=before,
        after=after,
    )


def _differences(path: str, before: Value, after: Value, forces: set[str]) -> Iterator[Difference]:
    if before == after:
        return
    before, after = _parsed(before), _parsed(after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _differences(f"{path}.{key}" if path else key, before.get(key), after.get(key), forces)
    elif isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differences(f"{path}.{index}", one, other, forces)
    elif before != after:
        yield Difference(path, before, after, forces=path.split(".")[0] in forces)


def _parsed(value: Value) -> Value:
    """Documents that travel as JSON text are compared by content, not by spelling."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            loaded = json.loads(value)
        except ValueError:
            return value
        return _frozen(loaded)
    return value


def _frozen(value: Json) -> Value:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {str(key): _frozen(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"JSON holds no {type(value).__name__}")
