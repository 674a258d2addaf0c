"""What the API server itself refuses in the namespace: admission policies (CEL), whoever asks and by whatever tool.

Pure. Owns the policies and where they hold. The policy pack judges what a program declares; these judge what reaches
the cluster, a workload made by hand too, and workloads as well as pods: the namespace's pod security refuses pods only,
so that a Deployment which breaks it is accepted and never gets a pod. A message names the law of the pack that asks the
same (``policies/rules/kubernetes.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from regions.names import PROJECT
from stacks.manifests import NAMESPACE, Manifest

API_VERSION = "admissionregistration.k8s.io/v1"
PODS = f"{PROJECT}-pods"
ENTRANCES = f"{PROJECT}-entrances"

ZONE = "topology.kubernetes.io/zone"
_CONTAINERS = "variables.pod.containers + variables.pod.?initContainers.orValue([])"


@dataclass(frozen=True, slots=True)
class Validation:
    """A sentence of which the expression must be true."""

    message: str
    expression: str


def admission_policies(registry: str) -> Iterator[Manifest]:
    """The policies, each with its binding to the namespace. ``registry``: what the name of every image begins with."""
    yield _policy(
        PODS,
        [
            _rule("", "pods"),
            _rule("apps", "deployments", "replicasets", "statefulsets", "daemonsets"),
            _rule("batch", "jobs"),
        ],
        {
            "pod": "object.kind == 'Pod' ? object.spec : object.spec.template.spec",
            "containers": _CONTAINERS,
        },
        _of_pods(registry),
    )
    yield _binding(PODS)
    yield _policy(ENTRANCES, [_rule("", "services")], {}, _of_services())
    yield _binding(ENTRANCES)


def _of_pods(registry: str) -> Iterator[Validation]:
    yield Validation(
        f"Images come from {registry}, where they are scanned and never change.",
        f"variables.containers.all(c, c.image.startsWith('{registry}'))",
    )
    yield Validation(
        "An image is named by its digest, or by a tag other than latest.",
        "variables.containers.all(c, c.image.contains('@sha256:') || "
        "(c.image.matches(':[^/:@]+$') && !c.image.endsWith(':latest')))",
    )
    yield Validation(
        "A container has requests and limits of CPU and memory (K8S-1).",
        "variables.containers.all(c, ['cpu', 'memory'].all(r, "
        "r in c.?resources.requests.orValue({}) && r in c.?resources.limits.orValue({})))",
    )
    yield Validation(
        "A container of a Deployment has a livenessProbe and a readinessProbe (K8S-2).",
        "object.kind != 'Deployment' || variables.pod.containers.all(c, has(c.livenessProbe) && has(c.readinessProbe))",
    )
    yield Validation(
        f"A Deployment spreads its pods over zones: add a topologySpreadConstraint for {ZONE} (K8S-3).",
        "object.kind != 'Deployment' || variables.pod.?topologySpreadConstraints.orValue([])"
        f".exists(t, t.topologyKey == '{ZONE}')",
    )
    yield Validation(
        "A pod does not run as root: set runAsNonRoot and a runAsUser above 0 for the pod, and override neither.",
        "variables.pod.?securityContext.runAsNonRoot.orValue(false) && "
        "variables.pod.?securityContext.runAsUser.orValue(0) > 0 && "
        "variables.containers.all(c, c.?securityContext.runAsNonRoot.orValue(true) && "
        "c.?securityContext.runAsUser.orValue(1) > 0)",
    )
    yield Validation(
        "A container gains no privileges and writes to volumes only: set allowPrivilegeEscalation to false, "
        "readOnlyRootFilesystem to true, and drop ALL capabilities.",
        "variables.containers.all(c, !c.?securityContext.allowPrivilegeEscalation.orValue(true) && "
        "!c.?securityContext.privileged.orValue(false) && "
        "c.?securityContext.readOnlyRootFilesystem.orValue(false) && "
        "'ALL' in c.?securityContext.capabilities.drop.orValue([]))",
    )
    yield Validation(
        "A pod shares neither namespaces nor directories with its node.",
        "!variables.pod.?hostNetwork.orValue(false) && !variables.pod.?hostPID.orValue(false) && "
        "!variables.pod.?hostIPC.orValue(false) && "
        "variables.pod.?volumes.orValue([]).all(v, !has(v.hostPath))",
    )
    yield Validation(
        "A pod has a service account of its own and no token for the Kubernetes API.",
        "!(variables.pod.?serviceAccountName.orValue('default') in ['', 'default']) && "
        "!variables.pod.?automountServiceAccountToken.orValue(true)",
    )


def _of_services() -> Iterator[Validation]:
    yield Validation(
        "A service is reached from inside the cluster only: entrances are the load balancer's target groups.",
        "object.spec.?type.orValue('ClusterIP') == 'ClusterIP' && size(object.spec.?externalIPs.orValue([])) == 0",
    )


def _policy(
    name: str, rules: list[dict[str, object]], variables: dict[str, str], validations: Iterator[Validation]
) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": _metadata(name),
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": rules},
            "variables": [{"name": key, "expression": value} for key, value in variables.items()],
            "validations": [
                {"expression": item.expression, "message": item.message, "reason": "Invalid"} for item in validations
            ],
        },
    }


def _binding(name: str) -> Manifest:
    """The label is the API server's own, so nobody takes a namespace out by forgetting one."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": _metadata(name),
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}},
        },
    }


def _rule(group: str, *resources: str) -> dict[str, object]:
    return {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(resources),
    }


def _metadata(name: str) -> dict[str, object]:
    return {"name": name, "labels": {"app.kubernetes.io/part-of": PROJECT}}
