"""The rules as policies of the engine: mandatory, and never "can't run" because a value is not known yet.

Owns the conversion between the engine's arguments and plain resources. Owns no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from pulumi_policy import (
    EnforcementLevel,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policies import exceptions
from policies.model import UNKNOWN, Resource, Rule, StackRule, Value
from policies.rules import CODES


def plain(value: object) -> Value:
    """``value`` without the engine's proxies: what is not known becomes `UNKNOWN` where it stands."""
    if isinstance(value, Mapping):
        return {str(key): _item(partial(value.__getitem__, key)) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return tuple(_item(partial(value.__getitem__, index)) for index in range(len(value)))
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    # Assets and archives: nothing that a rule looks into.
    return type(value).__name__


def _item(read: Callable[[], object]) -> Value:
    try:
        return plain(read())
    except UnknownValueError:
        return UNKNOWN


def resource_of(urn: str, resource_type: str, name: str, props: Mapping[str, object], protect: bool) -> Resource:
    """A plain resource from the engine's view of it."""
    converted = plain(props)
    return Resource(resource_type, name, converted if isinstance(converted, Mapping) else {}, protect, urn)


class _Latest:
    """The resource converted last: the engine hands the same one to every rule in turn."""

    def __init__(self) -> None:
        self._props: object = None
        self._resource: Resource | None = None

    def of(self, args: ResourceValidationArgs) -> Resource:
        if self._resource is None or self._props is not args.props:
            self._props = args.props
            self._resource = resource_of(args.urn, args.resource_type, args.name, args.props, args.opts.protect)
        return self._resource


_latest = _Latest()
_exceptions = exceptions.load(CODES, datetime.now(tz=UTC).date())


def told(code: str, name: str, finding: str) -> str | None:
    """What to report of a finding: nothing if an exception covers it."""
    return None if exceptions.excused(_exceptions, code, name) else f"{name} {finding}"


def resource_policy(rule: Rule) -> ResourceValidationPolicy:
    """``rule`` as a policy."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for finding in rule.judge(_latest.of(args)):
            message = told(rule.code, args.name, finding)
            if message is not None:
                report(message, args.urn)

    return ResourceValidationPolicy(
        name=rule.code.lower(),
        description=f"{rule.sentence} {rule.reason}",
        enforcement_level=EnforcementLevel.MANDATORY,
        validate=validate,
    )


def stack_policy(rule: StackRule) -> StackValidationPolicy:
    """``rule`` as a policy."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        resources = tuple(
            resource_of(entry.urn, entry.resource_type, entry.name, entry.props, entry.opts.protect)
            for entry in args.resources
        )
        for resource, finding in rule.judge(resources):
            message = told(rule.code, resource.name if resource else "stack", finding)
            if message is not None:
                report(message, resource.urn if resource else None)

    return StackValidationPolicy(
        name=rule.code.lower(),
        description=f"{rule.sentence} {rule.reason}",
        enforcement_level=EnforcementLevel.MANDATORY,
        validate=validate,
    )
