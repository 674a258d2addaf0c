"""What the stacks declare, as subjects of checks. The values are the previews'; owns how they become definite.

A preview of what is not deployed yet leaves two things open: values that AWS makes up (unknown), and names for which the
provider draws a random ending. Both are taken from a run of the same programs on what was deployed, one that changes
nothing; everything else in that run must be what the preview said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from local.aws_access import ACCOUNT
from local.engine.results import Result
from ops.review.declared import Declared, declared
from policies.model import UNKNOWN, Value
from tests.footprint.asking import Subject

GLOBAL_REGION: Final = "us-east-1"
_DRAWN: Final = re.compile(r"-[0-9a-f]{7}\b")


@dataclass(frozen=True, slots=True)
class Broken:
    """A value of the preview that the deployment did not keep."""

    urn: str
    property: str
    previewed: object
    later: object


def previewed(results: Iterable[Result]) -> dict[str, Declared]:
    """Every declared AWS resource by its URN."""
    found = declared(result.digest() for result in results)
    return {item.urn: item for item in found if item.type.startswith("aws:")}


def promises_broken(before: Mapping[str, Declared], after: Mapping[str, Declared]) -> list[Broken]:
    """Where the idle run does not say what the preview said."""
    broken: list[Broken] = []
    for urn in sorted({*before, *after}):
        first, then = before.get(urn), after.get(urn)
        if first is None or then is None:
            broken.append(Broken(urn, "(the resource itself)", first is not None, then is not None))
            continue
        for name in sorted({*first.inputs, *then.inputs}):
            early, late = first.inputs.get(name), then.inputs.get(name)
            if not _kept(early, late):
                broken.append(Broken(urn, name, early, late))
    return broken


def subjects(before: Mapping[str, Declared], idle: Iterable[Result], account: str = ACCOUNT) -> tuple[Subject, ...]:
    """The subjects of all checks in ``account``: what was previewed, with the open values of the idle run."""
    results = tuple(idle)
    after = previewed(results)
    states = {step.urn: step.new or {} for result in results for step in result.steps}
    made: list[Subject] = []
    for urn, item in before.items():
        values = {name: _definite(value, after[urn].inputs.get(name)) for name, value in item.inputs.items()}
        outputs = states[urn].get("outputs")
        texts = (
            {key: value for key, value in outputs.items() if isinstance(value, str)}
            if isinstance(outputs, dict)
            else {}
        )
        made.append(
            Subject(
                type=item.type,
                label=f"{item.stack}/{item.name}",
                region=str(values.get("region") or GLOBAL_REGION),
                declared={name: value for name, value in values.items() if name != "region"},
                known={**texts, "id": states[urn].get("id"), "account": account},
            )
        )
    return tuple(made)


def _kept(early: Value, late: Value) -> bool:
    if early is UNKNOWN:
        return late is not None
    if isinstance(early, str) and isinstance(late, str):
        return _DRAWN.sub("-*", early) == _DRAWN.sub("-*", late)
    if isinstance(early, Mapping) and isinstance(late, Mapping):
        # What AWS makes up may be nothing: an emulated cluster has no security group of its own, for example.
        nothing = {key for key in early.keys() - late.keys() if early[key] is UNKNOWN}
        return early.keys() - nothing == late.keys() and all(_kept(early[key], value) for key, value in late.items())
    if isinstance(early, tuple) and isinstance(late, tuple):
        return len(early) == len(late) and all(_kept(one, other) for one, other in zip(early, late, strict=True))
    return early == late


def _definite(early: Value, late: Value) -> Value:
    if early is UNKNOWN:
        return late
    if isinstance(early, str) and isinstance(late, str) and _DRAWN.search(early):
        return late
    if isinstance(early, Mapping) and isinstance(late, Mapping):
        return {key: _definite(value, late.get(key)) for key, value in early.items()}
    if isinstance(early, tuple) and isinstance(late, tuple) and len(early) == len(late):
        return tuple(_definite(one, other) for one, other in zip(early, late, strict=True))
    return early
