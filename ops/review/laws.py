"""Laws over a saved preview: every rule of the pack, and those that only the union of all stacks can show.

Owns the order and the exceptions' say. Owns no rule (``policies/rules``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from ops.review.declared import Declared
from policies import exceptions
from policies.exceptions import LawException
from policies.model import Resource, StackRule
from policies.rules import CODES, RULES, STACK_RULES, UNION_RULES

__all__ = ["CODES", "Broken", "broken"]


@dataclass(frozen=True, slots=True)
class Broken:
    """One law that does not hold. ``message`` has the cause and the remedy."""

    code: str
    stack: str
    """Empty for what is true of all stacks together."""
    message: str

    def __str__(self) -> str:
        place = f" [{self.stack}]" if self.stack else ""
        return f"{self.code}{place}: {self.message}"


def broken(
    resources: Iterable[Declared], today: date, excused: Sequence[LawException] | None = None, *, complete: bool = True
) -> list[Broken]:
    """Every law that ``resources`` break, by code. ``excused``: default the committed exceptions.

    ``complete``: whether these are the resources of all stacks; the union's laws judge nothing less.
    Raises `ExceptionError` for a malformed file of exceptions, or an exception that ended before ``today``.
    """
    entries = exceptions.load(CODES, today) if excused is None else exceptions.current(excused, today)
    listed = [entry.resource for entry in resources]
    found: dict[Broken, None] = {}
    for code, resource, message in _findings(listed, UNION_RULES if complete else ()):
        if exceptions.excused(entries, code, resource.name if resource else "stack"):
            continue
        name = f"{resource.name} " if resource and resource.name not in message else ""
        found.setdefault(Broken(code, resource.stack if resource else "", f"{name}{message}"))
    return sorted(found, key=lambda entry: (entry.code, entry.stack, entry.message))


def _findings(resources: list[Resource], union: tuple[StackRule, ...]) -> Iterator[tuple[str, Resource | None, str]]:
    for rule in RULES:
        for resource in resources:
            for message in rule.judge(resource):
                yield rule.code, resource, message
    by_stack = sorted(resources, key=lambda resource: resource.stack)
    for _, group in groupby(by_stack, key=lambda resource: resource.stack):
        stack = tuple(group)
        for law in STACK_RULES:
            for subject, message in law.judge(stack):
                yield law.code, subject or Resource("", "stack", {}, urn=stack[0].urn), message
    for law in union:
        for subject, message in law.judge(tuple(resources)):
            yield law.code, subject, message
