"""What differs between two versions of an object, and which differences need a new object.

Owns the table of fields that Kubernetes, or the official plugin, does not change in place. Does not own the rendering.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from local.kubernetes import values
from local.kubernetes.values import Object, Path, Value

AUTONAMED: Final = "pulumi.com/autonamed"
"""The annotation by which the official plugin knows that it chose the name."""

_IDENTITY: Final = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))

# Immutable by the API, or replaced on purpose by the official plugin (pulumi-kubernetes, provider/pkg/provider/diff.go):
# a ConfigMap or Secret is replaced so that the pods that use it roll.
_IMMUTABLE: Final[Mapping[str, tuple[Path, ...]]] = {
    "ConfigMap": (("data",), ("binaryData",)),
    "Secret": (("data",), ("stringData",), ("type",)),
    "Deployment": (("spec", "selector"),),
    "DaemonSet": (("spec", "selector"),),
    "StatefulSet": (
        ("spec", "selector"),
        ("spec", "serviceName"),
        ("spec", "podManagementPolicy"),
        ("spec", "volumeClaimTemplates"),
    ),
    "Job": (("spec", "selector"), ("spec", "template"), ("spec", "completions")),
    "Service": (("spec", "clusterIP"),),
    "PersistentVolumeClaim": (
        ("spec", "accessModes"),
        ("spec", "selector"),
        ("spec", "storageClassName"),
        ("spec", "volumeName"),
        ("spec", "volumeMode"),
    ),
    "Pod": (("spec",),),
    "RoleBinding": (("roleRef",),),
    "ClusterRoleBinding": (("roleRef",),),
    "StorageClass": (("parameters",), ("provisioner",), ("reclaimPolicy",), ("volumeBindingMode",)),
}


class Kind(StrEnum):
    """How a property differs."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Change:
    """One property that differs. `replace` says that the object has to be made anew."""

    path: Path
    kind: Kind
    replace: bool


def between(old: Object, new: Object) -> tuple[Change, ...]:
    """Every difference of two (plain) objects, at the deepest property that names it.

    A whole property that is not known yet, such as a `spec` of which one annotation depends on something that is being
    replaced, is an update: nothing says that what it holds of the immutable will be another.
    """
    kind = new.get("kind")
    immutable = _IDENTITY + (_IMMUTABLE.get(kind, ()) if isinstance(kind, str) else ())
    return tuple(
        Change(path, how, any(_replaces(path, field, known) for field in immutable))
        for path, how, known in _differences(old, new, ())
    )


def autonamed(manifest: Object) -> bool:
    """Whether the name was chosen by the provider."""
    annotations = values.as_object(values.as_object(manifest.get("metadata")).get("annotations"))
    return annotations.get(AUTONAMED) == "true"


def _replaces(path: Path, field: Path, known: bool) -> bool:
    """Whether a change at `path` is one of the immutable `field`, or of what holds it and is known."""
    return path[: len(field)] == field or (known and field[: len(path)] == path)


def _differences(old: Value, new: Value, at: Path) -> Iterator[tuple[Path, Kind, bool]]:
    """Where they differ, how, and whether the new value is known."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if key not in old:
                yield (*at, key), Kind.ADD, True
            elif key not in new:
                yield (*at, key), Kind.DELETE, True
            else:
                yield from _differences(old[key], new[key], (*at, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(old):
                yield (*at, index), Kind.ADD, True
            elif index >= len(new):
                yield (*at, index), Kind.DELETE, True
            else:
                yield from _differences(old[index], new[index], (*at, index))
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield at, Kind.UPDATE, new != values.UNKNOWN
