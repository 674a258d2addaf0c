"""What the control plane is built from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from local.cluster import binaries
from local.kubernetes import schemas
from stacks.manifests import KUBERNETES_VERSION


def test_the_cluster_is_of_the_version_that_the_stacks_declare_and_the_schemas_check() -> None:
    minor = ".".join(binaries.version("kubernetes").removeprefix("v").split(".")[:2])
    assert minor == KUBERNETES_VERSION == schemas.VERSION


def test_every_part_of_kubernetes_is_replaced_by_its_own_release_of_the_same_version() -> None:
    """A part that is not would be looked for inside the repository of Kubernetes, or come from another version."""
    module = (binaries.MODULES / "go.mod").read_text()
    replaced = re.findall(r"^\s*(k8s\.io/\S+) => (\S+) v0(\.\S+)$", module, re.MULTILINE)
    assert len(replaced) > 30
    suffix = binaries.version("kubernetes").removeprefix("v1")
    assert {(old == new, release) for old, new, release in replaced} == {(True, suffix)}


def test_what_is_built_is_pinned_by_hash() -> None:
    sums = (binaries.MODULES / "go.sum").read_text()
    for name, part in (
        ("k8s.io/kubernetes", "kubernetes"),
        ("go.etcd.io/etcd/server/v3", "etcd"),
        ("sigs.k8s.io/kwok", "kwok"),
    ):
        assert f"{name} {binaries.version(part)} h1:" in sums


def test_the_cache_entry_changes_with_the_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = binaries.artefact()
    for name in ("go.mod", "go.sum"):
        (tmp_path / name).write_text((binaries.MODULES / name).read_text())
    monkeypatch.setattr(binaries, "MODULES", tmp_path)
    assert binaries.artefact() == before
    (tmp_path / "go.sum").write_text("other")
    assert binaries.artefact().version != before.version


def test_stages_of_several_directories_become_one_file(tmp_path: Path) -> None:
    for name in ("node/fast", "node/heartbeat-with-lease", "pod/fast"):
        directory = tmp_path / name
        directory.mkdir(parents=True)
        (directory / "kustomization.yaml").write_text("resources: [b.yaml, a.yaml]\n")
        for letter in "ab":
            (directory / f"{letter}.yaml").write_text(f"kind: Stage\nmetadata: {{name: {name}/{letter}}}\n")
    found = [document["metadata"]["name"] for document in yaml.safe_load_all(binaries.stages(tmp_path))]
    assert found[:3] == ["node/fast/b", "node/fast/a", "node/heartbeat-with-lease/b"]
    assert len(found) == 6
