"""Declared properties to the members that an AWS operation takes, by the operation's own model.

Owns names (case, singular and plural), containers (a block for a list, tags, CloudFront's Quantity/Items) and the
checks of each value: unknown member, type, enumeration, range.  What an API calls otherwise comes from the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from local.aws.engine.models import ListShape, MapShape, Shape, StructureShape, find_member, is_pairs
from local.aws.engine.wire import UNKNOWN, Unknown, is_list, is_mapping


@dataclass(frozen=True)
class Issue:
    """What is wrong with a declared value, and where (`rules[0].status`)."""

    path: str
    reason: str


@dataclass
class Converter:
    """Converts values and collects what is wrong with them in `issues`."""

    nested: Mapping[str, str]
    issues: list[Issue] = field(default_factory=list)

    def convert(self, value: object, shape: Shape, where: str) -> object:
        """The value as the shape wants it; unknown parts stay UNKNOWN."""
        if isinstance(value, Unknown):
            return UNKNOWN
        if isinstance(shape, StructureShape):
            return self._structure(value, shape, where)
        if isinstance(shape, ListShape):
            return self._list(value, shape, where)
        if isinstance(shape, MapShape):
            return self._map(value, shape, where)
        return self._scalar(value, shape, where)

    def _structure(self, value: object, shape: StructureShape, where: str) -> object:
        if getattr(shape, "is_document_type", False):
            return value
        counted = "Items" in shape.members and "Quantity" in shape.members
        if is_list(value):
            if counted:
                switch = {"Enabled": bool(value)} if "Enabled" in shape.members else {}
                return {**switch, "Quantity": len(value), "Items": self.convert(value, shape.members["Items"], where)}
            if len(value) != 1:
                self._issue(where, f"takes one block, {len(value)} are given")
                return {}
            value = value[0]
        if not is_mapping(value):
            self._issue(where, f"must be an object with {_names(shape)}, it is {_describe(value)}")
            return {}
        result: dict[str, object] = {}
        for key, item in value.items():
            self._member(result, shape, key, item, where)
        if counted and "Quantity" not in result:
            items = result.get("Items")
            result["Quantity"] = UNKNOWN if isinstance(items, Unknown) else len(items) if is_list(items) else 0
        return result

    def _member(self, result: dict[str, object], shape: StructureShape, key: str, item: object, where: str) -> None:
        exception = self.nested.get(f"{shape.name}.{key}")
        if exception == "" or item is None:
            return
        path = exception or find_member(shape, key)
        here = f"{where}.{key}"
        target = shape_at(shape, path) if path else None
        if path is None or target is None:
            self._issue(here, f"{shape.name} has no such member; allowed: {_names(shape)}")
            return
        place(result, shape, path, self.convert(item, target, here))

    def _list(self, value: object, shape: ListShape, where: str) -> object:
        pairs = is_pairs(shape)
        if pairs and is_mapping(value) and not _is_one_pair(value, pairs):
            return [{pairs[0]: key, pairs[1]: _text(item)} for key, item in value.items()]
        items = value if is_list(value) else [value]
        self._range(len(items), shape, where, "entries")
        return [self.convert(item, shape.member, f"{where}[{index}]") for index, item in enumerate(items)]

    def _map(self, value: object, shape: MapShape, where: str) -> object:
        if not is_mapping(value):
            self._issue(where, f"must be a map, it is {_describe(value)}")
            return {}
        allowed = shape.key.enum
        for key in value:
            if allowed and key not in allowed:
                self._issue(f"{where}.{key}", f"is no key of {shape.name}; allowed: {', '.join(allowed)}")
        return {key: self.convert(item, shape.value, f"{where}.{key}") for key, item in value.items()}

    def _scalar(self, value: object, shape: Shape, where: str) -> object:
        kind = shape.type_name
        if is_mapping(value) or (is_list(value) and len(value) != 1):
            self._issue(where, f"must be a {kind}, it is {_describe(value)}")
            return value
        if is_list(value):
            value = value[0]
        if kind in ("string", "character"):
            return self._string(_text(value), shape, where)
        if kind == "boolean":
            return self._boolean(value, where)
        if kind in ("integer", "long"):
            return self._number(value, shape, where, whole=True)
        if kind in ("float", "double"):
            return self._number(value, shape, where, whole=False)
        if kind == "blob":
            return value if isinstance(value, bytes) else str(value).encode()
        return value

    def _string(self, text: object, shape: Shape, where: str) -> object:
        if not isinstance(text, str):
            return text
        if shape.enum and text not in shape.enum:
            self._issue(where, f"{text!r} is not allowed; allowed: {', '.join(shape.enum)}")
        self._range(len(text), shape, where, "characters")
        return text

    def _boolean(self, value: object, where: str) -> object:
        if isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        self._issue(where, f"must be true or false, it is {_describe(value)}")
        return value

    def _number(self, value: object, shape: Shape, where: str, *, whole: bool) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            self._issue(where, f"must be a number, it is {_describe(value)}")
            return value
        try:
            number = int(value) if whole else float(value)
            if whole and float(value) != number:
                raise ValueError
        except ValueError:
            self._issue(where, f"must be {'a whole number' if whole else 'a number'}, it is {value!r}")
            return value
        self._range(number, shape, where, "")
        return number

    def _range(self, amount: float, shape: Shape, where: str, unit: str) -> None:
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        if low is not None and amount < low:
            self._issue(where, f"is {amount:g} {unit}".rstrip() + f"; at least {low:g}")
        if high is not None and amount > high:
            self._issue(where, f"is {amount:g} {unit}".rstrip() + f"; at most {high:g}")

    def _issue(self, where: str, reason: str) -> None:
        self.issues.append(Issue(where, reason))


def shape_at(shape: Shape, path: str) -> Shape | None:
    """The shape at a request path, None when the path does not exist."""
    current: Shape = shape
    for step in steps(path):
        if isinstance(current, StructureShape):
            if step not in current.members:
                return None
            current = current.members[step]
        elif isinstance(current, MapShape):
            current = current.value
        elif isinstance(current, ListShape):
            pairs = is_pairs(current)
            current = current.member if step.isdigit() or not pairs else current.member.members[pairs[1]]
        else:
            return None
    return current


def steps(path: str) -> list[str]:
    """The steps of a request path."""
    return [step for step in path.split("/") if step]


def place(request: dict[str, object], shape: Shape, path: str, value: object) -> None:
    """Put a value at a path of a request, making what is on the way; two values for one list are joined."""
    holder: object = request
    current: Shape = shape
    walk = steps(path)
    for index, step in enumerate(walk):
        last = index == len(walk) - 1
        if isinstance(current, ListShape) and isinstance(holder, list):
            holder, step = _list_slot(holder, current, step, last)
            current = current.member
            if step == "":
                continue
        if not isinstance(holder, dict):
            raise TypeError(f"path {path!r} of {shape.name} leads through {_describe(holder)}")
        following = _following(current, step)
        if last:
            _assign(holder, step, value)
            return
        empty: object = [] if isinstance(following, ListShape) else {}
        holder = holder.setdefault(step, empty)
        current = following


def _following(shape: Shape, step: str) -> Shape:
    if isinstance(shape, MapShape):
        return shape.value
    if isinstance(shape, StructureShape):
        return shape.members[step]
    raise TypeError(f"{shape.name} has no part {step!r}")


def _list_slot(holder: list[object], shape: ListShape, step: str, last: bool) -> tuple[object, str]:
    """The entry of a list that a step means, and the key within it to go on with ("" for the entry itself)."""
    if step.isdigit():
        while len(holder) <= int(step):
            holder.append({})
        return holder[int(step)], ""
    pairs = is_pairs(shape)
    if pairs is None or not last:
        raise TypeError(f"{shape.name} is not a list of key/value structures: {step!r} has no place in it")
    entry: dict[str, object] = {pairs[0]: step}
    holder.append(entry)
    return entry, pairs[1]


def _assign(holder: dict[str, object], step: str, value: object) -> None:
    existing = holder.get(step)
    if is_list(existing) and is_list(value):
        holder[step] = [*existing, *value]
    elif is_mapping(existing) and is_mapping(value):
        holder[step] = {**existing, **value}
    else:
        holder[step] = value


def _is_one_pair(value: Mapping[str, object], pairs: tuple[str, str]) -> bool:
    return {key.lower() for key in value} == {pairs[0].lower(), pairs[1].lower()}


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _names(shape: StructureShape) -> str:
    return ", ".join(shape.members) or "nothing"


def _describe(value: object) -> str:
    if is_mapping(value):
        return "an object"
    return "a list" if is_list(value) else f"{value!r}"
