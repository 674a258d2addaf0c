"""A control plane that runs: etcd, the API server, controllers, scheduler and kwok as processes on loopback.

Owns their command lines, their order, and that they end with whoever started them. Does not own what they are built
from (`binaries`) nor what is applied to them.

Ports come from the kernel; each server takes its own again a moment later, so a start that loses one to somebody else
is repeated with others. Every connection is mutual TLS with certificates of this run.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from local import paths
from local.cluster import certificates
from local.cluster.binaries import Binaries
from local.cluster.certificates import Authority
from local.cluster.processes import ControlPlaneError, Processes
from local.kubernetes import kubeconfig
from local.kubernetes.api import Api, ApiError, UnreachableError
from local.kubernetes.kubeconfig import Access
from local.ports import LOOPBACK, free_ports

READY_WITHIN: Final = 180.0
"""Seconds. Four on an idle machine; a machine that does other things takes many times that."""
SERVICES: Final = "10.96.0.0/16"
PODS: Final = "10.200.0.0/16"
"""Addresses inside the cluster; nothing outside etcd ever sees them."""
_STARTS: Final = 3
_POLL_SECONDS: Final = 0.2
_FRONT: Final = "front-proxy"


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """A running control plane. `kubeconfig` is its administrator's."""

    access: Access
    kubeconfig: Path
    authority: Authority
    logs: Path
    pids: Mapping[str, int]
    ready_seconds: float
    """From the first process to a ready API server."""


@contextmanager
def running(binaries: Binaries, directory: Path) -> Iterator[ControlPlane]:
    """Start a control plane with an empty etcd below `directory`, and stop it at the end. Raises ControlPlaneError."""
    with ExitStack() as stack:
        for attempt in range(1, _STARTS + 1):
            try:
                started = stack.enter_context(_started(binaries, paths.private_directory(directory / f"run-{attempt}")))
                break
            except ControlPlaneError as error:
                if attempt == _STARTS or "address already in use" not in str(error):
                    raise
        yield started


@contextmanager
def _started(binaries: Binaries, directory: Path) -> Iterator[ControlPlane]:
    authority = Authority("meridian local cluster")
    files = _Files(paths.private_directory(directory / "pki"), authority)
    logs = paths.private_directory(directory / "logs")
    etcd, peer, api, controllers, scheduler = free_ports(5)
    processes = Processes(directory, logs)
    begun = time.monotonic()
    try:
        processes.start(binaries.program("etcd"), *_etcd(directory / "etcd", files, etcd, peer))
        processes.start(binaries.program("kube-apiserver"), *_api_server(files, api, etcd))
        access = files.access(api, *certificates.ADMINISTRATOR)
        _await_ready(processes, access)
        ready = time.monotonic() - begun
        config = _written(directory / "kubeconfig.json", access)
        processes.start(
            binaries.program("kube-controller-manager"),
            *_controllers(
                files,
                controllers,
                _written(files.directory / "controllers.json", files.access(api, *certificates.CONTROLLERS)),
            ),
        )
        processes.start(
            binaries.program("kube-scheduler"),
            *_scheduler(
                scheduler, _written(files.directory / "scheduler.json", files.access(api, *certificates.SCHEDULER))
            ),
        )
        processes.start(
            binaries.program("kwok"),
            *(f"--kubeconfig={config}", f"--config={binaries.stages}", "--manage-all-nodes=true"),
            *(f"--cidr={PODS}", f"--node-ip={LOOPBACK}", "--node-lease-duration-seconds=40", "--v=0"),
        )
        yield ControlPlane(access, config, authority, logs, processes.pids(), ready)
        processes.require()
    finally:
        processes.stop()


