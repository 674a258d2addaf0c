"""Saved previews made small and the same every time: what the programs declare, without what the engine drew by lot.

Names that the engine completes with random digits change with every preview from nothing; here they end in ``*``.
Outputs, which a preview mostly does not know, are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ops.review.declared import Json

_DRAWN: Final = re.compile(r"(?P<stem>[A-Za-z0-9_.-]*?)-(?P<digits>[0-9a-f]{7})(?![0-9a-f])")
"""A name with the seven digits that the engine appends (pulumi sdk: ``resource.NewUniqueHex``)."""
_KEPT: Final = ("custom", "protect", "inputs")


def settled(digests: Iterable[Mapping[str, Json]]) -> list[dict[str, Json]]:
    """``digests`` with only what is declared, and with ``*`` for the digits of names that nobody chose."""
    listed = list(digests)
    drawn = frozenset(name for digest in listed for name in _drawn_names(digest))
    return [_digest(digest, drawn) for digest in listed]


def _drawn_names(digest: Mapping[str, Json]) -> Iterable[str]:
    for step in _steps(digest):
        inputs = _mapping(_mapping(step.get("new")).get("inputs"))
        filled = inputs.get("__defaults")
        for key in filled if isinstance(filled, list) else []:
            value = inputs.get(key)
            if isinstance(value, str) and _DRAWN.fullmatch(value):
                yield value


def _digest(digest: Mapping[str, Json], drawn: frozenset[str]) -> dict[str, Json]:
    steps = [
        {
            "op": step.get("op"),
            "urn": step.get("urn"),
            "type": step.get("type"),
            "old": None,
            "new": {key: _without(new[key], drawn) for key in _KEPT if key in new},
        }
        for step in _steps(digest)
        if (new := _mapping(step.get("new"))).get("custom")
    ]
    return {"stack": digest.get("stack"), "operation": "preview", "ok": digest.get("ok"), "steps": steps}


def _without(value: Json, drawn: frozenset[str]) -> Json:
    if isinstance(value, str):
        return _DRAWN.sub(lambda match: f"{match['stem']}-*" if match[0] in drawn else match[0], value)
    if isinstance(value, list):
        return [_without(item, drawn) for item in value]
    if isinstance(value, Mapping):
        return {key: _without(item, drawn) for key, item in value.items()}
    return value


def _steps(digest: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    steps = digest.get("steps")
    return [step for step in steps if isinstance(step, Mapping)] if isinstance(steps, list) else []


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
