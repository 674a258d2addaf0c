"""What an API server checks of a built-in object that its schema does not say.

Owns the enumerations, the ranges, and the references inside one object: ports, selectors against labels, mounts against
volumes, requests against limits. Sources: the validation rules of the Kubernetes API reference (v1.36), each field's own
description. Values that are not known yet are not judged.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from local.kubernetes import values
from local.kubernetes.values import Object, Path, Value

_ENUMERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "concurrencyPolicy": ("Allow", "Forbid", "Replace"),
    "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    "externalTrafficPolicy": ("Cluster", "Local"),
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "internalTrafficPolicy": ("Cluster", "Local"),
    "podManagementPolicy": ("OrderedReady", "Parallel"),
    "preemptionPolicy": ("Never", "PreemptLowerPriority"),
    "protocol": ("TCP", "UDP", "SCTP"),
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "scheme": ("HTTP", "HTTPS"),
    "sessionAffinity": ("ClientIP", "None"),
    "terminationMessagePolicy": ("File", "FallbackToLogsOnError"),
    "whenUnsatisfiable": ("DoNotSchedule", "ScheduleAnyway"),
}
"""Fields whose name means the same wherever it occurs in a built-in object."""

_PORTS: Final = frozenset({"containerPort", "hostPort", "nodePort", "port"})
_SERVICE_TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_SELECTING: Final = frozenset({"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"})
_FREE: Final = frozenset({"data", "stringData", "binaryData", "annotations", "labels", "matchLabels"})
"""Maps whose keys are the user's own."""

_QUANTITY: Final = re.compile(r"(\d+(?:\.\d+)?|\.\d+)([eE][-+]?\d+|[numkKMGTPE]i?|)")
_FACTORS: Final[Mapping[str, Decimal]] = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(1000),
    **{prefix: Decimal(1000) ** power for power, prefix in enumerate("MGTPE", start=2)},
    **{f"{prefix}i": Decimal(1024) ** power for power, prefix in enumerate("KMGTPE", start=1)},
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, where."""

    path: Path
    reason: str


def findings(manifest: Object) -> Iterator[Finding]:
    """Everything that an API server would refuse in a (plain, built-in) object that its schema accepts."""
    kind = manifest.get("kind")
    if kind == "CustomResourceDefinition":
        return  # its schema describes other objects
    yield from _fields(manifest, ())
    spec = values.as_object(manifest.get("spec"))
    if kind == "Service":
        yield from _one_of(spec.get("type"), _SERVICE_TYPES, ("spec", "type"))
    if "template" in spec:
        template = values.as_object(spec.get("template"))
        yield from _selector(spec, kind)
        yield from _pod(values.as_object(template.get("spec")), ("spec", "template", "spec"))
    if kind == "Pod":
        yield from _pod(spec, ("spec",))
    if kind == "CronJob":
        job = values.as_object(values.as_object(spec.get("jobTemplate")).get("spec"))
        pod = values.as_object(values.as_object(job.get("template")).get("spec"))
        yield from _pod(pod, ("spec", "jobTemplate", "spec", "template", "spec"))


def quantity(value: Value) -> Decimal | None:
    """A quantity such as `500m`, `2Gi`, `1e3` or 2 as a number; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, suffix = match[1], match[2]
    if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix != "Ei":
        return Decimal(number + suffix)
    factor = _FACTORS.get(suffix)
    return None if factor is None else Decimal(number) * factor


def _fields(value: Value, at: Path) -> Iterator[Finding]:
    """Rules that go by the name of a field, anywhere in the object."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _fields(item, (*at, index))
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        path = (*at, key)
        if key in _ENUMERATIONS:
            yield from _one_of(item, _ENUMERATIONS[key], path)
        elif key in _PORTS and isinstance(item, int) and not 1 <= item <= 65535:
            yield Finding(path, f"{item} is not a port; allowed are 1 to 65535")
        elif key in ("limits", "requests") and at and at[-1] == "resources":
            for name, amount in values.as_object(item).items():
                if amount != values.UNKNOWN and quantity(amount) is None:
                    yield Finding((*path, name), f"{amount!r} is not a quantity, such as 500m, 2 or 1Gi")
        elif key not in _FREE:
            yield from _fields(item, path)


def _selector(spec: Object, kind: Value) -> Iterator[Finding]:
    """The selector of a workload selects the pods that its template makes."""
    selector = spec.get("selector")
    if kind in _SELECTING and selector == {}:
        yield Finding(("spec", "selector"), "is empty; it must select the template's labels")
    template = spec.get("template")
    metadata = values.as_object(template).get("metadata")
    if template == values.UNKNOWN or any(True for _ in values.unknowns(metadata)):
        return
    labels = values.as_object(values.as_object(metadata).get("labels"))
    for key, value in values.as_object(values.as_object(selector).get("matchLabels")).items():
        if value not in (values.UNKNOWN, labels.get(key)):
            path = ("spec", "selector", "matchLabels", key)
            yield Finding(path, f"{value!r} does not match the template's label {labels.get(key)!r}")


def _pod(pod: Object, at: Path) -> Iterator[Finding]:
    volumes = [volume.get("name") for volume in _objects(pod.get("volumes"))]
    unsure = any(True for _ in values.unknowns(pod.get("volumes")))
    names: list[Value] = []
    for group in ("initContainers", "containers"):
        for index, container in enumerate(_objects(pod.get(group))):
            path = (*at, group, index)
            name = container.get("name")
            if name in names and name != values.UNKNOWN:
                yield Finding((*path, "name"), f"{name!r} is the name of another container of the pod")
            names.append(name)
            for number, mount in enumerate(_objects(container.get("volumeMounts"))):
                if mount.get("name") not in volumes and mount.get("name") != values.UNKNOWN and not unsure:
                    known = ", ".join(sorted(str(volume) for volume in volumes)) or "none"
                    reason = f"{mount.get('name')!r} is not a volume of the pod; its volumes are: {known}"
                    yield Finding((*path, "volumeMounts", number, "name"), reason)
            yield from _resources(values.as_object(container.get("resources")), (*path, "resources"))


def _resources(resources: Object, at: Path) -> Iterator[Finding]:
    limits = values.as_object(resources.get("limits"))
    for name, amount in values.as_object(resources.get("requests")).items():
        request, limit = quantity(amount), quantity(limits.get(name))
        if request is not None and limit is not None and request > limit:
            yield Finding((*at, "requests", name), f"{amount} is more than the limit {limits.get(name)}")


def _one_of(value: Value, allowed: tuple[str, ...], at: Path) -> Iterator[Finding]:
    if isinstance(value, str) and value != values.UNKNOWN and value not in allowed:
        yield Finding(at, f"{value!r} is not allowed; allowed are: {', '.join(allowed)}")


def _objects(value: Value) -> list[Object]:
    return [values.as_object(item) for item in value] if isinstance(value, list) else []
