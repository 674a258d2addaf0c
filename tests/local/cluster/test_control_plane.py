"""How a control plane starts and ends, with programs that do what the case needs; the real ones are `make test-cluster`."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from local.cluster import control_plane
from local.cluster.binaries import Binaries
from local.cluster.processes import ControlPlaneError


def programs(directory: Path, **scripts: str) -> Binaries:
    """Programs that are shell scripts; `kube_apiserver` for the one with a hyphen."""
    directory.mkdir()
    for name, script in scripts.items():
        path = directory / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
    return Binaries(directory)


def start(binaries: Binaries, directory: Path) -> str:
    """Why it does not come up."""
    with (
        pytest.raises(ControlPlaneError) as failed,
        control_plane.running(binaries, directory),
    ):
        pass
    return str(failed.value)


def test_a_part_that_ends_is_named_with_the_end_of_its_log_and_the_others_are_stopped(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    binaries = programs(
        tmp_path / "bin",
        etcd=f"echo $$ > {pid}\nexec sleep 600",
        kube_apiserver=f"while [ ! -s {pid} ]; do sleep 0.05; done\necho 'no such flag' >&2\nexit 3",
    )
    said = start(binaries, tmp_path / "cluster")
    assert "kube-apiserver ended with 3" in said
    assert "no such flag" in said
    assert not psutil.pid_exists(int(pid.read_text()))
    assert not (tmp_path / "cluster" / "run-2").exists(), "another port would not have helped"


def test_a_port_that_somebody_took_meanwhile_is_replaced_by_another(tmp_path: Path) -> None:
    binaries = programs(
        tmp_path / "bin",
        etcd="echo 'bind: address already in use' >&2\nexit 1",
        kube_apiserver="exec sleep 600",
    )
    assert "address already in use" in start(binaries, tmp_path / "cluster")
    assert {path.name for path in (tmp_path / "cluster").iterdir()} == {"run-1", "run-2", "run-3"}


def test_every_address_is_loopback_and_every_port_is_the_kernels(tmp_path: Path) -> None:
    binaries = programs(tmp_path / "bin", etcd='echo "$@" >&2\nexit 1', kube_apiserver='echo "$@" >&2\nexec sleep 600')
    etcd = start(binaries, tmp_path / "cluster").partition("\n")[2].split()
    addresses = [flag for flag in etcd if "://" in flag]
    assert len(addresses) == 5
    assert all("https://127.0.0.1:" in address for address in addresses)
    assert "--client-cert-auth" in etcd


def test_keys_are_private_and_nothing_of_the_callers_environment_reaches_a_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETCD_LISTEN_CLIENT_URLS", "http://0.0.0.0:2379")
    binaries = programs(tmp_path / "bin", etcd="env >&2\nexit 1", kube_apiserver="exec sleep 600")
    assert "0.0.0.0" not in start(binaries, tmp_path / "cluster")
    keys = list((tmp_path / "cluster").rglob("*.key"))
    assert len(keys) == 3
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert not [key for key in keys if key.name.startswith("ca")]


STARTER = """
import sys
from pathlib import Path
from local.cluster import control_plane
from local.cluster.binaries import Binaries
with control_plane.running(Binaries(Path(sys.argv[1])), Path(sys.argv[2])):
    pass
"""


def test_no_part_outlives_a_run_that_was_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    programs(
        tmp_path / "bin",
        etcd=f"echo $$ > {pid}.new && mv {pid}.new {pid}\nexec sleep 600",
        kube_apiserver="exec sleep 600",
    )
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(tmp_path / "bin"), str(tmp_path / "cluster")])
    while not pid.exists():
        assert starter.poll() is None
        time.sleep(0.05)
    part = psutil.Process(int(pid.read_text()))
    starter.kill()
    starter.wait()
    part.wait(60)
    assert not part.is_running()
