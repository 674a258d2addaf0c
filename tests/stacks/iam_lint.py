"""Judges IAM statements against AWS's own list of actions and resource types, as cfn-lint carries it."""

from __future__ import annotations

import fnmatch
import functools
import importlib.resources
import json
import re
from collections.abc import Mapping
from typing import Any

from stacks.permissions import Statement

CONDITION_OPERATORS = re.compile(
    r"(ForAnyValue:|ForAllValues:)?(String(Not)?(Equals|Like)|Arn(Like|Equals)|Bool|Null|Numeric\w+)(IfExists)?"
)


@functools.cache
def services() -> Mapping[str, Any]:
    source = importlib.resources.files("cfnlint") / "data" / "AdditionalSpecs" / "Policies.json"
    found: Mapping[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return found


def findings(statement: Statement, *, ceiling: bool = False) -> list[str]:
    """Everything that is wrong with a statement. ``ceiling``: it bounds or denies, so it names no resource."""
    result = []
    if not re.fullmatch(r"[A-Za-z0-9]+", statement.sid):
        result.append(f"sid {statement.sid!r} may only have letters and digits")
    if len(set(statement.actions)) != len(statement.actions):
        result.append("an action stands twice")
    result += [
        f"{operator} is no condition operator"
        for operator in statement.conditions
        if not CONDITION_OPERATORS.fullmatch(operator)
    ]
    patterns: list[str] = []
    for action in statement.actions:
        problem = _action(action)
        if problem:
            result.append(problem)
            continue
        allowed = _resource_formats(action)
        patterns.extend(allowed)
        result.extend(_scope(action, allowed, statement, ceiling=ceiling))
    return result + [
        f"no action of the statement applies to {resource}"
        for resource in statement.resources
        if resource != "*" and not any(_could_be(resource, pattern) for pattern in patterns)
    ]


def _action(action: str) -> str | None:
    service, _, name = action.partition(":")
    if "*" in action:
        return f"{action} has a wildcard"
    known = services().get(service)
    if known is None or name.lower() not in known["Actions"]:
        return f"{action} is no action of AWS"
    return None


def _resource_formats(action: str) -> list[str]:
    service, _, name = action.partition(":")
    known = services()[service]
    kinds = known["Actions"][name.lower()].get("Resources", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    formats = [fmt for kind in kinds for fmt in known["Resources"].get(kind.lower(), {}).get("ARNFormats", [])]
    if "object" in kinds:
        # The list says ``arn:aws:s3:::*`` for objects, which a bucket would match as well.
        formats = [f"{fmt}/*" if fmt.endswith(":::.*") else fmt for fmt in formats]
    return [re.sub(r"\$\{\w+\}", "*", fmt.replace(".*", "*")) for fmt in formats]


def _scope(action: str, allowed: list[str], statement: Statement, *, ceiling: bool) -> list[str]:
    if ceiling:
        return []
    if "*" in statement.resources and allowed:
        return [f"{action} can be limited to a resource and is not"]
    if (
        "*" not in statement.resources
        and allowed
        and not any(_could_be(resource, pattern) for resource in statement.resources for pattern in allowed)
    ):
        return [f"{action} applies to none of {statement.resources}; it wants {allowed}"]
    return []


def _could_be(resource: str, pattern: str) -> bool:
    """Whether some ARN matches both; enough for wildcards that stand for a part between separators."""
    concrete = resource.replace("*", "x").replace("?", "x")
    return fnmatch.fnmatchcase(concrete, pattern) or fnmatch.fnmatchcase(pattern.replace("*", "x"), resource)
