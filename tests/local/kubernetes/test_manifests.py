"""Where an object lies, what its file says, and what it does not say."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes import changes, manifests, naming, values
from local.kubernetes.manifests import SECRET_MASK, Identity, UnreadableManifestError
from local.kubernetes.values import Object, Value

SCALARS = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8)
TREES: st.SearchStrategy[Value] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=15,
)
OBJECTS = st.dictionaries(st.sampled_from(["spec", "data", "metadata", "a"]), TREES, max_size=4)


def config_map(name: str = "m", **data: Value) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "apps"}, "data": data}


@pytest.mark.parametrize(
    ("identity", "file"),
    [
        (Identity("apps/v1", "Deployment", "apps", "web"), "1-manifest/apps_v1-deployment-apps-web.yaml"),
        (Identity("v1", "Namespace", "", "apps"), "1-manifest/v1-namespace-default-apps.yaml"),
        (
            Identity("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "t.x.io"),
            "0-crd/apiextensions.k8s.io_v1-customresourcedefinition-default-t.x.io.yaml",
        ),
        (
            Identity("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:a"),
            "1-manifest/rbac.authorization.k8s.io_v1-clusterrole-default-system_a.yaml",
        ),
    ],
)
def test_files_lie_where_the_official_plugin_puts_them(identity: Identity, file: str) -> None:
    assert identity.file == Path(file)


@given(st.text(min_size=1), st.text(), st.text(min_size=1))
def test_no_name_leads_out_of_the_render_directory(kind: str, namespace: str, name: str) -> None:
    file = Identity("v1", kind, namespace, name).file
    assert len(file.parts) == 2
    assert ".." not in file.parts


def test_values_of_a_secret_are_never_rendered(tmp_path: Path) -> None:
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "apps"},
        "stringData": {"password": "correct horse"},
        "data": {"token": "Y29ycmVjdA=="},
    }
    manifests.write(tmp_path, secret)
    (path,) = tmp_path.rglob("*.yaml")
    text = path.read_text()
    assert "correct horse" not in text
    assert "Y29y" not in text
    assert text.startswith("# Secret values are not rendered")
    assert yaml.safe_load(text)["stringData"] == {"password": SECRET_MASK}


def test_a_value_that_the_program_calls_secret_is_not_rendered_in_any_kind() -> None:
    text = manifests.text(config_map(key=values.secret("correct horse"), other="plain"))
    assert "correct horse" not in text
    assert yaml.safe_load(text)["data"] == {"key": SECRET_MASK, "other": "plain"}


def test_a_changed_file_is_read_with_the_secrets_of_the_state() -> None:
    state = config_map(key=values.secret("correct horse"), other="plain")
    changed = manifests.text(state).replace("plain", "edited")
    found = manifests.parse(changed, state, Path("f"))
    assert found["data"] == {"key": values.secret("correct horse"), "other": "edited"}


@pytest.mark.parametrize("content", ["a: [", "just text", ""])
def test_a_file_that_is_no_manifest_is_named_with_the_remedy(content: str) -> None:
    with pytest.raises(UnreadableManifestError, match=r"(?s)some/file.*Delete it, then refresh"):
        manifests.parse(content, {}, Path("some/file"))


def test_removing_the_last_object_leaves_no_directory_and_removing_again_is_harmless(tmp_path: Path) -> None:
    directory = tmp_path / "cell"
    manifests.write(directory, config_map("a"))
    manifests.write(directory, config_map("b"))
    for name in ("a", "b", "b"):
        manifests.remove(directory, Identity.of(config_map(name)))
    assert list(tmp_path.iterdir()) == []


@given(OBJECTS)
def test_a_rendered_object_is_read_back_as_it_was(given_object: Object) -> None:
    manifest = {**given_object, "apiVersion": "v1", "kind": "ConfigMap"}
    assert manifests.parse(manifests.text(manifest), manifest, Path("f")) == manifest


@given(OBJECTS)
def test_an_object_does_not_differ_from_itself(manifest: Object) -> None:
    assert changes.between(manifest, manifest) == ()


@given(OBJECTS, OBJECTS)
def test_two_objects_that_differ_have_a_change_and_the_same_both_ways(old: Object, new: Object) -> None:
    forth, back = changes.between(old, new), changes.between(new, old)
    assert bool(forth) == (old != new)
    assert {change.path for change in forth} == {change.path for change in back}


@pytest.mark.parametrize(
    ("kind", "field"),
    [("ConfigMap", "data"), ("Secret", "stringData"), ("RoleBinding", "roleRef"), ("StorageClass", "provisioner")],
)
def test_what_cannot_change_in_place_is_replaced(kind: str, field: str) -> None:
    old: Object = {"kind": kind, "metadata": {"name": "a"}, field: {"x": "1"}}
    new: Object = {"kind": kind, "metadata": {"name": "a", "labels": {"l": "1"}}, field: {"x": "2"}}
    assert {(change.path[0], change.replace) for change in changes.between(old, new)} == {
        (field, True),
        ("metadata", False),
    }


def test_another_name_or_namespace_is_another_object() -> None:
    for key in ("name", "namespace"):
        (change,) = changes.between(config_map(), {**config_map(), "metadata": {**IDENTITY, key: "other"}})
        assert (change.path, change.replace) == (("metadata", key), True)


IDENTITY: dict[str, Value] = {"name": "m", "namespace": "apps"}


def complete(manifest: Object, old: Object | None = None, proposed: str = "") -> Object:
    return naming.completed(manifest, resource="web", seed=b"seed", old=old or {}, proposed=proposed, namespace="apps")


def test_a_name_is_chosen_once_and_then_kept() -> None:
    first = complete({"kind": "ConfigMap"})
    name = values.as_object(first["metadata"])["name"]
    assert isinstance(name, str)
    assert name.startswith("web-")
    assert changes.autonamed(first)
    again = naming.completed(
        {"kind": "ConfigMap"}, resource="web", seed=b"another", old=first, proposed="", namespace="apps"
    )
    assert again == first


def test_a_given_name_is_left_alone_and_a_proposed_one_is_taken() -> None:
    assert complete({"kind": "ConfigMap", "metadata": {"name": "mine"}})["metadata"] == {
        "name": "mine",
        "namespace": "apps",
    }
    assert values.as_object(complete({"kind": "ConfigMap"}, proposed="engine-1")["metadata"])["name"] == "engine-1"


def test_cluster_scoped_objects_get_no_namespace() -> None:
    assert "namespace" not in values.as_object(complete({"kind": "ClusterRole"})["metadata"])


@given(OBJECTS)
def test_values_survive_the_wire(tree: Object) -> None:
    assert values.from_struct(values.to_struct(tree)) == tree


def test_an_unknown_name_has_no_identity() -> None:
    with pytest.raises(ValueError, match=r"metadata\.name must be known"):
        Identity.of({**config_map(), "metadata": {"name": values.UNKNOWN}})


def deployment(**metadata: Value) -> Object:
    return {
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": metadata}},
    }


@pytest.mark.parametrize(
    "new",
    [
        deployment(annotations={"settings": values.UNKNOWN}),
        {**deployment(), "spec": values.UNKNOWN},
        {**deployment(), "metadata": values.UNKNOWN},
    ],
    ids=["an annotation", "the spec", "the metadata"],
)
def test_what_is_not_known_yet_is_an_update_as_long_as_the_immutable_may_stay(new: Object) -> None:
    """The engine sends a whole property as unknown when any part of it depends on something that is replaced."""
    found = changes.between(deployment(annotations={"settings": "a"}), new)
    assert found
    assert not any(change.replace for change in found)


def test_an_immutable_field_that_is_not_known_yet_replaces() -> None:
    assert [change.replace for change in changes.between(config_map(a="1"), config_map(a=values.UNKNOWN))] == [True]


def test_taking_away_what_holds_an_immutable_field_replaces() -> None:
    bare: Object = {"kind": "Deployment", "metadata": {"name": "web"}}
    assert [change.replace for change in changes.between(deployment(), bare)] == [True]
