"""Whether a manifest is one that a Kubernetes API server would accept, as far as schemas can say.

Owns the checks of a single object: the strict schemas of the `kubernetes-validate` package, the names, and the call of
what lies beyond a schema (`semantics`). Does not own what only a cluster knows (admission, references to other objects,
custom resources against their definition beyond what `custom` knows of them).
"""

import functools
import importlib.resources
import importlib.resources.abc
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import jsonschema  # type: ignore[import-untyped]  # no type information is installed for it
import referencing

from local.kubernetes import custom, semantics, values
from local.kubernetes.values import Object, Path, Value

VERSION: Final = "1.36"
"""The minor version of Kubernetes that manifests are checked against."""

_BUILT_IN_GROUP: Final = re.compile(r"[a-z]+|([a-z0-9-]+\.)*k8s\.io")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LABEL_KINDS: Final = frozenset({"Namespace", "Service"})
_ANY_SEGMENT_GROUP: Final = "rbac.authorization.k8s.io"
_MOST_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong and where: `path` as the engine writes it, `reason` with the allowed values."""

    path: str
    reason: str


def check(manifest: Object) -> tuple[Problem, ...]:
    """Everything wrong with a (plain) manifest. Values that are not known yet are not judged."""
    kind, api_version = manifest.get("kind"), manifest.get("apiVersion")
    if not isinstance(kind, str) or not isinstance(api_version, str):
        return (Problem("kind", "a manifest needs the strings apiVersion and kind"),)
    problems = list(_names(manifest, api_version, kind))
    schema = schema_of(api_version, kind)
    own = custom.schema_of(api_version, kind)
    group = api_version.rpartition("/")[0]
    if own is not None:
        problems += _against(own, manifest)
    elif group in custom.GROUPS:
        known = ", ".join(name for version, name in custom.kinds() if version.startswith(f"{group}/"))
        problems.append(Problem("kind", f"{group} has no {kind} that is known here; known are: {known}"))
    elif schema is not None:
        problems += _against(schema, manifest)
        problems += [Problem(values.dotted(found.path), found.reason) for found in semantics.findings(manifest)]
    elif _BUILT_IN_GROUP.fullmatch(group or "core"):
        known = ", ".join(versions_of(kind))
        reason = f"Kubernetes {VERSION} has no {kind} in {api_version}"
        problems.append(Problem("apiVersion", f"{reason}; it is in: {known}" if known else f"{reason}, nor elsewhere"))
    return tuple(problems)


@functools.cache
def schema_of(api_version: str, kind: str) -> Mapping[str, object] | None:
    """The strict schema of a built-in kind; None for any other."""
    name = f"{kind.lower()}-{_file_version(api_version)}.json"
    if not re.fullmatch(r"[a-z0-9.-]+", name):
        return None
    return _load_kind(name)


def versions_of(kind: str) -> tuple[str, ...]:
    """The short names of the versions in which a kind exists, such as `apps-v1`."""
    prefix = f"{kind.lower()}-"
    names = (entry.name for entry in _directory().iterdir())
    found = [name for name in names if name.startswith(prefix) and _load_kind(name) is not None]
    return tuple(sorted(name[len(prefix) : -len(".json")] for name in found))


def _names(manifest: Object, api_version: str, kind: str) -> Iterator[Problem]:
    metadata = values.as_object(manifest.get("metadata"))
    for key in ("name", "namespace"):
        name = metadata.get(key)
        if name is None or name == values.UNKNOWN:
            continue
        path = f"metadata.{key}"
        if not isinstance(name, str):
            yield Problem(path, f"must be a string, not {name!r}")
        elif key == "name" and api_version.startswith(f"{_ANY_SEGMENT_GROUP}/"):
            if name in ("", ".", "..") or "/" in name or "%" in name:
                yield Problem(path, f"{name!r} may not be empty, '.', '..' nor contain '/' or '%'")
        elif key == "namespace" or kind in _LABEL_KINDS:
            if not _LABEL.fullmatch(name) or len(name) > 63:
                yield Problem(path, f"{name!r} is not a DNS label: at most 63 of a-z, 0-9 and inner '-'")
        elif not _SUBDOMAIN.fullmatch(name) or len(name) > 253:
            yield Problem(path, f"{name!r} is not a DNS subdomain: at most 253 of a-z, 0-9, and inner '-' and '.'")


def _against(schema: Mapping[str, object], manifest: Object) -> list[Problem]:
    unknown = tuple(values.unknowns(manifest))
    validator = jsonschema.validators.Draft202012Validator(schema, registry=_registry())
    found: dict[Problem, None] = {}
    for error in validator.iter_errors(manifest):
        for leaf in _leaves(error):
            path = tuple(leaf.absolute_path)
            if not _concerns_unknown(path, unknown):
                found[_problem(leaf, path)] = None
    return list(found)


def _leaves(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    """The errors inside a failed alternative say more than "matches none of them"."""
    if error.context:
        for inner in error.context:
            yield from _leaves(inner)
    else:
        yield error


def _concerns_unknown(path: Path, unknown: Sequence[Path]) -> bool:
    return any(path[: len(hole)] == hole for hole in unknown)


def _problem(error: jsonschema.ValidationError, path: Path) -> Problem:
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        allowed = sorted(schema.get("properties", {}))
        wrong = sorted(set(error.instance) - set(allowed))
        return Problem(
            values.dotted((*path, wrong[0])) if wrong else values.dotted(path),
            f"unknown property {', '.join(map(repr, wrong))}; allowed are: {_listed(allowed)}",
        )
    if error.validator == "required" and isinstance(error.instance, dict):
        missing = [name for name in cast("list[str]", error.validator_value) if name not in error.instance]
        return Problem(values.dotted(path), f"missing {', '.join(map(repr, missing))}")
    if error.validator == "enum":
        return Problem(
            values.dotted(path),
            f"{error.instance!r} is not allowed; allowed are: {_listed(cast('list[Value]', error.validator_value))}",
        )
    if error.validator == "type":
        wanted = error.validator_value
        names = wanted if isinstance(wanted, list) else [wanted]
        return Problem(values.dotted(path), f"{error.instance!r} is not of type {' or '.join(map(str, names))}")
    return Problem(values.dotted(path), error.message)


def _listed(allowed: Sequence[Value]) -> str:
    shown = ", ".join(str(item) for item in allowed[:_MOST_SHOWN])
    return shown if len(allowed) <= _MOST_SHOWN else f"{shown}, … ({len(allowed)} in all)"


def _file_version(api_version: str) -> str:
    """`rbac.authorization.k8s.io/v1` is `rbac-v1` in the package's file names, `v1` is `v1`."""
    group, _, version = api_version.rpartition("/")
    return f"{group.split('.')[0]}-{version}" if group else version


def _directory() -> importlib.resources.abc.Traversable:
    root = importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema"
    return root / f"v{VERSION}.0-local-strict"


def _load(name: str) -> Mapping[str, object] | None:
    try:
        return cast("Mapping[str, object]", json.loads((_directory() / name).read_text()))
    except FileNotFoundError:
        return None


def _load_kind(name: str) -> Mapping[str, object] | None:
    """A schema of a kind. Types that are only parts of objects (a container, say) have schemas too, but no kind."""
    schema = _load(name)
    return schema if schema and "kind" in cast("Mapping[str, object]", schema.get("properties", {})) else None


@functools.cache
def _registry() -> "referencing.Registry[object]":
    definitions = referencing.Resource.from_contents(cast("Mapping[str, object]", _load("_definitions.json")))
    return cast("referencing.Registry[object]", definitions @ referencing.Registry())
