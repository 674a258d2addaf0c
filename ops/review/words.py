"""Words: how a property, a value and a change read. Redacts what must not be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from ops.review.changes import Change, Difference, Kind
from policies.model import Unknown, Value

MAX_VALUE: Final = 80
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ACCOUNT: Final = re.compile(r"\b\d{12}\b")
_ACCESS_KEY: Final = re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b")
_PRINCIPAL: Final = re.compile(r"arn:aws:(iam|sts)::[^:\s\"]*:[^\s\"',]+")
_SECRET_NAMES: Final = re.compile(r"password|secretString|token(?!Key)|privateKey|authToken", re.IGNORECASE)


def redact(text: str) -> str:
    """``text`` without account numbers, access keys and principals."""
    text = _PRINCIPAL.sub("[principal]", text)
    text = _ACCESS_KEY.sub("[access key]", text)
    return _ACCOUNT.sub("[account]", text)


def path_in_words(path: str) -> str:
    """``instanceClass`` is ``instance class``; list positions are counted from 1."""
    parts = [f"#{int(part) + 1}" if part.isdigit() else _HUMP.sub(" ", part).lower() for part in path.split(".")]
    return " ".join(parts)


def value_in_words(path: str, value: Value) -> str:
    """A value, short and without secrets."""
    if _SECRET_NAMES.search(path.rsplit(".", 1)[-1]) and isinstance(value, str):
        return "[secret]"
    if value is None:
        return "(none)"
    if isinstance(value, Unknown):
        return "(known after deployment)"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = value if isinstance(value, str) else json.dumps(_plain(value), sort_keys=True)
    text = redact(text.replace("\n", " "))
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _plain(value: Value) -> object:
    if isinstance(value, Unknown):
        return "?"
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value


def type_in_words(kind: str) -> str:
    """``aws:rds/instance:Instance`` is ``rds instance``; Kubernetes kinds keep their name."""
    package, _, rest = kind.partition(":")
    module, _, name = rest.partition(":")
    if package == "kubernetes":
        return name
    return f"{module.split('/')[0]} {_HUMP.sub(' ', name).lower()}"


def difference_in_words(difference: Difference) -> str:
    """``instance class r7g.xlarge → r7g.2xlarge``."""
    before = value_in_words(difference.path, difference.before)
    after = value_in_words(difference.path, difference.after)
    forces = " (forces replacement)" if difference.forces else ""
    return f"{path_in_words(difference.path)} {before} → {after}{forces}"


def change_in_words(change: Change) -> list[str]:
    """The lines of one change, without its place."""
    what = f"{change.name} ({type_in_words(change.type)})"
    if change.kind is Kind.ADD:
        return [f"+ {what}"]
    if change.kind is Kind.REMOVE:
        return [f"- {what}"]
    sign = "±" if change.kind is Kind.REPLACE else "~"
    lines = [f"{sign} {what}: {difference_in_words(difference)}" for difference in change.differences]
    return lines or [f"{sign} {what}"]
