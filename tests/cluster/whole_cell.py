"""A cell's workloads on a real API server: previewed, deployed, tried to break, disturbed, repaired and removed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from local.cluster.nodes import ZONE
from local.engine.pulumi import RunFailedError
from local.engine.results import Result, Step
from local.kubernetes.api import Api, ApiError
from local.kubernetes.manifests import Identity
from local.kubernetes.values import Object, Value, as_object
from services.contracts.workloads import BY_NAME
from stacks import admission
from stacks.manifests import NAMESPACE
from stacks.scaling import QueueDepth, Summed, scaling_of
from tests.cluster.cell import (
    OPERATOR,
    at,
    by_hand,
    cordon,
    deployments,
    eventually,
    evict,
    identity,
    name_of,
    number,
    operate,
    pods,
    watching,
)
from tests.cluster.scaling import ON_EVENTS, address_of_one, condition, scaled_objects, wanted

if TYPE_CHECKING:
    from tests.cluster.cell import Cell
    from tests.cluster.report import Report
    from tests.cluster.scaling import Waiting
    from tests.cluster.signals import Signals

RELEASE = "0.2.0"
"""Another than the configured one."""
GATEWAY = identity("Deployment", "gateway", "apps/v1")
BUDGET = identity("PodDisruptionBudget", "gateway", "policy/v1")
BINDING = Identity(admission.API_VERSION, "ValidatingAdmissionPolicyBinding", "", admission.PODS)


def objects(result: Result) -> list[Step]:
    """What of a run concerns the cluster."""
    return [step for step in result.steps if step.type.startswith("kubernetes:")]


def touched(result: Result) -> dict[str, str]:
    """Names and operations of the objects that are, or would be, changed."""
    return {step.name: step.op for step in objects(result) if not step.unchanged}


def settled(api: Api) -> bool:
    """Whether every workload has as many available pods of its newest form as it wants, and no others."""
    return all(
        number(item, "status.observedGeneration") >= number(item, "metadata.generation")
        and number(item, "spec.replicas")
        == number(item, "status.updatedReplicas")
        == number(item, "status.availableReplicas")
        == number(item, "status.replicas")
        for item in deployments(api).values()
    )


def at_their_floors(api: Api) -> bool:
    """Whether every autoscaler of Kubernetes' own has its workload at its least number of pods or above."""
    wanted = {
        name_of(item): number(item, "spec.minReplicas")
        for item in api.items("autoscaling/v2", "HorizontalPodAutoscaler", NAMESPACE)
    }
    found = deployments(api)
    return bool(wanted) and all(number(found[name], "spec.replicas") >= least for name, least in wanted.items())


def test_a_first_preview_tries_what_it_can_and_leaves_nothing_behind(cell: Cell, api: Api, report: Report) -> None:
    result = cell.runner.preview(cell.name)
    assert set(touched(result).values()) == {"create"}
    assert api.get(Identity("v1", "Namespace", "", NAMESPACE)) is None
    assert api.items("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy") == []
    report.number("objects of the cell", len(objects(result)))
    report.number("first preview, s", result.seconds)


def test_the_cell_is_deployed_and_every_rollout_completes(cell: Cell, api: Api, report: Report) -> None:
    result = cell.runner.up(cell.name)
    found = deployments(api)
    assert set(found) == set(BY_NAME)
    report.number("deployment, s", result.seconds)
    (migration,) = api.items("batch/v1", "Job", NAMESPACE)
    assert number(migration, "status.succeeded") == 1
    completed = str(at(migration, "status.completionTime"))
    assert all(str(at(item, "metadata.creationTimestamp")) >= completed for item in found.values())
    seconds = eventually(lambda: at_their_floors(api) and settled(api), "all pods of all floors are available")
    report.number("to the floors of all autoscalers afterwards, s", seconds)
    running = [pod for pod in pods(api) if at(pod, "status.phase") != "Succeeded"]
    assert {at(pod, "status.phase") for pod in running} == {"Running"}
    (ended,) = [pod for pod in pods(api) if pod not in running]
    assert at(ended, "metadata.labels.job-name") == name_of(migration)
    zones = {name_of(node): str(as_object(at(node, "metadata.labels"))[ZONE]) for node in nodes(api)}
    for workload, item in deployments(api).items():
        if number(item, "spec.replicas") >= 3:
            used = {zones[str(at(pod, "spec.nodeName"))] for pod in pods(api, workload)}
            assert len(used) == 3, f"{workload} stands in {used}"
    report.number("pods running", len(running))


