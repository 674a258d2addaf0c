"""Custom kinds are checked as strictly as built-in ones, and their definitions are what an API server takes."""

import copy
from typing import cast

import pytest

from local.kubernetes import custom, schemas
from local.kubernetes.values import Object, as_object

SCALED: Object = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"name": "jobs", "namespace": "apps"},
    "spec": {
        "scaleTargetRef": {"name": "jobs"},
        "minReplicaCount": 3,
        "maxReplicaCount": 9,
        "triggers": [
            {
                "type": "aws-sqs-queue",
                "metadata": {"queueURL": "https://q", "queueLength": "5", "awsRegion": "ap-south-1"},
            }
        ],
    },
}


def with_trigger(kind: str, **metadata: str) -> Object:
    manifest = copy.deepcopy(SCALED)
    as_object(manifest["spec"])["triggers"] = [{"type": kind, "metadata": dict(metadata)}]
    return manifest


def reasons(manifest: Object) -> list[str]:
    return [f"{problem.path}: {problem.reason}" for problem in schemas.check(manifest)]


def test_a_scaled_object_that_is_right_has_no_problems() -> None:
    assert reasons(SCALED) == []
    assert reasons(with_trigger("cpu", value="60")) == []


@pytest.mark.parametrize(
    ("kind", "metadata", "told"),
    [
        ("aws-sqs-queue", {"queueURL": "https://q"}, "missing 'awsRegion'"),
        ("aws-sqs-queue", {"queueUrl": "https://q", "queueURL": "q", "awsRegion": "ap-south-1"}, "'queueUrl'"),
        ("aws-sqs-queue", {"queueURL": "q", "awsRegion": "ap-south-1", "queueLength": "many"}, "'many'"),
        ("metrics-api", {"url": "ftp://x", "valueLocation": "v", "targetValue": "1"}, "'ftp://x'"),
        ("metrics-api", {"url": "http://x", "targetValue": "1"}, "missing 'valueLocation'"),
        ("cpu", {}, "missing 'value'"),
        ("sqs", {}, "'sqs' is not allowed"),
    ],
)
def test_metadata_of_a_trigger_are_those_of_its_type(kind: str, metadata: dict[str, str], told: str) -> None:
    assert any(told in reason for reason in reasons(with_trigger(kind, **metadata)))


def test_an_unknown_field_and_an_unknown_kind_of_a_known_group_are_refused() -> None:
    misspelt = copy.deepcopy(SCALED)
    as_object(misspelt["spec"])["maxReplicas"] = 9
    assert any("'maxReplicas'" in reason for reason in reasons(misspelt))
    assert reasons({**SCALED, "kind": "ScaledJob"}) == [
        "kind: keda.sh has no ScaledJob that is known here; known are: ScaledObject, TriggerAuthentication"
    ]


@pytest.mark.parametrize(("api_version", "kind"), custom.kinds())
def test_a_definition_is_an_object_that_kubernetes_takes(api_version: str, kind: str) -> None:
    definition = custom.definition(api_version, kind)
    assert schemas.check(cast("Object", definition)) == ()
    text = str(definition)
    assert "additionalProperties': False" not in text
    assert "allOf" not in text
