"""Objects in a cluster: tried first, taken over from hands but not from controllers, waited for, never told in the clear."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.kubernetes import applied, values
from local.kubernetes.api import ApiError, Cause, UnknownKindError, UnreachableError
from local.kubernetes.applied import Applied
from local.kubernetes.manifests import Identity
from local.kubernetes.targets import HalfDoneError, TargetError
from local.kubernetes.values import Object

MAP: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "m", "namespace": "apps"},
    "data": {"a": "1"},
}
SECRET: Object = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "s", "namespace": "apps"},
    "stringData": {"password": "correct horse"},
}
WEB: Object = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "apps"},
    "spec": {"replicas": 1},
}
NAMESPACE = Identity("v1", "Namespace", "", "apps")


@dataclass
class Server:
    """An API server as far as `Applied` uses one: it keeps objects, and refuses what it was told to refuse."""

    objects: dict[Identity, Object] = field(default_factory=lambda: {NAMESPACE: {"kind": "Namespace"}})
    managers: tuple[str, ...] = ()
    """Who owns our fields unless they are taken over."""
    error: Exception | None = None
    tried: list[tuple[Object, bool, bool]] = field(default_factory=list)
    lingering: int = 0
    """How often an object that is deleted is still found."""

    def get(self, identity: Identity) -> Object | None:
        if self.lingering and identity not in self.objects:
            self.lingering -= 1
            return {}
        return self.objects.get(identity)

    def apply(self, manifest: Object, *, dry_run: bool, force: bool) -> Object:
        self.tried.append((manifest, dry_run, force))
        identity = Identity.of(manifest)
        if self.error is not None:
            raise self.error
        if identity.namespace not in ("", "default") and NAMESPACE not in self.objects:
            raise ApiError(404, "NotFound", 'namespaces "apps" not found')
        if self.managers and not force:
            causes = tuple(
                Cause("FieldManagerConflict", ".data.a", f'conflict with "{name}" using v1') for name in self.managers
            )
            raise ApiError(409, "Conflict", "Apply failed", causes)
        made = copy.deepcopy(manifest)
        if not dry_run:
            self.objects[identity] = made
        return made

    def delete(self, identity: Identity) -> None:
        self.objects.pop(identity, None)


def target(server: Server, patience: float = 5.0) -> Applied:
    return Applied(server, patience=patience, sleep=lambda _: None)


def forever() -> bool:
    return True


def test_a_trial_changes_nothing() -> None:
    server = Server()
    target(server).attempt(MAP)
    assert server.tried == [(MAP, True, False)]
    assert Identity.of(MAP) not in server.objects


def test_what_is_put_is_read_back_as_the_state_until_somebody_changes_it() -> None:
    server = Server()
    target(server).put(MAP, forever)
    assert target(server).read(Identity.of(MAP), MAP) is MAP
    server.objects[Identity.of(MAP)]["data"] = {"a": "2"}
    assert target(server).read(Identity.of(MAP), MAP) == {**MAP, "data": {"a": "2"}}
    del server.objects[Identity.of(MAP)]
    assert target(server).read(Identity.of(MAP), MAP) is None


def test_a_refresh_works_where_the_server_would_refuse_the_object_today() -> None:
    server = Server()
    target(server).put(MAP, forever)
    server.error = ApiError(422, "Invalid", "denied by a new policy")
    assert target(server).read(Identity.of(MAP), MAP) is MAP


def test_fields_of_people_are_taken_over_and_those_of_controllers_are_named() -> None:
    target(Server(managers=("kubectl-edit", "kubectl-patch"))).put(MAP, forever)
    with pytest.raises(TargetError, match=r"some-operator owns \.data\.a.*pulumi\.com/patchForce"):
        target(Server(managers=("kubectl-edit", "some-operator"))).put(MAP, forever)


def test_an_object_that_says_so_takes_over_everything() -> None:
    metadata: Object = {**values.as_object(MAP["metadata"]), "annotations": {applied.FORCE: "true"}}
    server = Server(managers=("some-operator",))
    target(server).put({**MAP, "metadata": metadata}, forever)
    assert [force for _, _, force in server.tried] == [True]


def test_an_object_of_a_namespace_that_is_to_come_is_tried_in_another() -> None:
    server = Server(objects={})
    target(server).attempt(MAP)
    moved: Object = {**MAP, "metadata": {"name": "m", "namespace": "default"}}
    assert server.tried[-1] == (moved, True, False)


def test_a_kind_that_is_to_come_is_not_tried_but_cannot_be_put() -> None:
    server = Server(error=UnknownKindError("the cluster has no Topic"))
    target(server).attempt(MAP)
    with pytest.raises(TargetError, match="no Topic"):
        target(server).put(MAP, forever)


@pytest.mark.parametrize("path", ["annotations", "data"])
def test_unknown_text_is_tried_with_a_placeholder(path: str) -> None:
    metadata: Object = {**values.as_object(MAP["metadata"]), "annotations": {"x": values.UNKNOWN}}
    changed: Object = {"metadata": metadata} if path == "annotations" else {"data": {"a": values.UNKNOWN}}
    server = Server()
    target(server).attempt({**MAP, **changed})
    assert values.UNKNOWN not in str(server.tried)
    assert len(server.tried) == 1


def test_an_object_with_other_unknown_values_is_not_tried() -> None:
    server = Server()
    target(server).attempt({**WEB, "spec": {"replicas": values.UNKNOWN}})
    assert server.tried == []


def test_a_rollout_that_does_not_come_keeps_the_object_and_says_what_is_lacking() -> None:
    server = Server()
    with pytest.raises(HalfDoneError, match=r"Deployment apps/web is applied but not in effect: 0 of 1 pods are new"):
        target(server, patience=0.0).put(WEB, forever)
    assert Identity.of(WEB) in server.objects


def test_nobody_waits_for_an_engine_that_is_gone() -> None:
    with pytest.raises(HalfDoneError):
        target(Server(), patience=1e9).put(WEB, lambda: False)


def test_removal_waits_until_it_is_gone_and_is_harmless_when_repeated() -> None:
    server = Server(lingering=3)
    server.objects[Identity.of(MAP)] = MAP
    target(server).remove(Identity.of(MAP), forever)
    assert server.lingering == 0
    target(server).remove(Identity.of(MAP), forever)
    with pytest.raises(TargetError, match="finalizers"):
        target(Server(lingering=9), patience=0.0).remove(Identity.of(MAP), forever)


def test_a_refusal_names_the_object_and_of_a_secret_no_value() -> None:
    invalid = ApiError(422, "Invalid", 'Invalid value: "correct horse"', (Cause("FieldValueInvalid", "data", "x"),))
    with pytest.raises(TargetError, match=r"ConfigMap apps/m: the cluster refuses it: Invalid value"):
        target(Server(error=invalid)).attempt(MAP)
    with pytest.raises(TargetError) as told:
        target(Server(error=invalid)).attempt(SECRET)
    assert "correct horse" not in str(told.value)
    assert "data (FieldValueInvalid)" in str(told.value)


def test_a_cluster_that_does_not_answer_is_named() -> None:
    with pytest.raises(TargetError, match="no answer"):
        target(Server(error=UnreachableError("no answer from https://127.0.0.1:1"))).put(MAP, forever)


def test_the_text_of_a_secret_is_compared_in_the_form_in_which_it_is_stored() -> None:
    server = Server()
    target(server).put(SECRET, forever)
    stored = server.objects[Identity.of(SECRET)]
    assert stored["data"] == {"password": "Y29ycmVjdCBob3JzZQ=="}
    assert "stringData" not in stored
    assert target(server).read(Identity.of(SECRET), SECRET) is SECRET
    stored["data"] = {"password": "ZXZpbA=="}
    assert target(server).read(Identity.of(SECRET), SECRET) == {**SECRET, "stringData": {"password": "evil"}}


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=4))
def test_a_secret_survives_encoding(texts: dict[str, str]) -> None:
    stated: Object = {**SECRET, "stringData": dict(texts)}
    assert applied.decoded(stated, applied.encoded(stated)) == stated
