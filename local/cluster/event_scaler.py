"""KEDA on a cluster of this machine: its operator and its metrics server, built from their Go module.

Owns which version is built, how the two run beside a control plane, and how the API server finds them. Does not own what
is scaled (`stacks/scaled_objects`), nor who answers when they ask for a signal: that is whoever serves `signals`, since
no pod of such a cluster has an address. The chart by which a real cluster gets KEDA is on no package registry; here its
roles are the administrator's, and its admission webhooks are not installed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from local import cache, paths
from local.cluster.control_plane import ControlPlane
from local.cluster.golang import ClusterBuildError, go
from local.cluster.processes import ControlPlaneError, Processes
from local.kubernetes.api import Api, ApiError
from local.kubernetes.values import Object, as_object
from local.ports import LOOPBACK, free_ports

MODULE: Final = "github.com/kedacore/keda/v2"
VERSION: Final = "v2.20.2"
"""The module's release next to the chart's; `stacks.event_scaler` pins the chart."""
SUM: Final = "h1:SR60v8uIcelbveS8n/1jcl8tLdBBIbHMxmdOHw8tKqA="
"""As in a go.sum, of all files of the module."""
NAMESPACE: Final = "keda"
SERVICE: Final = "keda-metrics-apiserver"
GROUP_VERSION: Final = "external.metrics.k8s.io/v1beta1"
READY_WITHIN: Final = 120.0
_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Built:
    """The programs `operator` and `adapter`, and the definitions of KEDA's kinds, below `directory`."""

    directory: Path

    def definitions(self) -> list[Object]:
        """KEDA's own definitions of its kinds."""
        files = sorted((self.directory / "kinds").glob("*.yaml"))
        return [as_object(yaml.safe_load(file.read_text())) for file in files]


def obtain(*, cache_root: Path | None = None, report: cache.Report = cache.to_stderr) -> Built:
    """KEDA, building it when the cache has none. Raises ClusterBuildError."""
    return Built(cache.install(artefact(), _build, root=cache_root, report=report))


def artefact() -> cache.Artefact:
    """The cache entry; its version covers the module and how it is built."""
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    return cache.Artefact("keda", f"{VERSION}-{digest}", "building KEDA, about 6 CPU minutes, once")


def _build(directory: Path) -> None:
    scratch = directory / "source"
    scratch.mkdir()
    found: Mapping[str, str] = json.loads(go(scratch, "mod", "download", "-json", f"{MODULE}@{VERSION}"))
    if found["Sum"] != SUM:
        raise ClusterBuildError(
            f"{MODULE} {VERSION} has the sum {found['Sum']}, not {SUM}: it is not what was read here"
        )
    source = scratch / "keda"
    shutil.copytree(found["Dir"], source, copy_function=shutil.copyfile)
    for path in (source, *source.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    stamp = f"-s -w -X {MODULE}/version.Version={VERSION.removeprefix('v')}"
    for program in ("operator", "adapter"):
        go(source, "build", "-trimpath", "-ldflags", stamp, "-o", str(directory / program), f"./cmd/{program}")
    shutil.copytree(source / "config" / "crd" / "bases", directory / "kinds")
    shutil.rmtree(scratch)


@contextmanager
def running(
    built: Built, plane: ControlPlane, directory: Path, *, watched: str, environment: Mapping[str, str]
) -> Iterator[Mapping[str, int]]:
    """KEDA beside a control plane that has its kinds; gives the process ids. Raises ControlPlaneError.

    `watched` is the namespace whose scaled objects it serves. `environment` says how it reaches what it asks; it must
    name an HTTP proxy on this machine, because addresses of pods lead nowhere.
    """
    pki = paths.private_directory(directory / "pki")
    paths.write_private(pki / "ca.crt", plane.authority.certificate)
    plane.authority.server(LOOPBACK, hosts=(f"{SERVICE}.{NAMESPACE}.svc",)).write(pki, "tls")
    metrics, health, signals, served = free_ports(4)
    shared = {
        "KUBECONFIG": str(plane.kubeconfig),
        "WATCH_NAMESPACE": watched,
        "KEDA_CLUSTER_OBJECT_NAMESPACE": NAMESPACE,
        "POD_NAMESPACE": NAMESPACE,
        "NO_PROXY": LOOPBACK,
        **environment,
    }
    processes = Processes(directory, paths.private_directory(directory / "logs"))
    api = Api(plane.access)
    try:
        _introduce(api, served, plane.authority.certificate)
        processes.start(
            built.directory / "operator",
            f"--metrics-bind-address={LOOPBACK}:{metrics}",
            f"--health-probe-bind-address={LOOPBACK}:{health}",
            f"--metrics-service-bind-address={LOOPBACK}:{signals}",
            f"--cert-dir={pki}",
            *("--enable-cert-rotation=false", "--enable-webhook-patching=false", "--enable-apiservice-patching=false"),
            "--zap-log-level=info",
            environment=shared,
        )
        processes.start(
            built.directory / "adapter",
            *(f"--bind-address={LOOPBACK}", f"--secure-port={served}"),
            # Its own metrics have no address setting; the kernel picks a port, and nobody asks there.
            "--port=0",
            f"--metrics-service-address={LOOPBACK}:{signals}",
            *(f"--cert-dir={pki}", f"--tls-cert-file={pki / 'tls.crt'}", f"--tls-private-key-file={pki / 'tls.key'}"),
            *(f"--{kind}-kubeconfig={plane.kubeconfig}" for kind in ("lister", "authentication", "authorization")),
            environment=shared,
        )
        _await_served(api, processes)
        yield processes.pids()
        processes.require()
    finally:
        processes.stop()
        api.close()


def _introduce(api: Api, port: int, authority: str) -> None:
    """Tell the API server that a service of this machine serves external metrics."""
    group, _, version = GROUP_VERSION.partition("/")
    objects: tuple[tuple[str, Object], ...] = (
        ("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}),
        (
            f"/api/v1/namespaces/{NAMESPACE}/services",
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": SERVICE},
                "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
            },
        ),
        (
            "/apis/apiregistration.k8s.io/v1/apiservices",
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": f"{version}.{group}"},
                "spec": {
                    "group": group,
                    "version": version,
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                    "service": {"name": SERVICE, "namespace": NAMESPACE, "port": port},
                    "caBundle": base64.b64encode(authority.encode()).decode(),
                },
            },
        ),
    )
    for path, body in objects:
        api.request("POST", path, body=body)


def _await_served(api: Api, processes: Processes) -> None:
    """Until the API server hands requests for external metrics on."""
    deadline = time.monotonic() + READY_WITHIN
    while True:
        processes.require()
        try:
            api.request("GET", f"/apis/{GROUP_VERSION}", patient=False)
        except ApiError as error:
            if time.monotonic() > deadline:
                said = "\n".join(processes.last_lines(name) for name in processes.running)
                raise ControlPlaneError(
                    f"KEDA serves no metrics after {READY_WITHIN:.0f} s ({error}):\n{said}"
                ) from error
            time.sleep(_POLL_SECONDS)
        else:
            return
