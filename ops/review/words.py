"""Words: how a property, a value and a change read. Redacts what must not be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from ops.review.changes import Change, Kind
from ops.review.differences import Difference
from policies.model import Unknown, Value

MAX_VALUE: Final = 80
HIDDEN: Final = "[secret]"
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ACCOUNT: Final = re.compile(r"(?<!\d)\d{12}(?!\d)")
_ACCESS_KEY: Final = re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA|AROA|AIDA|AGPA)[A-Z0-9]{12,}")
_PRINCIPAL: Final = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::[^:\s\"]*:[^\s\"',\]}]+")
_TOKEN: Final = re.compile(
    r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END|$)", re.DOTALL
)
_SECRET_NAMES: Final = re.compile(
    r"password|passphrase|secret(String|Binary|Key$)|privateKey|auth_?token", re.IGNORECASE
)
_SECRET_OBJECTS: Final = ("data", "stringData")
"""Of a Kubernetes Secret."""


def redact(text: str) -> str:
    """``text`` without account numbers, access keys, tokens and principals."""
    text = _TOKEN.sub(HIDDEN, text)
    text = _PRINCIPAL.sub("[principal]", text)
    text = _ACCESS_KEY.sub("[access key]", text)
    return _ACCOUNT.sub("[account]", text)


def path_in_words(path: str) -> str:
    """``instanceClass`` is ``instance class``; list positions are counted from 1."""
    parts = [f"#{int(part) + 1}" if part.isdigit() else _HUMP.sub(" ", part).lower() for part in path.split(".")]
    return " ".join(parts)


def value_in_words(path: str, value: Value) -> str:
    """A value, short and without secrets."""
    value = _without_secrets(value, hidden=any(_SECRET_NAMES.search(part) for part in path.split(".")))
    if value is None:
        return "(none)"
    if isinstance(value, Unknown):
        return "(known after deployment)"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple) and not any(isinstance(item, (Mapping, tuple)) for item in value):
        text = ", ".join(str(_plain(item)) for item in value)
    else:
        text = value if isinstance(value, str) else json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)
    text = redact(" ".join(text.split()))
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _without_secrets(value: Value, *, hidden: bool) -> Value:
    if isinstance(value, Mapping):
        return {
            key: _without_secrets(item, hidden=hidden or bool(_SECRET_NAMES.search(key))) for key, item in value.items()
        }
    if isinstance(value, tuple):
        return tuple(_without_secrets(item, hidden=hidden) for item in value)
    return HIDDEN if hidden and isinstance(value, str) else value


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


def difference_in_words(difference: Difference, *, hidden: bool = False) -> str:
    """``instance class r7g.xlarge → r7g.2xlarge``; ``hidden``: without the values."""
    forces = " (forces replacement)" if difference.forces else ""
    path = redact(path_in_words(difference.path))
    if hidden:
        return f"{path} {HIDDEN}{forces}"
    before = value_in_words(difference.path, difference.before)
    after = value_in_words(difference.path, difference.after)
    if before == after:
        return f"{path} differs beyond what can be shown here: {before}{forces}"
    return f"{path} {before} → {after}{forces}"


def subject(change: Change) -> str:
    """``database-primary (rds instance)``."""
    return redact(f"{change.name} ({type_in_words(change.type)})")


def change_in_words(change: Change) -> list[str]:
    """The lines of one change, without its place."""
    what = subject(change)
    if change.kind is Kind.ADD:
        return [f"+ {what}"]
    if change.kind is Kind.REMOVE:
        return [f"- {what}"]
    sign = "±" if change.kind is Kind.REPLACE else "~"
    lines = [
        f"{sign} {what}: {difference_in_words(entry, hidden=hides(change, entry))}" for entry in change.differences
    ]
    return lines or [f"{sign} {what}"]


def hides(change: Change, difference: Difference) -> bool:
    """Whether what the property holds is secret by the resource's type."""
    return change.type.endswith(":Secret") and difference.path.split(".")[0] in _SECRET_OBJECTS
