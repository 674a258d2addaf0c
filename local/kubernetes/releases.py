"""Helm releases as the provider takes them: checked by what the SDK knows of them, kept as a file like any object.

Owns the check and the identity of a release. Nothing renders the chart here: that needs the chart, and a cluster to put
it in; the official plugin does both.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Final

from pulumi_kubernetes.helm.v3 import ReleaseArgs

from local.kubernetes import values
from local.kubernetes.schemas import Problem
from local.kubernetes.values import Object

TYPE: Final = "kubernetes:helm.sh/v3:Release"
_API_VERSION: Final = "helm.sh/v3"
_KIND: Final = "Release"
_VERSION: Final = re.compile(r"v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?")
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_IDENTITY: Final = frozenset({"apiVersion", "kind", "metadata"})
"""What `completed` adds to a release."""


def completed(inputs: Object) -> Object:
    """``inputs`` with what distinguishes objects in a cluster, so that a release is kept as one."""
    metadata = {"name": inputs.get("name"), "namespace": inputs.get("namespace") or "default"}
    return {**inputs, "apiVersion": _API_VERSION, "kind": _KIND, "metadata": metadata}


def problems(inputs: Object) -> Iterator[Problem]:
    """Everything wrong with a (plain) release: unknown properties, no name, no chart, or a version that floats."""
    known = _properties()
    for name in sorted(set(inputs) - known - _IDENTITY):
        yield Problem(name, f"unknown property {name!r}; allowed are: {', '.join(sorted(known))}")
    for name in ("name", "namespace"):
        value = inputs.get(name)
        if value != values.UNKNOWN and not (isinstance(value, str) and _LABEL.fullmatch(value)):
            yield Problem(name, f"{value!r} is not a DNS label; a release is found by its name and namespace")
    if not isinstance(inputs.get("chart"), str):
        yield Problem("chart", "a release needs a chart")
    version = inputs.get("version")
    if version != values.UNKNOWN and not (isinstance(version, str) and _VERSION.fullmatch(version)):
        yield Problem("version", f"{version!r} is no exact version; a release must not change by itself")


def _properties() -> frozenset[str]:
    """Names of a release's inputs as the engine has them."""
    parameters = inspect.signature(ReleaseArgs.__init__).parameters
    return frozenset(_camel(name) for name in parameters if name not in ("self", "__self__", "resource_name"))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