def nodes(api: Api) -> list[Object]:
    return api.items("v1", "Node")


def test_the_event_scaler_makes_an_autoscaler_of_every_scaled_object(cell: Cell, api: Api) -> None:
    assert set(scaled_objects(api)) == set(ON_EVENTS)
    eventually(
        lambda: {condition(item, "Ready") for item in scaled_objects(api).values()} == {"True"},
        "KEDA takes every scaled object",
    )
    autoscalers = {name_of(item): item for item in api.items("autoscaling/v2", "HorizontalPodAutoscaler", NAMESPACE)}
    for name, item in scaled_objects(api).items():
        made = autoscalers[name]
        assert number(made, "spec.minReplicas") == number(item, "spec.minReplicaCount")
        assert number(made, "spec.maxReplicas") == number(item, "spec.maxReplicaCount")
        kinds = [at(as_object(metric), "type") for metric in as_list(at(made, "spec.metrics"))]
        resources = [resource for resource, _ in scaling_of(ON_EVENTS[name]).targets]
        assert sorted(map(str, kinds)) == ["External", *["Resource"] * len(resources)]
    assert cell.runner.preview(cell.name).changed == 0, "what KEDA writes into its objects is no drift"


@pytest.mark.parametrize("workload", sorted(ON_EVENTS))
def test_pods_follow_what_waits_for_them(
    workload: str, api: Api, shown: Signals, waiting: Waiting, report: Report
) -> None:
    """As many more pods as the signal asks for: no pod answers but through it, so nothing else can be the reason."""
    least = number(scaled_objects(api)[workload], "spec.minReplicaCount")
    assert wanted(api, workload) == least
    aim = least + least // 5 + 2  # autoscalers overlook a tenth
    signal = scaling_of(ON_EVENTS[workload]).signal
    match signal:
        case QueueDepth(per_pod):
            waiting.add(aim * per_pod)
        case Summed(gauge, per_pod):
            shown.show(gauge, aim * per_pod, address_of_one(api, workload))
    seconds = eventually(lambda: wanted(api, workload) == aim, f"{workload} has {aim} pods")
    eventually(lambda: settled(api), "they are available")
    report.number(f"{workload}: from {least} pods to {aim} after its signal, s", seconds)


def test_a_lost_signal_takes_no_pod_away(api: Api, shown: Signals, report: Report) -> None:
    before = {name: wanted(api, name) for name in ON_EVENTS}
    shown.silent = True
    asking = {name for name, item in ON_EVENTS.items() if isinstance(scaling_of(item).signal, Summed)}
    seconds = eventually(
        lambda: all(condition(scaled_objects(api)[name], "Fallback") == "True" for name in asking),
        "KEDA counts the signals as lost",
    )
    report.number("until a signal counts as lost, s", seconds)
    assert {name: wanted(api, name) for name in ON_EVENTS} == before
    shown.silent = False
    eventually(
        lambda: all(condition(scaled_objects(api)[name], "Fallback") == "False" for name in asking),
        "the signals are back",
    )
    assert {name: wanted(api, name) for name in ON_EVENTS} == before


def test_a_second_preview_finds_nothing_to_change(cell: Cell) -> None:
    assert cell.runner.preview(cell.name).changed == 0


def test_a_preview_of_a_new_release_is_tried_by_the_server_and_changes_nothing(cell: Cell, api: Api) -> None:
    before = {name: at(item, "metadata.generation") for name, item in deployments(api).items()}
    result = cell.configured(release=RELEASE).preview(cell.name)
    assert {step.op for step in objects(result) if step.type.endswith(":Deployment")} == {"update"}
    assert {name: at(item, "metadata.generation") for name, item in deployments(api).items()} == before


