"""What an emulator answers, held against what was declared: the half of refresh that is pure.

Only declared properties are compared, and of a structure only declared members: what AWS adds by itself is no drift.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from botocore import xform_name

from local.aws.engine.convert import steps
from local.aws.engine.models import PAIR_KEYS, PAIR_VALUES, forms, plain
from local.aws.engine.wire import is_list, is_mapping


def covered(wanted: object, live: object, *, superset: bool = False) -> bool:
    """True when everything wanted is so in the live value (order of lists is free; `superset`: more entries are too)."""
    if superset and is_list(wanted) and is_list(live):
        return all(any(covered(item, other) for other in live) for item in wanted)
    if is_mapping(wanted):
        if not is_mapping(live):
            return not wanted and live is None
        return all(covered(item, live[key]) if key in live else _is_empty(item) for key, item in wanted.items())
    if is_list(wanted):
        return _covered_list(wanted, live if is_list(live) else [] if live is None else [live])
    return _same(wanted, live)


def _covered_list(wanted: list[object], live: list[object]) -> bool:
    if len(wanted) != len(live):
        return False
    rest = list(live)
    for item in wanted:
        match = next((index for index, other in enumerate(rest) if covered(item, other)), None)
        if match is None:
            return False
        rest.pop(match)
    return True


def _is_empty(value: object) -> bool:
    return value in (None, "", False, 0) or value == [] or value == {}


def _same(wanted: object, live: object) -> bool:
    if wanted == live:
        return True
    if isinstance(wanted, bytes) or isinstance(live, bytes):
        return _bytes(wanted) == _bytes(live)
    if isinstance(live, datetime):
        return True if not isinstance(wanted, str) else _moment(wanted) == _moment(live.isoformat())
    left, right = _json(wanted), _json(live)
    if is_mapping(left) or is_list(left):
        return left == right
    if isinstance(wanted, bool) or isinstance(live, bool):
        return str(wanted).lower() == str(live).lower()
    if isinstance(wanted, int | float) or isinstance(live, int | float):
        try:
            return float(str(wanted)) == float(str(live))
        except ValueError:
            return False
    return str(wanted).rstrip(".") == str(live).rstrip(".") if live is not None else _is_empty(wanted)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _moment(text: str) -> str:
    return text.replace("Z", "+00:00").replace("+00:00", "")[:19]


def _json(value: object) -> object:
    if is_mapping(value) or is_list(value):
        return value
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def lookup(node: object, path: str) -> object:
    """The value at a request path within an answer, None when it is not there."""
    for step in steps(path):
        if is_mapping(node):
            node = node[step] if step in node else _by_form(node, step)
        elif is_list(node) and step.isdigit():
            node = node[int(step)] if int(step) < len(node) else None
        elif is_list(node):
            node = _pair_value(node, step)
        else:
            return None
    return node


def _by_form(node: Mapping[str, object], name: str) -> object:
    members = {plain(key): value for key, value in node.items()}
    return next((members[form] for form in forms(name) if form in members), None)


def _pair_value(node: list[object], key: str) -> object:
    for entry in node:
        if is_mapping(entry) and any(entry.get(name) == key for name in PAIR_KEYS):
            return next((entry[name] for name in PAIR_VALUES if name in entry), None)
    return None


def as_declared(live: object, declared: object) -> object:
    """A live value in the provider's style, in the form of the declared value as far as it has one."""
    if is_mapping(declared) and is_list(live):
        pairs = tags_of(live)
        if pairs is not None:
            return pairs
        if len(live) == 1:
            return as_declared(live[0], declared)
    if is_mapping(declared) and is_mapping(live):
        return {
            key: as_declared(value, declared[key]) for key in declared if (value := _by_form(live, key)) is not None
        }
    if is_list(declared) and is_mapping(live) and is_list(live.get("Items")):
        live = live["Items"]
    if is_list(live) and is_list(declared):
        sample = declared[0] if declared else None
        return [as_declared(item, declared[i] if i < len(declared) else sample) for i, item in enumerate(live)]
    if isinstance(declared, bool) and str(live).lower() in ("true", "false"):
        return str(live).lower() == "true"
    if isinstance(declared, str) and (is_mapping(live) or is_list(live)):
        return json.dumps(live, sort_keys=True, default=str)
    if isinstance(declared, int | float) and isinstance(live, str):
        try:
            return float(live) if "." in live else int(live)
        except ValueError:
            return live
    return camelised(live)


def camelised(live: object) -> object:
    """A live value with the provider's style of names; moments become ISO 8601 text."""
    if is_mapping(live):
        return {camel(key): camelised(value) for key, value in live.items() if value is not None}
    if is_list(live):
        return [camelised(item) for item in live]
    if isinstance(live, datetime):
        return live.isoformat()
    if isinstance(live, bytes):
        return live.decode(errors="replace")
    return live


def camel(member: str) -> str:
    """`DBInstanceArn` -> `dbInstanceArn`."""
    head, *tail = str(xform_name(member)).split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def tags_of(live: object) -> dict[str, object] | None:
    """A list of key/value structures (or a map) as a map; None when it is neither."""
    if is_mapping(live):
        return dict(live)
    if live is None:
        return {}
    if not is_list(live):
        return None
    result: dict[str, object] = {}
    for entry in live:
        if not is_mapping(entry):
            return None
        key = next((entry[name] for name in PAIR_KEYS if name in entry), None)
        if not isinstance(key, str):
            return None
        result[key] = next((entry[name] for name in PAIR_VALUES if name in entry), "")
    return result
