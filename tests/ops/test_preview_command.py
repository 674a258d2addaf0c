"""`meridian preview` before any engine runs, and its use of an engine that somebody else configured."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from local import cache
from local.engine.pulumi import EngineError, Project, RunFailedError, UnknownStackError
from ops.account import preview_all

STACK = "mumbai"


def meridian(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ops", "preview", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--base", "HEAD", "--against", "x.json"), 2, "not both"),
        (("--deployed",), 2, "--deployed needs --base"),
        (("--against", "nowhere.json"), 1, "--against nowhere.json: cannot be read"),
        (("--base", "no-such-revision"), 1, "cannot have the tree of 'no-such-revision'"),
    ],
)
def test_wrong_use_ends_before_anything_runs(arguments: tuple[str, ...], code: int, said: str) -> None:
    answer = meridian(*arguments)
    assert answer.returncode == code, answer.stderr
    assert said in " ".join(answer.stderr.replace("│", " ").split())


def test_a_saved_preview_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "saved.json"
    file.write_text('[{"stack": "mumbai", "steps": [7]}]')
    answer = meridian("--against", str(file))
    assert answer.returncode == 1
    assert "entry 1 (mumbai) has malformed steps" in answer.stderr


def _engine(directory: Path, code: int, *events: object) -> dict[str, str]:
    """An engine that writes down how it was called and answers with ``events``."""
    binary = directory / "pulumi"
    lines = "\n".join(f"echo '{json.dumps(event)}'" for event in events)
    binary.write_text(
        f'#!/bin/sh\necho "$@" >>"{directory}/calls"\nprintenv MARK >>"{directory}/calls"\n{lines}\nexit {code}\n'
    )
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{directory}:/usr/bin:/bin", "MARK": "of the caller"}


def _project(directory: Path) -> Project:
    return Project(directory, ((STACK,),), directory / "policies")


URN = "urn:pulumi:mumbai::meridian::aws:s3/bucket:Bucket::media"
EVENTS = (
    {"sequence": 1, "resourcePreEvent": {"metadata": {"op": "update", "urn": URN, "type": "aws:s3/bucket:Bucket"}}},
    {"sequence": 2, "summaryEvent": {"resourceChanges": {"update": 1}}},
)


@pytest.mark.parametrize("refresh", [False, True])
def test_an_account_is_previewed_with_the_callers_engine_and_environment(tmp_path: Path, refresh: bool) -> None:
    environment = _engine(tmp_path, 0, *EVENTS)
    (result,) = preview_all(
        None, cache.to_stderr, 1, refresh=refresh, environment=environment, project=_project(tmp_path)
    )
    assert [(step.op, step.urn) for step in result.steps] == [("update", URN)]
    call, mark = (tmp_path / "calls").read_text().splitlines()
    assert call.split()[:2] == ["preview", "--json"]
    assert f"--refresh={str(refresh).lower()}" in call
    assert f"--policy-pack {tmp_path / 'policies'}" in call
    assert mark == "of the caller"


def test_a_preview_that_fails_keeps_what_the_others_said(tmp_path: Path) -> None:
    environment = _engine(tmp_path, 1, *EVENTS)
    with pytest.raises(RunFailedError) as failed:
        preview_all(None, cache.to_stderr, 1, environment=environment, project=_project(tmp_path))
    assert [result.stack for result in failed.value.results] == [STACK]


def test_an_account_needs_an_engine_and_a_stack_that_exists(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="needs `pulumi` on PATH; install it"):
        preview_all(None, cache.to_stderr, 1, environment={"PATH": str(tmp_path)}, project=_project(tmp_path))
    with pytest.raises(UnknownStackError, match="there is no stack 'paris'"):
        preview_all(["paris"], cache.to_stderr, 1, environment=_engine(tmp_path, 0), project=_project(tmp_path))