def test_a_preview_fails_where_the_cluster_would_refuse_what_every_schema_accepts(cell: Cell, report: Report) -> None:
    with pytest.raises(RunFailedError) as failed:
        cell.configured(images='{"gateway": "latest"}').preview(cell.name)
    said = str(failed.value)
    assert "a tag other than latest" in said
    line = next(line for line in said.splitlines() if "a tag other than latest" in line)
    report.refused("preview of the stack with the image `gateway:latest`", line.strip()[:400])


def change(path: str, value: Value) -> Callable[[Object], None]:
    """Sets the value at a dotted path; None removes it."""

    def apply(pod: Object) -> None:
        *parents, last = path.split(".")
        inner: Value = pod
        for part in parents:
            inner = inner[int(part)] if isinstance(inner, list) else as_object(inner)[part]
        if value is None:
            del as_object(inner)[last]
        else:
            as_object(inner)[last] = value

    return apply


BAD_PODS: dict[str, tuple[Callable[[Object], None], str]] = {
    "an image of somebody else's registry": (
        change("containers.0.image", "docker.io/library/nginx:1.29"),
        "Images come from",
    ),
    "an image without a tag": (change("containers.0.image", "{registry}gateway"), "named by its digest"),
    "an image called latest": (change("containers.0.image", "{registry}gateway:latest"), "named by its digest"),
    "no limits": (change("containers.0.resources.limits", None), "requests and limits"),
    "no probes, in a Deployment": (change("containers.0.readinessProbe", None), "livenessProbe and a readinessProbe"),
    "one zone, in a Deployment": (change("topologySpreadConstraints", []), "over zones"),
    "root": (change("securityContext.runAsUser", 0), "does not run as root"),
    "root in one container": (change("containers.0.securityContext.runAsUser", 0), "does not run as root"),
    "a root file system that can be written": (
        change("containers.0.securityContext.readOnlyRootFilesystem", False),
        "writes to volumes only",
    ),
    "capabilities": (change("containers.0.securityContext.capabilities", {"add": ["NET_ADMIN"]}), "drop ALL"),
    "the node's network": (change("hostNetwork", True), "shares neither namespaces"),
    "the node's processes": (change("hostPID", True), "shares neither namespaces"),
    "a directory of the node": (
        change("volumes", [{"name": "settings", "hostPath": {"path": "/etc"}}, {"name": "scratch", "emptyDir": {}}]),
        "shares neither namespaces",
    ),
    "a token for the API": (change("automountServiceAccountToken", True), "no token"),
    "the namespace's default account": (change("serviceAccountName", "default"), "service account of its own"),
}


ALSO_POD_SECURITY = {
    "root",
    "root in one container",
    "capabilities",
    "the node's network",
    "the node's processes",
    "a directory of the node",
}


def template(api: Api) -> Object:
    """The pod of the gateway as the cluster has it, to be made anew under another name."""
    return copy.deepcopy(as_object(at(deployments(api)["gateway"], "spec.template.spec")))


def pod_of(spec: Object) -> Object:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stray", "namespace": NAMESPACE}, "spec": spec}


