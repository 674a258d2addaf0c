"""From what the emulator answers to inputs: declared ones with their drift (refresh), or all of them (import)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local.aws.engine.convert import Converter, shape_at
from local.aws.engine.models import Shape, StructureShape
from local.aws.engine.observe import as_declared, camel, camelised, covered, lookup
from local.aws.engine.paths import names_in, search
from local.aws.engine.requests import PROVIDER_ONLY, input_shape, path_of, shaped, takes
from local.aws.engine.spec import Call, Facet, ResourceType
from local.aws.engine.wire import Properties


@dataclass(frozen=True)
class Live:
    """Answers about one resource: the main one, those of facets by their index (None: not set), tags."""

    root: object
    facets: Mapping[int, object]
    tags: Properties | None


def observed(kind: ResourceType, inputs: Properties, live: Live) -> Properties:
    """Declared inputs, each replaced by the live value where that differs."""
    result = dict(inputs)
    values = shaped(kind, inputs)
    for name in inputs:
        if name in PROVIDER_ONLY or name in kind.local or name in kind.secret or (name == "tags" and kind.tagging):
            continue
        if name.endswith(("Wo", "WoVersion")):
            continue
        value = values.get(name, inputs[name])
        node, call, rename = _source(kind, name, live)
        if node is _UNREAD:
            continue
        if node is None:
            result.pop(name, None)
            continue
        found = _find(kind, call, rename, name, node)
        if found is None:
            continue
        path = path_of(input_shape(kind, call), call.wrap, rename, name)
        target: Shape | None = shape_at(input_shape(kind, call), path) if path else None
        wanted = Converter(kind.nested).convert(value, target, name) if target is not None else value
        if name in kind.prefix and str(found).startswith(f"{wanted}."):
            continue
        if not covered(wanted, found, superset=name in kind.superset):
            declared = as_declared(found, inputs.get(name))
            result[name] = declared if declared != inputs.get(name) else camelised(found)
    if live.tags is not None:
        tags = {key: value for key, value in live.tags.items() if not key.startswith("aws:")}
        if tags != inputs.get("tags"):
            result["tags"] = tags
    return result


def adopted(kind: ResourceType, live: Live, state: Mapping[str, object]) -> Properties:
    """All inputs that the answers tell, for an import."""
    result: Properties = {}
    node = search(kind.read.properties, live.root)
    _adopt(result, input_shape(kind, kind.create), kind.create.wrap, kind.rename, node)
    for name in (*kind.rename, *kind.reads):
        if takes(kind, kind.create, kind.rename, name):
            found = _find(kind, kind.create, kind.rename, name, node)
            if found is not None:
                result[name] = camelised(found)
    for name in names_in(kind.identity) | set(kind.derived):
        if state.get(name) is not None and takes(kind, kind.create, kind.rename, name):
            result[name] = state[name]
    for index, facet in enumerate(kind.facets):
        for name in facet.properties:
            facet_node = live.facets.get(index) if facet.get else node
            found = _find(kind, facet.put, facet.rename or kind.rename, name, facet_node)
            if found is not None:
                result[name] = camelised(found)
    if kind.regional:
        result["region"] = state.get("region")
    if kind.naming and state.get(kind.naming.property) is not None:
        result[kind.naming.property] = state[kind.naming.property]
    if live.tags:
        result["tags"] = {key: value for key, value in live.tags.items() if not key.startswith("aws:")}
    elif kind.tagging:
        result.pop("tags", None)
    return result


_UNREAD = object()


def _source(kind: ResourceType, name: str, live: Live) -> tuple[object, Call, Mapping[str, str]]:
    """The part of the answers that mirrors a property, and the operation that sets it."""
    for index, facet in enumerate(kind.facets):
        if name in facet.properties and facet.get is None:
            return search(kind.read.properties, live.root), facet.put, _renames(kind, facet)
        if name in facet.properties:
            return live.facets.get(index, _UNREAD), facet.put, _renames(kind, facet)
    node = search(kind.read.properties, live.root)
    by_update = kind.update and not takes(kind, kind.create, kind.rename, name)
    return (_UNREAD if node is None else node), (kind.update if by_update and kind.update else kind.create), kind.rename


def _renames(kind: ResourceType, facet: Facet) -> Mapping[str, str]:
    return facet.rename or kind.rename


def _find(kind: ResourceType, call: Call, rename: Mapping[str, str], name: str, node: object) -> object:
    path = kind.reads.get(name)
    if path is not None:
        return search(path[1:], node) if path.startswith("=") else lookup(node, path) if path else None
    for candidate in (rename.get(name), path_of(input_shape(kind, call), call.wrap, rename, name), name):
        if candidate is None:
            continue
        inner = candidate.removeprefix(call.wrap).lstrip("/") if call.wrap else candidate
        found = lookup(node, inner)
        if found is not None:
            return found
    return None


def _adopt(result: Properties, shape: StructureShape, wrap: str, rename: Mapping[str, str], node: object) -> None:
    inner = shape_at(shape, wrap) if wrap else shape
    if not isinstance(inner, StructureShape):
        return
    renamed = {path.split("/")[0] for path in rename.values()}
    for member in inner.members:
        if member in renamed:
            continue
        found = lookup(node, member)
        if found not in (None, "", [], {}):
            result[camel(member)] = camelised(found)
