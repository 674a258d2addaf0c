"""What is refused of a manifest, where, and with which allowed values."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.kubernetes import values
from local.kubernetes.schemas import check
from local.kubernetes.semantics import quantity
from local.kubernetes.values import Object, Value

DEPLOYMENT: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "apps"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "imagePullPolicy": "Always",
                        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                        "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": 1, "memory": "1Gi"}},
                        "livenessProbe": {"httpGet": {"port": "http", "path": "/"}},
                        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                    }
                ],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            },
        },
    },
}
CONTAINER = "spec.template.spec.containers[0]"


def changed(path: str, value: Value) -> Object:
    """The deployment with the value at `path` (dots, numbers for list items) replaced."""
    manifest = copy.deepcopy(DEPLOYMENT)
    at: Value = manifest
    *parents, last = path.split(".")
    for part in parents:
        at = at[int(part)] if isinstance(at, list) else values.as_object(at)[part]
    if isinstance(at, list):
        at[int(last)] = value
    else:
        values.as_object(at)[last] = value
    return manifest


def test_a_good_manifest_has_no_problems() -> None:
    assert check(DEPLOYMENT) == ()


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        ("spec.replica", 2, "spec.replica", "allowed are: minReadySeconds, paused"),
        ("spec.replicas", "two", "spec.replicas", "'two' is not of type integer"),
        ("spec.selector", {}, "spec.selector", "is empty"),
        ("spec.template.spec.containers.0.imagee", "x", f"{CONTAINER}.imagee", "imagePullPolicy"),
        ("spec.template.spec.containers.0.imagePullPolicy", "Sometimes", f"{CONTAINER}.imagePullPolicy", "Never"),
        (
            "spec.template.spec.containers.0.ports.0.containerPort",
            70000,
            f"{CONTAINER}.ports[0].containerPort",
            "65535",
        ),
        ("spec.template.spec.containers.0.ports.0.protocol", "tcp", f"{CONTAINER}.ports[0].protocol", "TCP, UDP, SCTP"),
        ("spec.template.spec.containers.0.volumeMounts.0.name", "t", f"{CONTAINER}.volumeMounts[0].name", "are: tmp"),
        ("spec.template.spec.containers.0.resources.requests.cpu", 2, f"{CONTAINER}.resources.requests.cpu", "limit 1"),
        (
            "spec.template.spec.containers.0.resources.limits.memory",
            "1 GB",
            f"{CONTAINER}.resources.limits.memory",
            "1Gi",
        ),
        ("spec.template.metadata.labels.app", "other", "spec.selector.matchLabels.app", "does not match"),
        ("spec.template.spec.restartPolicy", "Maybe", "spec.template.spec.restartPolicy", "OnFailure"),
        ("metadata.name", "Web_1", "metadata.name", "not a DNS subdomain"),
        ("metadata.name", "../../etc/passwd", "metadata.name", "not a DNS subdomain"),
        ("metadata.namespace", "a.b", "metadata.namespace", "not a DNS label"),
        ("apiVersion", "apps/v2", "apiVersion", "it is in: apps-v1"),
        ("kind", "Deploiment", "apiVersion", "nor elsewhere"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(path: str, value: Value, where: str, words: str) -> None:
    problems = check(changed(path, value))
    assert [problem.path for problem in problems] == [where]
    assert words in problems[0].reason


def test_all_mistakes_are_reported_at_once() -> None:
    manifest = changed("spec.replica", 1)
    values.as_object(manifest["spec"])["paused"] = "no"
    values.as_object(manifest["metadata"])["name"] = "A"
    assert {problem.path for problem in check(manifest)} == {"metadata.name", "spec.replica", "spec.paused"}


def test_a_missing_property_is_named() -> None:
    manifest = copy.deepcopy(DEPLOYMENT)
    del values.as_object(manifest["spec"])["selector"]
    (problem,) = check(manifest)
    assert (problem.path, problem.reason) == ("spec", "missing 'selector'")


@pytest.mark.parametrize(
    "path",
    [
        "metadata.name",
        "spec.replicas",
        "spec.template",
        "spec.template.metadata",
        "spec.template.spec",
        "spec.template.spec.volumes",
        "spec.template.spec.containers.0.ports.0.containerPort",
        "spec.template.spec.containers.0.imagePullPolicy",
        "spec.template.spec.containers.0.resources.limits.cpu",
        "spec.template.spec.containers.0.volumeMounts.0.name",
        "spec.template.metadata.labels.app",
    ],
)
def test_what_is_not_known_yet_is_not_judged(path: str) -> None:
    assert check(changed(path, values.UNKNOWN)) == ()


def test_an_unknown_value_does_not_hide_a_mistake_beside_it() -> None:
    manifest = changed("spec.template.spec.containers.0.ports.0.containerPort", values.UNKNOWN)
    values.as_object(manifest["spec"])["replica"] = 1
    assert [problem.path for problem in check(manifest)] == ["spec.replica"]


def test_a_custom_resource_is_left_to_its_definition() -> None:
    assert (
        check({"apiVersion": "kafka.example.com/v1", "kind": "Topic", "metadata": {"name": "a"}, "spec": {"x": 1}})
        == ()
    )


def test_the_names_of_roles_may_hold_colons_but_no_path() -> None:
    role: Object = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "system:a"},
    }
    assert check(role) == ()
    for bad in ("a/b", "..", "a%2f"):
        assert [problem.path for problem in check({**role, "metadata": {"name": bad}})] == ["metadata.name"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", "0.5"),
        ("2", "2"),
        (2, "2"),
        (0.5, "0.5"),
        ("1Ki", "1024"),
        ("1M", "1000000"),
        ("1e3", "1000"),
        ("2Ei", str(2 * 1024**6)),
    ],
)
def test_quantities_are_read_as_the_api_server_reads_them(text: Value, number: str) -> None:
    found = quantity(text)
    assert found is not None
    assert found == type(found)(number)


@pytest.mark.parametrize("text", ["", "1 Gi", "1GB", "one", "-", True, None, [], "1ki"])
def test_what_is_no_quantity_is_none(text: Value) -> None:
    assert quantity(text) is None


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_no_value_whatever_breaks_the_checker(value: Value) -> None:
    for path in ("metadata", "spec", "spec.template", "spec.template.spec.containers", "spec.template.spec.volumes"):
        for problem in check(changed(path, value)):
            assert problem.reason
