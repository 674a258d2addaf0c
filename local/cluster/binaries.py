"""How a Kubernetes control plane is obtained: etcd, API server, controllers, scheduler and kwok from their Go modules.

Owns which versions are built and where the parts lie. Does not own how they run (`control_plane`).

Nothing of it comes as a binary from any registry. The modules of Kubernetes refer to parts of their own repository by
`replace`, which holds in the main module only; `gomod/go.mod` replaces each by its published release.
"""

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from local import cache
from local.cluster.golang import ClusterBuildError, go

MODULES: Final = Path(__file__).parent / "gomod"
"""go.mod and go.sum: the versions of everything that is built."""

_VERSION_PACKAGE: Final = "k8s.io/component-base/version"
_PROGRAMS: Final = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
}
"""Package of each program. One at a time: linking the API server alone takes 2 GB."""
_MODULES: Final = {"etcd": "go.etcd.io/etcd/server/v3", "kubernetes": "k8s.io/kubernetes", "kwok": "sigs.k8s.io/kwok"}
_STAGES: Final = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
"""What kwok does with nodes and pods, from its module: ready at once, alive, gone when they are deleted."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A complete control plane below `directory`."""

    directory: Path

    @property
    def stages(self) -> Path:
        """kwok's stages."""
        return self.directory / "stages.yaml"

    def program(self, name: str) -> Path:
        """The program `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler` or `kwok`."""
        return self.directory / name


def obtain(*, cache_root: Path | None = None, report: cache.Report = cache.to_stderr) -> Binaries:
    """The control plane, building it when the cache has none. Raises ClusterBuildError."""
    return Binaries(cache.install(artefact(), _build, root=cache_root, report=report))


def artefact() -> cache.Artefact:
    """The cache entry; its version covers every module and how it is built."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for name in ("go.mod", "go.sum"):
        digest.update((MODULES / name).read_bytes())
    return cache.Artefact(
        name="kubernetes",
        version=f"{version('kubernetes')}-{digest.hexdigest()[:12]}",
        task="building a Kubernetes control plane, about 11 CPU minutes, once",
    )


def version(part: str) -> str:
    """The version of `etcd`, `kubernetes` or `kwok` as go.mod pins it, for example `v1.36.3`."""
    match = re.search(rf"^\s*{re.escape(_MODULES[part])} (v\S+)", (MODULES / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise ClusterBuildError(f"{MODULES / 'go.mod'} does not pin {_MODULES[part]}")
    return match[1]


def _build(directory: Path) -> None:
    source = directory / "source"
    source.mkdir()
    for name in ("go.mod", "go.sum"):
        shutil.copy(MODULES / name, source)
    kubernetes = version("kubernetes")
    major, minor, _ = kubernetes.removeprefix("v").split(".", 2)
    stamps = {"gitVersion": kubernetes, "gitMajor": major, "gitMinor": minor}
    linked = " ".join(f"-X {_VERSION_PACKAGE}.{name}={value}" for name, value in stamps.items())
    for program, package in _PROGRAMS.items():
        go(source, "build", "-trimpath", "-ldflags", f"-s -w {linked}", "-o", str(directory / program), package)
    module = Path(go(source, "list", "-m", "-f", "{{.Dir}}", _MODULES["kwok"]).strip())
    (directory / "stages.yaml").write_text(stages(module / "kustomize" / "stage"))
    shutil.rmtree(source)


def stages(directory: Path) -> str:
    """The stages below kwok's `kustomize/stage` as one file."""
    documents = []
    for name in _STAGES:
        listed = yaml.safe_load((directory / name / "kustomization.yaml").read_text())["resources"]
        documents += [(directory / name / file).read_text().strip() for file in listed]
    return "\n---\n".join(documents) + "\n"
