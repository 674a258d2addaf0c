from __future__ import annotations

import re
from pathlib import Path

import pytest

import services
from services.contracts.workloads import BY_NAME, PORT, WORKLOADS
from stacks.manifests import USER

ROOT = Path(services.__path__[0])
EXTRA = {"gateway", "transcoder"}
"""Workloads whose image holds more than the lock's packages: compiled modules, a tool."""


def dockerfile(name: str) -> str:
    return (ROOT / name / "Dockerfile").read_text()


def instructions(text: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", " ", text)
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_an_image_starts_what_the_manifest_starts_and_not_as_root(name: str) -> None:
    lines = instructions(dockerfile(name))

    assert lines[-1] == f'CMD ["python", "-m", "{BY_NAME[name].module}"]'
    assert f"USER {USER}:{USER}" in lines
    assert f"EXPOSE {PORT}" in lines
    # The manifest gives its command as arguments, which an entry point would swallow.
    assert not any(line.startswith("ENTRYPOINT") for line in lines)


def test_images_of_all_workloads_are_the_same_but_for_their_name() -> None:
    plain = {
        tuple(line.replace(workload.module, "MODULE") for line in instructions(dockerfile(workload.name)))
        for workload in WORKLOADS
        if workload.name not in EXTRA
    }
    assert len(plain) == 1
    (common,) = plain
    for name in EXTRA:
        own = [line.replace(BY_NAME[name].module, "MODULE") for line in instructions(dockerfile(name))]
        assert [line for line in own if line in common] == list(common)


def test_every_base_is_one_exact_version_and_every_package_comes_from_the_lock() -> None:
    for file in ROOT.glob("*/Dockerfile"):
        text = file.read_text()
        for version in re.findall(r"^ARG (?:PYTHON|NODE|UV)=(.+)$", text, re.MULTILINE):
            assert re.fullmatch(r"\d+\.\d+\.\d+(-[a-z-]+)?", version), file
        for line in instructions(text):
            if line.startswith("FROM"):
                assert re.match(r"FROM ((python|node):\$\{(PYTHON|NODE)\}|scratch)", line), file
            for command in re.findall(r"uv (?:sync|export)[^&]*", line):
                assert "--frozen" in command, file
            for command in re.findall(r"uv pip install[^&]*", line):
                assert "--require-hashes" in command, file
            if "npm" in line:
                assert "npm install" not in line, file


def test_no_secret_and_no_checkout_state_goes_into_an_image() -> None:
    for file in ROOT.glob("*/Dockerfile"):
        for line in instructions(file.read_text()):
            assert not re.search(r"(?i)(ENV|ARG)\s+\S*(password|secret|token|key)", line), file
            if line.startswith("COPY") and "--from" not in line:
                assert not re.match(r"COPY( --chown=\S+)? \.\s", line), file
