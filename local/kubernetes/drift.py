"""What somebody changed of an object in a cluster, seen from what the program stated.

Pure. Three versions are compared: what was stated, what the server makes of that now (a dry run), and what it has. The
dry run has the same defaults and spellings as the live object (`1000m` is `1` in both), so only real differences are
left. What others added beside our fields is theirs, as server-side apply has it, and no drift.
"""

from __future__ import annotations

from typing import Final

from local.kubernetes.values import Object, Value, as_object

_ITEM_KEYS: Final = (
    "name",
    "mountPath",
    "devicePath",
    "containerPort",
    "port",
    "topologyKey",
    "ip",
    "uid",
    "key",
    "type",
)
"""By which the items of a list are told apart: the merge keys of the Kubernetes API reference, the usual first."""


def observed(stated: Object, expected: Object, live: Object) -> Object:
    """`stated`, with what differs between `expected` and `live` as it is in `live`; equal to `stated` without drift."""
    return {key: _merged(value, expected.get(key), live[key]) for key, value in stated.items() if key in live}


def without_bookkeeping(live: Object) -> Object:
    """A live object without what the server keeps in it: for imports, where nothing was stated."""
    kept = {key: value for key, value in live.items() if key != "status"}
    metadata = as_object(live.get("metadata"))
    wanted = ("name", "namespace", "labels", "annotations")
    return {**kept, "metadata": {key: metadata[key] for key in wanted if key in metadata}}


def _merged(stated: Value, expected: Value, live: Value) -> Value:
    if expected == live:
        return stated
    if isinstance(stated, dict) and isinstance(live, dict):
        return observed(stated, as_object(expected), live)
    if isinstance(stated, list) and isinstance(live, list) and isinstance(expected, list):
        return _merged_items(stated, expected, live)
    return live


def _merged_items(stated: list[Value], expected: list[Value], live: list[Value]) -> Value:
    """Item by item where they can be told apart, else the whole list as it is."""
    were, are, wanted = _by_key(expected), _by_key(live), _by_key(stated)
    if were is None or are is None or wanted is None:
        return live
    kept: list[Value] = [_merged(item, were.get(key), are[key]) for key, item in wanted.items() if key in are]
    return kept + [item for key, item in are.items() if key not in were]


def _by_key(items: list[Value]) -> dict[str, Value] | None:
    for name in _ITEM_KEYS:
        keys = [item.get(name) for item in items if isinstance(item, dict)]
        texts = [str(key) for key in keys if isinstance(key, (str, int))]
        if len(texts) == len(items) == len(set(texts)):
            return dict(zip(texts, items, strict=True))
    return None
