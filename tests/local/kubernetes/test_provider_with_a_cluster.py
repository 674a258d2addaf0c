"""The provider in front of a cluster: what is tried, what is put, what stays in the state, and what goes to files all the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, status_pb2

from local.kubernetes import kubeconfig, server, values
from local.kubernetes.manifests import Identity
from local.kubernetes.provider import KubernetesProvider
from local.kubernetes.releases import TYPE as RELEASE
from local.kubernetes.targets import Alive, HalfDoneError, TargetError
from local.kubernetes.values import Object

MAP: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "m", "namespace": "apps"},
    "data": {"a": "1"},
}
TOKEN = "kubernetes:core/v1:ConfigMap"
URN = f"urn:pulumi:dev::project::{TOKEN}::m"


class AbortedError(Exception):
    """The call ended with an error."""


@dataclass
class Call:
    """The context of a call, as grpc gives one."""

    trailing: tuple[tuple[str, bytes], ...] = ()

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def is_active(self) -> bool:
        return True

    def set_trailing_metadata(self, metadata: tuple[tuple[str, bytes], ...]) -> None:
        self.trailing = metadata

    def abort(self, code: grpc.StatusCode, message: str) -> None:
        raise AbortedError(message)


@dataclass
class Cluster:
    """A target that keeps what it is told; `error` is what it says instead."""

    objects: dict[Identity, Object] = field(default_factory=dict)
    tried: list[Object] = field(default_factory=list)
    error: TargetError | None = None

    def attempt(self, manifest: Object) -> None:
        self.tried.append(manifest)
        if self.error is not None:
            raise self.error

    def put(self, manifest: Object, alive: Alive) -> None:
        assert alive()
        self.objects[Identity.of(manifest)] = manifest
        if self.error is not None:
            raise self.error

    def read(self, identity: Identity, state: Object) -> Object | None:
        found = self.objects.get(identity)
        return state if found == state else found

    def remove(self, identity: Identity, alive: Alive) -> None:
        del self.objects[identity]


def provider(root: Path, cluster: Cluster, **configuration: str) -> KubernetesProvider:
    made = KubernetesProvider(root, cluster)
    made.Configure(provider_pb2.ConfigureRequest(args=values.to_struct(dict(configuration))), Call())
    return made


def create(made: KubernetesProvider, call: Call, *, preview: bool = False) -> provider_pb2.CreateResponse:
    request = provider_pb2.CreateRequest(urn=URN, type=TOKEN, properties=values.to_struct(MAP), preview=preview)
    return made.Create(request, call)


def test_a_preview_tries_and_a_deployment_puts(tmp_path: Path) -> None:
    cluster = Cluster()
    made = provider(tmp_path, cluster, kubeconfig="{}")
    create(made, Call(), preview=True)
    assert (cluster.tried, cluster.objects) == ([MAP], {})
    assert create(made, Call()).id == "apps/m"
    assert cluster.objects == {Identity.of(MAP): MAP}
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_changed_comes_back_as_state_and_inputs(tmp_path: Path) -> None:
    cluster = Cluster()
    made = provider(tmp_path, cluster, kubeconfig="{}")
    create(made, Call())
    request = provider_pb2.ReadRequest(urn=URN, type=TOKEN, id="apps/m", properties=values.to_struct(MAP))
    assert values.from_struct(made.Read(request, Call()).properties) == MAP
    cluster.objects[Identity.of(MAP)] = {**MAP, "data": {"a": "2"}}
    changed = made.Read(request, Call())
    assert values.from_struct(changed.inputs)["data"] == values.from_struct(changed.properties)["data"] == {"a": "2"}
    made.Delete(provider_pb2.DeleteRequest(urn=URN, type=TOKEN, properties=values.to_struct(MAP)), Call())
    assert made.Read(request, Call()).id == ""


def test_a_refusal_ends_the_preview_with_the_clusters_words(tmp_path: Path) -> None:
    made = provider(tmp_path, Cluster(error=TargetError("denied by a policy")), kubeconfig="{}")
    with pytest.raises(AbortedError, match="denied by a policy"):
        create(made, Call(), preview=True)


def test_what_is_there_but_not_in_effect_stays_in_the_state(tmp_path: Path) -> None:
    made, call = provider(tmp_path, Cluster(error=HalfDoneError("0 of 3 pods")), kubeconfig="{}"), Call()
    with pytest.raises(AbortedError):
        create(made, call)
    ((name, packed),) = call.trailing
    assert name == "grpc-status-details-bin"
    (detail,) = status_pb2.Status.FromString(packed).details
    kept = provider_pb2.ErrorResourceInitFailed()
    assert detail.Unpack(kept)
    assert (kept.id, list(kept.reasons)) == ("apps/m", ["0 of 3 pods"])
    assert values.from_struct(kept.inputs) == MAP


def test_what_is_to_be_rendered_is_rendered_cluster_or_not(tmp_path: Path) -> None:
    cluster = Cluster()
    create(provider(tmp_path, cluster, renderYamlToDirectory="files"), Call())
    assert cluster.objects == {}
    assert len(list((tmp_path / "files").rglob("*.yaml"))) == 1


def test_a_release_is_recorded_since_its_chart_is_not_at_hand(tmp_path: Path) -> None:
    cluster = Cluster()
    metadata: Object = {"name": "keda", "namespace": "keda"}
    release: Object = {"apiVersion": "helm.sh/v3", "kind": "Release", "metadata": metadata}
    request = provider_pb2.CreateRequest(
        urn=f"urn:pulumi:dev::project::{RELEASE}::keda", type=RELEASE, properties=values.to_struct(release)
    )
    provider(tmp_path, cluster, kubeconfig="{}").Create(request, Call())
    assert cluster.objects == {}
    assert len(list((tmp_path / "dev").rglob("*.yaml"))) == 1


def test_the_server_refuses_a_kubeconfig_that_it_cannot_use_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config"
    config.write_text("kind: Config\n")
    with pytest.raises(SystemExit):
        server.main(["--root", str(tmp_path), "--cluster", str(config)])
    said = capsys.readouterr().err
    assert str(config) in said
    with pytest.raises(kubeconfig.KubeconfigError):
        kubeconfig.load(config)
