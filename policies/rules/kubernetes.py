"""What runs in a cluster says what it needs, tells how it is, and grows by one hand only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from policies.model import Resource, Rule, StackRule, Unknown, Value, of_type, text

_DEPLOYMENT: Final = "kubernetes:apps/v1:Deployment"
_AUTOSCALER: Final = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
_SCALED_OBJECT: Final = "kubernetes:keda.sh/v1alpha1:ScaledObject"
_BUDGET: Final = "kubernetes:policy/v1:PodDisruptionBudget"
_RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_AMOUNTS: Final = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
_PROBES: Final = ("livenessProbe", "readinessProbe")
_ZONE: Final = "topology.kubernetes.io/zone"


def _pod(resource: Resource) -> Value:
    return resource.get("spec.template.spec")


def _part(value: Value, path: str) -> Value:
    """The value at a dotted path below ``value``."""
    return Resource("", "", value).get(path) if isinstance(value, Mapping) else value


def _containers(resource: Resource) -> tuple[Value, ...]:
    found = _part(_pod(resource), "containers")
    return found if isinstance(found, tuple) else ()


def _needs(resource: Resource) -> Iterator[str]:
    if resource.type != _DEPLOYMENT or isinstance(_pod(resource), Unknown):
        return
    containers = _containers(resource)
    if not containers:
        yield "runs no container: name one with its image"
    for container in containers:
        missing = [path for path in _AMOUNTS if _part(container, f"resources.{path}") is None]
        if missing:
            yield f"a container lacks {', '.join(missing)}: state them (services/contracts/workloads.py, stacks/scaling.py)"


def _probed(resource: Resource) -> Iterator[str]:
    if resource.type != _DEPLOYMENT:
        return
    for container in _containers(resource):
        missing = [probe for probe in _PROBES if _part(container, probe) is None]
        if missing:
            yield f"a container lacks {', '.join(missing)}: a dead or busy pod would be sent requests"


def _spread(resource: Resource) -> Iterator[str]:
    pod = _pod(resource)
    if resource.type != _DEPLOYMENT or isinstance(pod, Unknown):
        return
    constraints = _part(pod, "topologySpreadConstraints")
    if isinstance(constraints, Unknown):
        return
    keys = [_part(one, "topologyKey") for one in constraints] if isinstance(constraints, tuple) else []
    if _ZONE not in keys and not any(isinstance(key, Unknown) for key in keys):
        yield f"may run in one zone only: add a topologySpreadConstraint for {_ZONE}"


def _bounded(resource: Resource) -> Iterator[str]:
    if resource.type != _SCALED_OBJECT:
        return
    least, most = resource.get("spec.minReplicaCount"), resource.get("spec.maxReplicaCount")
    if least is None or most is None:
        yield "has no bounds: take both from sizes.sizes_of(region).replicas"
    if isinstance(least, int | float) and least < 1:
        yield "may go down to no pod at all: set minReplicaCount"
    if resource.get("spec.fallback") is None:
        yield "says nothing of a signal that is lost, so pods would stay as few as they are: set fallback"
    for trigger in resource.items("spec.triggers"):
        if text(_part(trigger, "type")) == "aws-sqs-queue" and _part(trigger, "authenticationRef") is None:
            yield "asks AWS without saying by whose identity: set authenticationRef of the trigger"


def _pinned(resource: Resource) -> Iterator[str]:
    version = resource.get("version")
    exact = isinstance(version, str) and version[:1].isdigit() and version.count(".") == 2
    if resource.type == _RELEASE and not exact and not isinstance(version, Unknown):
        yield f"installs version {version!r} of its chart, which can change by itself: name an exact one"


def _one_scaler(resources: tuple[Resource, ...]) -> Iterator[tuple[Resource | None, str]]:
    """Two autoscalers of one Deployment undo each other's work; none leaves it at one pod."""
    scaled = Counter(
        name
        for scaler in of_type(resources, _AUTOSCALER, _SCALED_OBJECT)
        if (name := text(scaler.get("spec.scaleTargetRef.name"))) is not None
    )
    for deployment in of_type(resources, _DEPLOYMENT):
        name = text(deployment.get("metadata.name"))
        if name is not None and scaled[name] != 1:
            yield deployment, f"has {scaled[name]} autoscalers, must have one (stacks/scaling.py says which kind)"


def _disruptable(resources: tuple[Resource, ...]) -> Iterator[tuple[Resource | None, str]]:
    guarded = [budget.get("spec.selector.matchLabels") for budget in of_type(resources, _BUDGET)]
    for deployment in of_type(resources, _DEPLOYMENT):
        if deployment.get("spec.selector.matchLabels") not in guarded:
            yield deployment, "has no disruption budget: a drain may take all its pods at once; declare one"


RULES: Final = (
    Rule("K8S-1", "Containers state what they need and may use.", "Else one starves its neighbours.", _needs),
    Rule("K8S-2", "Containers are probed.", "A pod that hangs must be noticed.", _probed),
    Rule("K8S-3", "Pods are spread over zones.", "Zones fail.", _spread),
    Rule(
        "K8S-4", "Scaling on events is bounded and survives the loss of its signal.", "A metric can be away.", _bounded
    ),
    Rule("K8S-5", "Charts are pinned.", "A cluster must not change without a change here.", _pinned),
)
STACK_RULES: Final = (
    StackRule("K8S-6", "Every Deployment has one autoscaler.", "Two undo each other's work.", _one_scaler),
    StackRule("K8S-7", "Every Deployment has a disruption budget.", "Nodes are replaced under it.", _disruptable),
)
