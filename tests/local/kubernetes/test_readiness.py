"""When a rollout is through, by what the cluster says of it."""

from __future__ import annotations

import pytest

from local.kubernetes import readiness
from local.kubernetes.values import Object, Value


def deployment(
    status: Object, wanted: int | None = 3, generation: int = 2, conditions: list[Value] | None = None
) -> Object:
    spec: Object = {} if wanted is None else {"replicas": wanted}
    seen: Object = {"observedGeneration": 2, "conditions": conditions or [], **status}
    return {"kind": "Deployment", "metadata": {"generation": generation}, "spec": spec, "status": seen}


DONE: Object = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}
FORBIDDEN: Value = {"type": "ReplicaFailure", "status": "True", "message": "pods are forbidden"}


def test_a_rollout_is_through_when_every_pod_is_new_and_available() -> None:
    assert readiness.of(deployment(DONE)).ready
    assert readiness.of(deployment({}, wanted=0)).ready


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (deployment(DONE, generation=3), "has not seen it"),
        (deployment({"replicas": 3, "updatedReplicas": 1, "availableReplicas": 3}), "1 of 3 pods are new"),
        (deployment({**DONE, "replicas": 4}), "1 old pods are still there"),
        (deployment({**DONE, "availableReplicas": 2}), "2 of 3 pods are available"),
        (deployment({}, wanted=None), "0 of 1 pods are new"),
        ({"kind": "Deployment"}, "0 of 1 pods are new"),
        (deployment({}, conditions=[FORBIDDEN]), "pods are forbidden"),
    ],
)
def test_what_is_lacking_is_said(live: Object, words: str) -> None:
    found = readiness.of(live)
    assert not found.ready
    assert not found.final
    assert words in found.lacks


def test_a_rollout_that_stopped_will_not_come_and_says_why() -> None:
    stopped: Value = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}
    found = readiness.of(deployment({}, conditions=[stopped, FORBIDDEN]))
    assert found.final
    assert "pods are forbidden" in found.lacks


def test_a_definition_is_waited_for_until_its_kind_is_served() -> None:
    established: Value = {"type": "Established", "status": "True"}
    assert not readiness.of({"kind": "CustomResourceDefinition"}).ready
    assert readiness.of({"kind": "CustomResourceDefinition", "status": {"conditions": [established]}}).ready


def test_a_job_is_waited_for_until_it_is_complete_and_a_failed_one_will_not_come() -> None:
    complete: Value = {"type": "Complete", "status": "True"}
    failed: Value = {"type": "Failed", "status": "True", "message": "exit code 1"}
    assert not readiness.of({"kind": "Job", "status": {"active": 1}}).ready
    assert not readiness.of({"kind": "Job", "status": {"active": 1}}).final
    assert readiness.of({"kind": "Job", "status": {"conditions": [complete]}}).ready
    found = readiness.of({"kind": "Job", "status": {"conditions": [failed]}})
    assert found.final
    assert "exit code 1" in found.lacks


def test_other_kinds_need_no_waiting() -> None:
    assert readiness.of({"kind": "ConfigMap"}).ready
