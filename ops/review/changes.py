"""Changes: what a deployment would do to which resource, read from the engine or from two declarations.

Owns what counts as a change. Does not own its wording (``words``) nor which property forces a replacement
(``replacing``, or the provider).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ops.review.declared import Declared, Json, component_of, inputs_of, value_of
from ops.review.differences import Difference, differences
from policies.model import Value


class Kind(StrEnum):
    """What would happen to a resource."""

    ADD = "add"
    UPDATE = "update"
    REPLACE = "replace"
    REMOVE = "remove"


_KINDS = {
    "create": Kind.ADD,
    "import": Kind.ADD,
    "update": Kind.UPDATE,
    "replace": Kind.REPLACE,
    "create-replacement": Kind.REPLACE,
    "delete-replaced": Kind.REPLACE,
    "import-replacement": Kind.REPLACE,
    "delete": Kind.REMOVE,
    "discard": Kind.REMOVE,
}


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
    return _ordered(found.values())


def compared(
    before: Iterable[Declared], after: Iterable[Declared], forces: Callable[[str, str], bool]
) -> tuple[Change, ...]:
    """The changes that lead from one declaration to the other, without an engine or a state.

    ``forces`` says of a type and a dotted path whether a change there needs a new resource. What is known only after
    deployment is taken as equal, so replacements that follow from another replacement are not among the changes.
    """
    old, new = ({entry.urn: entry for entry in side} for side in (before, after))
    return _ordered(
        change for urn in old.keys() | new.keys() if (change := _between(old.get(urn), new.get(urn), forces))
    )


def _between(old: Declared | None, new: Declared | None, forces: Callable[[str, str], bool]) -> Change | None:
    present = new or old
    if present is None:
        return None
    found: tuple[Difference, ...] = ()
    if new is None or old is None:
        kind = Kind.REMOVE if new is None else Kind.ADD
    else:
        found = tuple(differences(old.inputs, new.inputs, lambda path: forces(present.type, path)))
        if old.protect != new.protect:
            found = (*found, Difference("protect", old.protect, new.protect, forces=False))
        if not found:
            return None
        kind = Kind.REPLACE if any(entry.forces for entry in found) else Kind.UPDATE
    return Change(
        stack=present.stack,
        component=present.component,
        kind=kind,
        type=present.type,
        name=present.name,
        urn=present.urn,
        differences=found,
        before=old.inputs if old else {},
        after=new.inputs if new else {},
    )


def _ordered(found: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(found, key=lambda c: (c.stack, c.component, c.type, c.name, c.urn)))


def _outranks(new: Change, known: Change | None) -> bool:
    """A replacement arrives as several steps; the one that knows both sides says most."""
    return known is None or (bool(new.before) + bool(new.after)) > (bool(known.before) + bool(known.after))


def _change(stack: str, step: Mapping[str, Json]) -> Change | None:
    kind = _KINDS.get(str(step.get("op")))
    old, new = step.get("old"), step.get("new")
    state = new if isinstance(new, Mapping) else old
    if kind is None or not isinstance(state, Mapping) or not state.get("custom"):
        return None
    type_token = str(step.get("type"))
    if type_token.startswith("pulumi:"):
        return None
    urn = str(step.get("urn"))
    before = inputs_of(old) if isinstance(old, Mapping) else {}
    after = inputs_of(new) if isinstance(new, Mapping) and kind is not Kind.REMOVE else {}
    return Change(
        stack=stack,
        component=component_of(urn),
        kind=kind,
        type=type_token,
        name=urn.rsplit("::", 1)[-1],
        urn=urn,
        differences=_found(step, before, after) if kind in (Kind.UPDATE, Kind.REPLACE) and before and after else (),
        before=before,
        after=after,
    )


def _found(step: Mapping[str, Json], before: Mapping[str, Value], after: Mapping[str, Value]) -> tuple[Difference, ...]:
    forced = _names(step.get("replacedFor"))
    declared = tuple(differences(before, after, lambda path: path.split(".")[0] in forced))
    said = {difference.path.split(".")[0] for difference in declared}
    return (*declared, *_beyond(step, forced, said))


def _beyond(step: Mapping[str, Json], forced: frozenset[str], said: set[str]) -> Iterator[Difference]:
    """What the provider would change although the program does not say so: drift, or a default of its own."""
    old, new = step.get("old"), step.get("new")
    seen = old.get("outputs") if isinstance(old, Mapping) else None
    wanted = new.get("inputs") if isinstance(new, Mapping) else None
    for name in sorted({path.split(".")[0].split("[")[0] for path in _names(step.get("changed")) | forced} - said):
        yield Difference(
            name,
            value_of(seen.get(name)) if isinstance(seen, Mapping) else None,
            value_of(wanted.get(name)) if isinstance(wanted, Mapping) else None,
            forces=name in forced,
        )


def _names(value: Json) -> frozenset[str]:
    return frozenset(str(item) for item in value) if isinstance(value, list) else frozenset()
