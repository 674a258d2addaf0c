"""The pipelines: linted, pinned, without more rights than each job needs, and scripts that do what they promise."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local import paths
from ops.workflow_lint import problems

WORKFLOWS = sorted((paths.CHECKOUT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = paths.CHECKOUT / ".github" / "scripts"
Json = dict[str, "object"]


def _document(file: Path) -> Json:
    loaded = yaml.safe_load(file.read_text())
    assert isinstance(loaded, dict)
    return {"on" if key is True else str(key): value for key, value in loaded.items()}  # YAML 1.1: `on` is a truth


def _jobs(file: Path) -> Iterator[tuple[str, Json]]:
    jobs = _document(file)["jobs"]
    assert isinstance(jobs, dict)
    yield from jobs.items()


def test_linters_find_nothing() -> None:
    assert problems() == ""


def test_linters_find_what_is_wrong(tmp_path: Path) -> None:
    broken = tmp_path / ".github" / "workflows" / "x.yml"
    broken.parent.mkdir(parents=True)
    broken.write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo $nowhere\n      - uze: x\n"
    )
    said = problems(tmp_path)
    assert "uze" in said
    assert "shellcheck" in said


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_action_is_pinned_by_commit_and_says_its_version(file: Path) -> None:
    for line in file.read_text().splitlines():
        if "uses:" in line and "uses: ./" not in line:
            assert re.search(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_rights_are_stated_and_small(file: Path) -> None:
    assert _document(file).get("permissions") in ({}, {"contents": "read"})
    assert "write-all" not in file.read_text()
    assert "secrets." not in file.read_text(), "no long-lived key is known to a workflow"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_an_identity_in_aws_is_had_in_an_environment_only(file: Path) -> None:
    for name, job in _jobs(file):
        rights = job.get("permissions") or {}
        assert isinstance(rights, dict)
        if rights.get("id-token") == "write":
            assert job.get("environment") or str(job.get("uses", "")).startswith("./"), name
        if job.get("environment"):
            assert not {"pull-requests", "issues"} & set(rights), f"{name} both acts in AWS and writes to people"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_code_of_a_pull_request_meets_no_identity_and_no_right_to_write(file: Path) -> None:
    events = _document(file)["on"]
    assert "pull_request_target" not in str(events)
    if isinstance(events, dict) and "pull_request" in events:
        for _, job in _jobs(file):
            assert not job.get("permissions")
            assert not job.get("environment")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_jobs_end_and_checkouts_keep_no_token(file: Path) -> None:
    for name, job in _jobs(file):
        if "uses" in job:
            continue
        assert isinstance(job.get("timeout-minutes"), int), name
        steps = job["steps"]
        assert isinstance(steps, list)
        pushes = "git push" in str(steps)
        for step in steps:
            if str(step.get("uses", "")).startswith("actions/checkout@") and not pushes:
                assert step.get("with", {}).get("persist-credentials") is False, name


def test_what_people_write_never_becomes_part_of_a_script() -> None:
    for file in WORKFLOWS:
        for _, job in _jobs(file):
            steps = job.get("steps", [])
            assert isinstance(steps, list)
            for step in steps:
                assert "${{" not in str(step.get("run", "")), f"{file.name}: pass it by env"


def _fake(directory: Path, name: str, script: str) -> None:
    file = directory / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def _run(script: str, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{directory}:{os.environ['PATH']}",
        "GITHUB_REPOSITORY": "o/r",
        "LOG": str(directory / "log"),
    }
    return subprocess.run(
        [str(SCRIPTS / script), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def _log(directory: Path) -> str:
    file = directory / "log"
    return file.read_text() if file.exists() else ""


COMMENTS = [
    {"id": 1, "user": {"login": "asha"}, "body": "<!-- meridian-preview --> quoted by a person"},
    {"id": 7, "user": {"login": "github-actions[bot]"}, "body": "<!-- meridian-preview -->\nold"},
]


@pytest.mark.parametrize(
    ("comments", "call"),
    [(COMMENTS, "PATCH repos/o/r/issues/comments/7"), (COMMENTS[:1], "POST repos/o/r/issues/5/comments")],
)
def test_a_report_is_written_into_our_one_comment(tmp_path: Path, comments: list[Json], call: str) -> None:
    (tmp_path / "comments.json").write_text(json.dumps(comments))
    _fake(
        tmp_path,
        "gh",
        f'if [ "$2" = --paginate ]; then cat {tmp_path}/comments.json; else echo "$@" >>"$LOG"; cat >>"$LOG"; fi',
    )
    report = tmp_path / "report.md"
    report.write_text('<!-- meridian-preview -->\n## Preview\n\n"quoted" $(not run) `nor this`\n')
    done = _run("comment", tmp_path, "5", str(report))
    assert done.returncode == 0, done.stderr
    assert call in _log(tmp_path)
    sent = json.loads(_log(tmp_path).split("\n", 1)[1])
    assert sent["body"] == report.read_text()


@pytest.mark.parametrize(
    ("number", "text"),
    [("", "<!-- meridian-preview -->"), ("5; rm", "<!-- meridian-preview -->"), ("5", "no mark"), ("5", "<!-- meridian-preview -->\n" + "x" * 65_001)],
    ids=["no number", "no number at all", "no mark", "too long"],
)  # fmt: skip
def test_a_report_that_is_none_is_not_written(tmp_path: Path, number: str, text: str) -> None:
    _fake(tmp_path, "gh", 'echo "$@" >>"$LOG"; echo "[]"')
    (tmp_path / "report.md").write_text(text)
    assert _run("comment", tmp_path, number, str(tmp_path / "report.md")).returncode == 2
    assert "POST" not in _log(tmp_path)
    assert "PATCH" not in _log(tmp_path)


def test_watching_a_region_fails_as_soon_as_an_alarm_rings(tmp_path: Path) -> None:
    _fake(tmp_path, "aws", 'echo "$@" >>"$LOG"; echo meridian-mumbai-errors')
    done = _run("bake", tmp_path, "mumbai", "ap-south-1", "10")
    assert done.returncode == 1
    assert "meridian-mumbai-errors" in done.stdout
    assert "--region ap-south-1 --alarm-name-prefix meridian-mumbai-" in _log(tmp_path)


def test_watching_a_region_that_cannot_be_asked_is_a_failure(tmp_path: Path) -> None:
    _fake(tmp_path, "aws", "exit 255")
    assert _run("bake", tmp_path, "mumbai", "ap-south-1", "10").returncode != 0


def _page(directory: Path) -> Path:
    page = directory / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<script src=/assets/main-1a2b.js></script>")
    return page


def test_the_page_is_put_into_a_regions_bucket_its_document_last_and_asked_for_again(tmp_path: Path) -> None:
    settings = {"buckets": {"page": "meridian-page-x"}, "hosts": {"api": "https://api.meridian.example"}}
    _fake(tmp_path, "pulumi", f"echo '{json.dumps(settings)}'")
    _fake(tmp_path, "aws", 'echo "$@" >>"$LOG"')
    page = _page(tmp_path)
    done = _run("publish", tmp_path, str(page), "mumbai", "ap-south-1")
    assert (done.returncode, done.stdout) == (0, "mumbai: the page is in meridian-page-x\n")
    assert json.loads((page / "config.json").read_text()) == {"api": "https://api.meridian.example"}
    first, second = _log(tmp_path).splitlines()
    assert first.startswith(f"s3 sync {page}/assets s3://meridian-page-x/assets --region ap-south-1")
    assert "immutable" in first
    assert second.startswith(f"s3 sync {page} s3://meridian-page-x --region ap-south-1")
    assert second.endswith("--exclude assets/* --cache-control no-cache")


def test_a_page_whose_region_is_not_deployed_is_put_nowhere(tmp_path: Path) -> None:
    _fake(tmp_path, "pulumi", "echo '{}'")
    _fake(tmp_path, "aws", 'echo "$@" >>"$LOG"')
    assert _run("publish", tmp_path, str(_page(tmp_path)), "mumbai", "ap-south-1").returncode != 0
    assert _log(tmp_path) == ""


MARKED = "<!-- meridian-drift -->\n<!-- fingerprint {} -->\ntext\n"


@pytest.mark.parametrize(
    ("known", "report", "calls"),
    [
        (None, MARKED.format("aa"), ["label create", "issue create"]),
        (MARKED.format("aa"), MARKED.format("aa"), []),
        (MARKED.format("aa").replace("\n", "\r\n"), MARKED.format("aa"), []),
        (MARKED.format("aa"), MARKED.format("bb"), ["issue edit"]),
        (MARKED.format("aa"), "", ["issue close"]),
        (None, "", []),
    ],
    ids=["new", "same", "same, as the web form sends it", "other", "gone", "none"],
)
def test_there_is_one_issue_on_drift_and_it_is_touched_only_when_the_answer_changes(
    tmp_path: Path, known: str | None, report: str, calls: list[str]
) -> None:
    listed = "" if known is None else json.dumps({"number": 3, "body": known})
    (tmp_path / "open.json").write_text(listed)
    _fake(tmp_path, "gh", f'if [ "$2" = list ]; then cat {tmp_path}/open.json; else echo "$1 $2" >>"$LOG"; fi')
    (tmp_path / "drift.md").write_text(report)
    done = _run("issue", tmp_path, str(tmp_path / "drift.md"))
    assert done.returncode == 0, done.stderr
    assert _log(tmp_path).splitlines() == calls