def deployment_of(spec: Object) -> Object:
    labels: Object = {"app.kubernetes.io/name": "stray"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "stray", "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }


def refusal(api: Api, manifest: Object) -> ApiError | None:
    """Why the server would not take an object, by whatever tool it comes."""
    identified = Identity.of(manifest)
    path = api.path(identified).rpartition("/")[0]
    try:
        api.request("POST", path, query={"dryRun": "All", "fieldValidation": "Strict"}, body=manifest)
    except ApiError as error:
        return error
    return None


def test_the_policies_are_in_force_and_their_expressions_fit_the_types(api: Api) -> None:
    """Type checking is the server's own: an expression that names a field which no matched kind has is warned of."""
    policies = {
        name_of(item): item for item in api.items("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")
    }
    assert set(policies) == {admission.PODS, admission.ENTRANCES}
    eventually(
        lambda: all(
            number(item, "status.observedGeneration") == 1
            for item in api.items("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")
        ),
        "the policies are checked",
    )
    entrances = next(
        item
        for item in api.items("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")
        if name_of(item) == admission.ENTRANCES
    )
    assert at(entrances, "status.typeChecking.expressionWarnings") is None
    eventually(lambda: refusal(api, pod_of({**template(api), "hostPID": True})) is not None, "they refuse")


def test_a_pod_and_a_deployment_like_ours_are_admitted(api: Api) -> None:
    assert refusal(api, pod_of(template(api))) is None
    assert refusal(api, deployment_of(template(api))) is None


@pytest.mark.parametrize("what", BAD_PODS)
def test_a_bad_pod_is_refused_alone_and_in_a_deployment(api: Api, report: Report, what: str) -> None:
    disturb, words = BAD_PODS[what]
    spec = template(api)
    registry = str(at(spec, "containers.0.image")).rpartition("gateway")[0]
    disturb(spec)
    container = as_object(at(spec, "containers.0"))
    container["image"] = str(container["image"]).replace("{registry}", registry)
    for manifest in (deployment_of(spec),) if what.endswith("in a Deployment") else (pod_of(spec), deployment_of(spec)):
        error = refusal(api, manifest)
        assert error is not None
        assert error.status in (403, 422)
        # Of a pod, pod security says first what both of them refuse.
        first = "violates PodSecurity" if manifest["kind"] == "Pod" and what in ALSO_POD_SECURITY else words
        assert first in str(error), "refused for another reason"
    report.refused(f"a Deployment with {what.removesuffix(', in a Deployment')}", str(error)[:300])


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer"])
def test_an_entrance_beside_the_load_balancer_is_refused(api: Api, report: Report, kind: str) -> None:
    service: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "stray", "namespace": NAMESPACE},
        "spec": {"type": kind, "ports": [{"port": 80}]},
    }
    error = refusal(api, service)
    assert error is not None
    assert "inside the cluster only" in str(error)
    report.refused(f"a Service of type {kind}", str(error)[:300])


