"""From a table entry and declared properties to the requests of its operations.

Owns the question "which operation takes which property", so also the rule that a declared property that none takes is
an error: nothing that was declared is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from botocore.validate import ParamValidator

from local.aws.engine.convert import Converter, Issue, place, shape_at
from local.aws.engine.models import Shape, StructureShape, find_member, operation
from local.aws.engine.paths import names_in, render
from local.aws.engine.spec import Call, Creator, ResourceType
from local.aws.engine.wire import Properties, has_unknown, is_list

_LACKING = "Missing required parameter in input:"
"""How botocore's validator begins on a member of the request itself, not of one inside it."""
PROVIDER_ONLY = frozenset({"region", "timeouts", "tagsAll", "__defaults"})


@dataclass(frozen=True)
class Request:
    """Parameters for an operation, and what is wrong with the declared values in them."""

    call: Call
    params: Properties
    issues: tuple[Issue, ...]


def input_shape(kind: ResourceType, call: Call) -> StructureShape:
    """The input of an operation of a table entry."""
    shape = operation(call.service or kind.service, call.operation).input_shape
    return shape if isinstance(shape, StructureShape) else StructureShape("Empty", {"type": "structure", "members": {}})


def path_of(shape: StructureShape, wrap: str, rename: Mapping[str, str], name: str) -> str | None:
    """Where a declared property goes in a request; None when the operation does not take it."""
    inner = shape_at(shape, wrap) if wrap else shape
    given = rename.get(name)
    if given == "":
        return None
    if given is not None:
        within = f"{wrap}/{given}" if wrap else given
        if shape_at(shape, within) is not None:
            return within
        return given if shape_at(shape, given) is not None else None
    if isinstance(inner, StructureShape):
        member = find_member(inner, name)
        if member:
            return f"{wrap}/{member}" if wrap else member
    return find_member(shape, name)


def owned(kind: ResourceType, *, creating: bool = False) -> frozenset[str]:
    """Properties that facets own; when creating, without those that the create operation takes as well."""
    return frozenset(name for facet in kind.facets if not (creating and facet.late) for name in facet.properties)


def creation(kind: ResourceType, inputs: Mapping[str, object]) -> Call:
    """The operation that creates the resource with these inputs."""
    creator = _creator(kind, inputs)
    return creator.call if creator else kind.create


def _creator(kind: ResourceType, inputs: Mapping[str, object]) -> Creator | None:
    return next((creator for creator in kind.creators if inputs.get(creator.when) is not None), None)


def shaped(kind: ResourceType, inputs: Mapping[str, object]) -> Properties:
    """Declared properties in the structure of the API, without those that are for the provider alone."""
    values = {name: value for name, value in inputs.items() if name not in PROVIDER_ONLY and value is not None}
    values = kind.shape(values) if kind.shape else values
    return {name: value for name, value in values.items() if name not in kind.local and value is not None}


def build(
    kind: ResourceType,
    call: Call,
    values: Mapping[str, object],
    state: Mapping[str, object],
    rename: Mapping[str, str] | None = None,
) -> Request:
    """The request of one operation from the (shaped) properties that it takes and its bound parameters."""
    shape = input_shape(kind, call)
    names = call.rename if call.rename is not None else kind.rename if rename is None else rename
    converter = Converter(kind.nested)
    params: Properties = {}
    for name, value in values.items():
        path = path_of(shape, call.wrap, names, name)
        target = shape_at(shape, path) if path else None
        if path is not None and target is not None:
            place(params, shape, path, converter.convert(value, target, name))
    for path, template in call.bind.items():
        value = render(template, state)
        if value is not None:
            place(params, shape, path, _bound(value, shape_at(shape, path), path))
    return Request(call, params, tuple(converter.issues))


def _bound(value: object, target: Shape | None, path: str) -> object:
    return value if target is None else Converter({}).convert(value, target, path)


def takes(kind: ResourceType, call: Call, rename: Mapping[str, str], name: str) -> bool:
    """True when the operation has a place for the property, of its own or by a bound template."""
    if any(name in names_in(template) for template in call.bind.values()):
        return True
    names = rename if call.rename is None else call.rename
    return path_of(input_shape(kind, call), call.wrap, names, name) is not None


def unclaimed(kind: ResourceType, values: Iterable[str], inputs: Mapping[str, object]) -> list[str]:
    """Declared (shaped) properties that no operation of the type takes."""
    in_facets = owned(kind)
    calls = [call for call in (creation(kind, inputs), kind.update, kind.delete) if call]
    free = {"tags"} if kind.tagging else set()
    free |= set(kind.delta)
    creator = _creator(kind, inputs)
    free |= creator.inherited if creator else set()
    return [
        name
        for name in values
        if name not in in_facets | free and not any(takes(kind, call, kind.rename, name) for call in calls)
    ]


def changes(kind: ResourceType, olds: Mapping[str, object], news: Mapping[str, object]) -> Properties:
    """Request members for list properties that the update operation takes as additions and removals."""
    members: Properties = {}
    for name, (add, remove) in kind.delta.items():
        before, after = _entries(olds.get(name)), _entries(news.get(name))
        added, removed = [item for item in after if item not in before], [item for item in before if item not in after]
        members |= ({add: added} if added else {}) | ({remove: removed} if removed else {})
    return members


def _entries(value: object) -> list[object]:
    return value if is_list(value) else []


def check(
    kind: ResourceType, inputs: Mapping[str, object], state: Mapping[str, object], *, exists: bool = False
) -> list[Issue]:
    """Everything that is wrong with the declared properties of a resource, by the API's model.

    One that ``exists`` needs not what only its creation demands: a promoted replica names no engine. What is to be
    replaced is checked again as new.
    """
    values = shaped(kind, inputs)
    missing = unclaimed(kind, values, inputs)
    issues = [Issue(name, "is mapped to no operation: the type takes " + _accepted(kind)) for name in missing]
    create = creation(kind, inputs)
    main = {name: value for name, value in values.items() if name not in owned(kind, creating=True)}
    requests = [build(kind, create, main, state)]
    if kind.update:
        only = {n: v for n, v in main.items() if not takes(kind, create, kind.rename, n)}
        requests.append(build(kind, kind.update, only, state))
    issues += [issue for request in requests for issue in request.issues]
    if not issues and not has_unknown(requests[0].params):
        issues += _validated(kind, requests[0], complete=not exists)
    for facet in kind.facets:
        mine = {name: values[name] for name in facet.properties if name in values and name != facet.switch}
        if mine and not facet.late:
            issues += build(kind, facet.put, mine, state, facet.rename or kind.rename).issues
    return list(dict.fromkeys(issues))


def _validated(kind: ResourceType, request: Request, *, complete: bool) -> list[Issue]:
    """Required members (if all must be there) and their types, by botocore's own validator."""
    report = ParamValidator().validate(request.params, input_shape(kind, request.call))
    if not report.has_errors():
        return []
    lines = str(report.generate_report()).splitlines()
    wrong = lines if complete else [line for line in lines if not line.startswith(_LACKING)]
    return [Issue("", f"{request.call.operation}: {line}") for line in wrong]


def _accepted(kind: ResourceType) -> str:
    names = set(input_shape(kind, kind.create).members) | owned(kind) | set(kind.rename)
    if kind.update:
        names |= set(input_shape(kind, kind.update).members)
    return ", ".join(sorted(names))
