"""Which engine is used, and what is said when there is none."""

import importlib.metadata
import os
import subprocess
from pathlib import Path

import pytest

from local.engine import bootstrap, environment
from local.engine.bootstrap import Engine, EngineBuildError
from local.engine.environment import Attachment


def put_program(directory: Path, name: str, answer: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
    (directory / name).chmod(0o755)


def test_an_installed_engine_with_its_language_host_is_used(tmp_path: Path) -> None:
    put_program(tmp_path, "pulumi", "v3.261.1")
    put_program(tmp_path, bootstrap.HOST, "")
    found = bootstrap.on_path(f"/nowhere:{tmp_path}:/usr/bin:/bin")
    assert found == Engine(tmp_path / "pulumi", "v3.261.1", (), built=False)


@pytest.mark.parametrize("version", ["v3.199.9", "v2.300.0", "not a version", ""])
def test_an_installed_engine_that_is_too_old_is_not_used(tmp_path: Path, version: str) -> None:
    put_program(tmp_path, "pulumi", version)
    put_program(tmp_path, bootstrap.HOST, "")
    assert bootstrap.on_path(f"{tmp_path}:/usr/bin:/bin") is None


def test_an_engine_that_cannot_run_python_is_not_used(tmp_path: Path) -> None:
    put_program(tmp_path, "pulumi", "v3.261.1")
    assert bootstrap.on_path(str(tmp_path)) is None


def test_our_own_engine_is_not_taken_for_an_installed_one(tmp_path: Path) -> None:
    own = tmp_path / "cache" / "engine"
    own.mkdir(parents=True)
    put_program(own, "pulumi", "v3.259.0")
    put_program(own, bootstrap.HOST, "")
    assert bootstrap.on_path(f"{own}:/usr/bin:/bin", exclude=(tmp_path / "cache",)) is None


@pytest.mark.parametrize(
    ("text", "version"),
    [("v3.259.0", (3, 259, 0)), ("3.260.1-alpha.2+dirty\n", (3, 260, 1)), ("v3.259", None), ("", None)],
)
def test_versions_are_read(text: str, version: tuple[int, int, int] | None) -> None:
    assert bootstrap.parse_version(text) == version


def test_without_go_the_error_names_both_remedies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineBuildError, match=r"Install Go 1\.\d+ or newer.*or the Pulumi CLI"):
        bootstrap.obtain(tmp_path / "home", cache_root=tmp_path / "cache", report=lambda _: None)
    assert not bootstrap.available(tmp_path / "cache")


def test_a_failed_build_shows_what_go_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "go").write_text("#!/bin/sh\necho 'module lookup disabled' >&2\nexit 1\n")
    (programs / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    with pytest.raises(EngineBuildError, match="module lookup disabled"):
        bootstrap.obtain(tmp_path / "home", cache_root=tmp_path / "cache", report=lambda _: None)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_the_sdk_in_the_lock_is_the_engines_own_version() -> None:
    assert bootstrap.module_version() == f"v{importlib.metadata.version('pulumi')}"


def test_the_launcher_explains_itself_outside_its_environment(tmp_path: Path) -> None:
    launcher = tmp_path / bootstrap.HOST
    launcher.write_text(bootstrap.LAUNCHER)
    alone = {name: value for name, value in os.environ.items() if name != bootstrap.INTERPRETER_VARIABLE}
    answer = subprocess.run(["/bin/sh", str(launcher)], env=alone, capture_output=True, text=True, check=False)
    assert answer.returncode != 0
    assert "meridian env" in answer.stderr


def test_the_attachment_is_made_of_the_environment_only(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "e" / "pulumi", "v3.259.0", (tmp_path / "e",), built=True)
    attachment = Attachment(tmp_path / "home", engine, {"kubernetes": 4002, "aws": 4001})
    made = environment.attachment_environment(attachment, "/usr/bin:/bin")
    assert made["PATH"] == f"{tmp_path / 'e'}:/usr/bin:/bin"
    assert made["PULUMI_DEBUG_PROVIDERS"] == "aws:4001,kubernetes:4002"
    assert environment.attachment_environment(attachment, made["PATH"]) == made
    assert not (tmp_path / "home").exists()


def test_the_callers_own_pulumi_does_not_leak_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-x")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "other")
    engine = Engine(tmp_path / "pulumi", "v3.259.0", (), built=False)
    made = environment.process_environment(Attachment(tmp_path, engine, {}))
    assert "PULUMI_ACCESS_TOKEN" not in made
    assert "PULUMI_CONFIG_PASSPHRASE" not in made


def test_the_passphrase_is_made_once_and_is_private(tmp_path: Path) -> None:
    environment.prepare(tmp_path)
    passphrase = tmp_path / "engine" / "passphrase"
    first = passphrase.read_text()
    assert len(first) >= 32
    assert passphrase.stat().st_mode & 0o077 == 0
    environment.prepare(tmp_path)
    assert passphrase.read_text() == first