def test_a_disruption_budget_holds_a_drain_back_while_pods_have_nowhere_to_go(api: Api, report: Report) -> None:
    """A quarter of the gateway's pods, rounded up, may be away. With every node closed none comes back."""
    wanted = number(deployments(api)["gateway"], "spec.replicas")
    allowed = -(-wanted // 4)
    every = [name_of(node) for node in nodes(api)]
    for node in every:
        cordon(api, node, closed=True)
    answers = [evict(api, pod) for pod in pods(api, "gateway")]
    refused = [error for error in answers if error is not None]
    for node in every:
        cordon(api, node, closed=False)
    assert len(answers) == wanted
    assert len(answers) - len(refused) == allowed
    assert {error.status for error in refused} == {429}
    assert "disruption budget" in str(refused[0])
    report.refused(
        f"eviction of all {wanted} pods of the gateway with every node closed: {allowed} went", str(refused[0])
    )
    eventually(lambda: settled(api), "what was evicted is replaced")


def test_a_node_is_drained_and_no_workload_falls_below_its_budget(api: Api, report: Report) -> None:
    node = max(nodes(api), key=lambda item: len(on(api, name_of(item))))
    name = name_of(node)
    begun = len(on(api, name))
    tries = 0
    cordon(api, name, closed=True)
    with watching(api) as seen:

        def emptied() -> bool:
            nonlocal tries
            left = on(api, name)
            tries += len(left)
            for pod in left:
                evict(api, pod)
            return not left

        seconds = eventually(emptied, f"{name} is empty")
        eventually(lambda: settled(api), "its pods are elsewhere")
    cordon(api, name, closed=False)
    budgets = {workload: -(-number(item, "spec.replicas") // 4) for workload, item in deployments(api).items()}
    assert seen.looks > 0
    assert all(seen.missing[workload] <= budgets[workload] for workload in budgets), (seen.missing, budgets)
    report.number("pods of the drained node", begun)
    report.number("evictions asked for", tries)
    report.number("drain, s", seconds)


def on(api: Api, node: str) -> list[Object]:
    return [pod for pod in pods(api) if at(pod, "spec.nodeName") == node]


def test_a_new_release_rolls_out_without_a_pod_too_few(cell: Cell, api: Api, report: Report) -> None:
    before = {name: number(item, "spec.replicas") for name, item in deployments(api).items()}
    with watching(api) as seen:
        result = cell.configured(release=RELEASE).up(cell.name)
        eventually(lambda: settled(api), "the release is everywhere")
    assert {name: how for name, how in touched(result).items() if how != "update"} == {
        "workloads-job-migration": "create-replacement"
    }
    assert {str(at(pod, "spec.containers.0.image")).rpartition(":")[2] for pod in pods(api)} == {RELEASE}
    assert seen.looks > 0
    # Of what was wanted at the beginning: an autoscaler takes the surplus pods of a rollout, up to a tenth, for its number.
    assert {name: fewest for name, fewest in seen.fewest.items() if fewest < before[name]} == {}
    report.number("rollout of a release over all workloads, s", result.seconds)


DISTURBED = {
    "workloads-deployment-gateway": "update",
    "workloads-poddisruptionbudget-gateway": "update",
    "workloads-poddisruptionbudget-search": "update",
    "workloads-service-search": "create",
    f"workloads-validatingadmissionpolicybinding-{admission.PODS}": "update",
}


def test_what_was_changed_by_hand_is_seen_by_a_refresh(cell: Cell, api: Api, report: Report) -> None:
    environment: Object = {"name": "TMPDIR", "value": "/elsewhere"}
    container: Object = {"name": "gateway", "env": [environment], "resources": {"limits": {"memory": "1Gi"}}}
    by_hand(api, GATEWAY, {"spec": {"template": {"spec": {"containers": [container]}}}})
    by_hand(api, BUDGET, {"spec": {"maxUnavailable": "100%"}})
    by_hand(api, identity("Service", "catalog"), {"metadata": {"labels": {"somebody": "else"}}})
    by_hand(api, BINDING, {"spec": {"validationActions": ["Audit"]}})
    api.delete(identity("Service", "search"))
    operate(api, {"spec": {"maxUnavailable": "50%"}})
    refreshed = cell.configured(release=RELEASE).refresh(cell.name)
    assert {op: count for op, count in refreshed.changes.items() if op != "same"} == {"update": 4, "delete": 1}
    report.number("refresh, s", refreshed.seconds)


def test_a_preview_names_the_controller_that_owns_a_field_and_takes_nothing_from_it(
    cell: Cell, api: Api, report: Report
) -> None:
    with pytest.raises(RunFailedError) as failed:
        cell.configured(release=RELEASE).preview(cell.name)
    line = next(line for line in str(failed.value).splitlines() if f"{OPERATOR} owns" in line)
    assert ".spec.maxUnavailable" in line
    report.refused("preview while another controller owns a field", line.strip()[:300])
    operate(api, {})  # it lets go of what it owns


def as_list(value: Value) -> list[Value]:
    return value if isinstance(value, list) else []


def test_drift_is_repaired_field_by_field(cell: Cell, api: Api, report: Report) -> None:
    repaired = cell.configured(release=RELEASE).up(cell.name)
    assert touched(repaired) == DISTURBED
    details = next(step.detailed for step in repaired.steps if step.name == "workloads-deployment-gateway")
    assert set(details) == {
        "spec.template.spec.containers[0].env[2].value",
        "spec.template.spec.containers[0].resources.limits.memory",
    }
    pod = as_object(at(deployments(api)["gateway"], "spec.template.spec"))
    assert at(pod, "containers.0.resources.limits.memory") == BY_NAME["gateway"].memory
    assert at(pod, "containers.0.env.2.value") == "/tmp"
    assert api.get(identity("Service", "search")) is not None
    assert at(api.get(BUDGET) or {}, "spec.maxUnavailable") == "25%"
    assert "Deny" in as_list(at(api.get(BINDING) or {}, "spec.validationActions"))
    catalog = api.get(identity("Service", "catalog")) or {}
    assert at(catalog, "metadata.labels.somebody") == "else", "a label that is not ours was taken away"
    assert cell.configured(release=RELEASE).preview(cell.name).changed == 0
    report.number("repair, s", repaired.seconds)


def test_destroy_empties_the_cluster(cell: Cell, api: Api, report: Report) -> None:
    result = cell.runner.destroy(cell.name, include_protected=True)
    assert api.get(Identity("v1", "Namespace", "", NAMESPACE)) is None
    assert pods(api) == []
    for kind in ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        assert api.items(admission.API_VERSION, kind) == []
    report.number("destroy, s", result.seconds)