@dataclass(frozen=True, slots=True)
class _Files:
    """Keys and certificates of one run, on disk where a server wants them there."""

    directory: Path
    authority: Authority
    ca: Path = field(init=False)
    server: tuple[Path, Path] = field(init=False)
    tokens: tuple[Path, Path] = field(init=False)
    front: tuple[Path, Path] = field(init=False)
    """By which a server that extends the API knows who asks it."""

    def __post_init__(self) -> None:
        ca = self.directory / "ca.crt"
        paths.write_private(ca, self.authority.certificate)
        object.__setattr__(self, "ca", ca)
        object.__setattr__(self, "server", self.authority.server(LOOPBACK).write(self.directory, "server"))
        object.__setattr__(self, "front", self.authority.client(_FRONT, "").write(self.directory, "front"))
        object.__setattr__(self, "tokens", certificates.signing_pair().write(self.directory, "tokens"))

    def access(self, port: int, name: str, group: str) -> Access:
        pair = self.authority.client(name, group)
        return Access(f"https://{LOOPBACK}:{port}", self.authority.certificate, pair.certificate, pair.key)


def _etcd(data: Path, files: _Files, port: int, peer: int) -> Sequence[str]:
    certificate, key = files.server
    address, peers = f"https://{LOOPBACK}:{port}", f"https://{LOOPBACK}:{peer}"
    return (
        "--name=local",
        f"--data-dir={data}",
        f"--listen-client-urls={address}",
        f"--advertise-client-urls={address}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=local={peers}",
        *(f"--{kind}cert-file={certificate}" for kind in ("", "peer-")),
        *(f"--{kind}key-file={key}" for kind in ("", "peer-")),
        *(f"--{kind}trusted-ca-file={files.ca}" for kind in ("", "peer-")),
        *("--client-cert-auth", "--peer-client-cert-auth", "--unsafe-no-fsync", "--log-level=warn"),
    )


def _api_server(files: _Files, port: int, etcd: int) -> Sequence[str]:
    """Its default admission plugins stay on, ServiceAccount and PodSecurity with them."""
    certificate, key = files.server
    public, private = files.tokens
    return (
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--etcd-servers=https://{LOOPBACK}:{etcd}",
        f"--etcd-cafile={files.ca}",
        f"--etcd-certfile={certificate}",
        f"--etcd-keyfile={key}",
        f"--client-ca-file={files.ca}",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        "--authorization-mode=RBAC",
        "--anonymous-auth=false",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={SERVICES}",
        f"--service-account-issuer=https://{LOOPBACK}:{port}",
        f"--service-account-key-file={public}",
        f"--service-account-signing-key-file={private}",
        f"--proxy-client-cert-file={files.front[0]}",
        f"--proxy-client-key-file={files.front[1]}",
        f"--requestheader-client-ca-file={files.ca}",
        f"--requestheader-allowed-names={_FRONT}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    )


def _controllers(files: _Files, port: int, config: Path) -> Sequence[str]:
    certificate, key = files.server
    return (
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        f"--tls-cert-file={certificate}",
        f"--tls-private-key-file={key}",
        f"--kubeconfig={config}",
        f"--root-ca-file={files.ca}",
        f"--service-account-private-key-file={files.tokens[1]}",
        *("--use-service-account-credentials=true", "--leader-elect=false"),
        # The pods of a workload follow its autoscaler's floor within seconds.
        "--horizontal-pod-autoscaler-sync-period=3s",
        # A machine that is busy with other things must not look like a node that is gone.
        "--node-monitor-grace-period=5m",
    )


def _scheduler(port: int, config: Path) -> Sequence[str]:
    return (f"--bind-address={LOOPBACK}", f"--secure-port={port}", f"--kubeconfig={config}", "--leader-elect=false")


def _written(path: Path, access: Access) -> Path:
    paths.write_private(path, yaml.safe_dump(kubeconfig.document_of("local", access)))
    return path


def _await_ready(processes: Processes, access: Access) -> None:
    """Until the API server says so of all its parts, which takes etcd."""
    api = Api(access)
    deadline = time.monotonic() + READY_WITHIN
    try:
        while True:
            processes.require()
            try:
                api.request("GET", "/readyz")
            except (ApiError, UnreachableError) as error:
                if time.monotonic() > deadline:
                    raise ControlPlaneError(
                        f"the API server is not ready after {READY_WITHIN:.0f} s ({error}):\n"
                        + processes.last_lines("kube-apiserver")
                    ) from error
                time.sleep(_POLL_SECONDS)
            else:
                return
    finally:
        api.close()
