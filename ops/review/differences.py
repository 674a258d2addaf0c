"""Differences: one per property that is not the same before and after. Owns no wording and no resource."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ops.review.declared import Json
from policies.model import Unknown, Value

Forces = Callable[[str], bool]
"""Whether a change at a dotted path needs a new resource."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One property before and after; None where it is absent. Of a list, only the entries that differ."""

    path: str
    before: Value
    after: Value
    forces: bool
    """Whether it is what forces the replacement."""


def differences(before: Value, after: Value, forces: Forces, path: str = "") -> Iterator[Difference]:
    """The differences of two values at ``path``, each at the deepest property that names it."""
    if before == after:
        return
    before, after = _parsed(before), _parsed(after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from differences(before.get(key), after.get(key), forces, f"{path}.{key}" if path else key)
    elif isinstance(before, tuple) and isinstance(after, tuple):
        yield from _entries(before, after, forces, path)
    elif before != after:
        yield Difference(path, before, after, forces(path))


def _entries(before: tuple[Value, ...], after: tuple[Value, ...], forces: Forces, path: str) -> Iterator[Difference]:
    structured = any(isinstance(item, (Mapping, tuple)) for item in (*before, *after))
    if structured and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, forces, f"{path}.{index}")
        return
    gone, come = _surplus(before, after), _surplus(after, before)
    if gone or come:
        yield Difference(path, gone or None, come or None, forces(path))
    elif before != after:
        yield Difference(path, before, after, forces(path))


def _surplus(these: tuple[Value, ...], those: tuple[Value, ...]) -> tuple[Value, ...]:
    """The entries of ``these`` that ``those`` lacks, in order; an entry counts as often as it stands."""
    left = Counter(canonical(item) for item in those)
    result = []
    for item in these:
        key = canonical(item)
        if left[key]:
            left[key] -= 1
        else:
            result.append(item)
    return tuple(result)


def canonical(value: Value) -> str:
    """A text that is equal for equal values, whatever the order of keys and the spelling of JSON documents in it."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Value) -> Json:
    value = _parsed(value)
    if isinstance(value, Unknown):
        return {"unknown": True}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _parsed(value: Value) -> Value:
    """Documents that travel as JSON text are compared by content, not by spelling."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return _frozen(json.loads(value))
        except (ValueError, RecursionError):
            return value
    return value


def _frozen(value: Json) -> Value:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return {str(key): _frozen(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"JSON holds no {type(value).__name__}")
