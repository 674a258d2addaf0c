"""An artefact is complete or absent, whoever builds it and whatever interrupts."""

import multiprocessing
import os
import signal
import stat
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from local import cache, paths
from local.cache import Artefact

THING = Artefact("thing", "1.0", "building the thing")


def silent(_: str) -> None:
    return


def build_counted(root: Path, log: Path) -> None:
    """What one of several processes does: append to `log` for each build that really runs."""

    def build(directory: Path) -> None:
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        (directory / "half").write_text("1")
        time.sleep(0.3)
        (directory / "rest").write_text("2")

    found = cache.install(THING, build, root=root, report=silent)
    assert {entry.name for entry in found.iterdir()} == {"half", "rest"}


def build_for_ever(root: Path, begun: Event) -> None:
    def build(directory: Path) -> None:
        (directory / "half").write_text("1")
        (directory / "locked").mkdir()
        (directory / "locked" / "module").write_text("2")
        (directory / "locked").chmod(0o500)
        begun.set()
        time.sleep(600)

    cache.install(THING, build, root=root, report=silent)


def test_an_artefact_is_built_once_and_then_found(tmp_path: Path) -> None:
    builds: list[Path] = []

    def build(directory: Path) -> None:
        builds.append(directory)
        (directory / "binary").write_text("x")

    first = cache.install(THING, build, root=tmp_path, report=silent)
    second = cache.install(THING, build, root=tmp_path, report=silent)
    assert first == second == cache.location(THING, tmp_path)
    assert (first / "binary").read_text() == "x"
    assert len(builds) == 1
    assert cache.installed(THING, tmp_path)


def test_another_version_is_another_artefact(tmp_path: Path) -> None:
    cache.install(THING, lambda directory: None, root=tmp_path, report=silent)
    assert not cache.installed(Artefact("thing", "1.1", "building"), tmp_path)


def test_of_several_runs_at_a_time_one_builds_and_all_get_it(tmp_path: Path) -> None:
    log = tmp_path / "builds"
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=build_counted, args=(tmp_path / "cache", log)) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(60)
    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert len(log.read_text().splitlines()) == 1


def test_an_interrupted_build_is_never_used_and_is_cleaned_by_the_next(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    run = context.Process(target=build_for_ever, args=(tmp_path, begun))
    run.start()
    assert begun.wait(60)
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    run.join(60)
    left = [entry.name for entry in (tmp_path / "thing").iterdir() if entry.is_dir()]
    assert left, "the kill should leave a half-made directory, else this test shows nothing"
    assert not cache.installed(THING, tmp_path)

    def build(directory: Path) -> None:
        assert list(directory.iterdir()) == []
        (directory / "whole").write_text("x")

    found = cache.install(THING, build, root=tmp_path, report=silent)
    assert [entry.name for entry in found.iterdir()] == ["whole"]
    assert [entry.name for entry in (tmp_path / "thing").iterdir() if entry.is_dir()] == ["1.0"]


def test_a_failed_build_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    def fail(directory: Path) -> None:
        (directory / "half").write_text("1")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        cache.install(THING, fail, root=tmp_path, report=silent)
    assert not [entry for entry in (tmp_path / "thing").iterdir() if entry.is_dir()]
    cache.install(THING, lambda directory: None, root=tmp_path, report=silent)


def test_a_long_build_reports_what_it_does_and_for_how_long(tmp_path: Path) -> None:
    lines: list[str] = []

    def build(directory: Path) -> None:
        while not any("so far" in line for line in lines):
            time.sleep(0.01)

    cache.install(THING, build, root=tmp_path, report=lines.append, heartbeat=0.02)
    assert lines[0] == "building the thing"
    assert "s so far" in lines[1]
    assert lines[-1].startswith("building the thing: done in")


@pytest.mark.parametrize("bad", ["../up", "", "a/b", "A", ".hidden"])
def test_a_name_cannot_lead_out_of_the_cache(bad: str) -> None:
    with pytest.raises(ValueError, match="cannot name a cache entry"):
        Artefact(bad, "1", "building")
    with pytest.raises(ValueError, match="cannot name a cache entry"):
        Artefact("thing", bad, "building")


def test_state_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIDIAN_HOME", str(tmp_path / "a" / "b"))
    home = paths.home()
    assert home == tmp_path / "a" / "b"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (home, home.parent)] == [0o700, 0o700]
    home.chmod(0o755)
    assert stat.S_IMODE(paths.home().stat().st_mode) == 0o700


def test_the_cache_follows_the_users_cache_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MERIDIAN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert paths.cache() == tmp_path / "meridian"
    monkeypatch.setenv("MERIDIAN_CACHE", str(tmp_path / "own"))
    assert paths.cache() == tmp_path / "own"


def test_a_file_in_the_way_of_a_directory_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MERIDIAN_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(paths.UnusableDirectoryError, match="set MERIDIAN_HOME"):
        paths.home()


def test_a_secret_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    target = tmp_path / "passphrase"
    target.write_text("old")
    target.chmod(0o644)
    paths.write_private(target, "new")
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["passphrase"]


def test_a_secret_file_that_is_there_is_never_replaced_by_a_second_writer(tmp_path: Path) -> None:
    target = tmp_path / "passphrase"
    paths.write_private_once(target, "first")
    paths.write_private_once(target, "second")
    assert target.read_text() == "first"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["passphrase"]
