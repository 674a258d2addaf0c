"""The admission policies: objects that Kubernetes knows, bound to the namespace, asking what the pack asks.

That their expressions do what they say is seen on a real API server (`make test-cluster`).
"""

from __future__ import annotations

import json
from typing import Any

import kubernetes_validate

from policies.rules import kubernetes
from stacks import admission, registry
from stacks.manifests import KUBERNETES_VERSION, NAMESPACE
from tests.stacks.recording import cell

REGISTRY = registry.beginning("123456789012", "ap-south-1")


def policies() -> dict[tuple[str, str], Any]:
    found = json.loads(json.dumps(list(admission.admission_policies(REGISTRY))))
    return {(item["kind"], item["metadata"]["name"]): item for item in found}


def test_they_are_objects_that_the_declared_version_of_kubernetes_knows() -> None:
    for item in policies().values():
        kubernetes_validate.validate(item, KUBERNETES_VERSION, strict=True)


def test_each_policy_is_bound_to_the_namespace_denies_and_fails_closed() -> None:
    found = policies()
    for name in (admission.PODS, admission.ENTRANCES):
        assert found["ValidatingAdmissionPolicy", name]["spec"]["failurePolicy"] == "Fail"
        binding = found["ValidatingAdmissionPolicyBinding", name]["spec"]
        assert binding["policyName"] == name
        assert binding["validationActions"] == ["Deny"]
        selected = binding["matchResources"]["namespaceSelector"]
        assert selected == {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
    assert len(found) == 4


def test_our_images_begin_as_the_policy_demands() -> None:
    assert registry.image("123456789012", "ap-south-1", "gateway", "1.0").startswith(REGISTRY)
    (rule,) = [
        item["expression"]
        for item in policies()["ValidatingAdmissionPolicy", admission.PODS]["spec"]["validations"]
        if "scanned" in item["message"]
    ]
    assert f"'{REGISTRY}'" in rule


def test_every_law_that_a_message_names_is_one_of_the_pack() -> None:
    codes = {rule.code for rule in kubernetes.RULES}
    messages = [
        validation["message"]
        for (kind, _), item in policies().items()
        if kind == "ValidatingAdmissionPolicy"
        for validation in item["spec"]["validations"]
    ]
    named = {message[-7:-2].strip("(") for message in messages if message.endswith(").")}
    assert named == {"K8S-1", "K8S-2", "K8S-3"} <= codes


def test_every_region_declares_them() -> None:
    for name in ("mumbai", "oregon"):
        declared = cell(name).of("kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy")
        assert len(list(declared)) == 2
