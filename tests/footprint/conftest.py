"""The whole footprint, once for all tests of this directory: previewed, deployed, deployed again, on an emulator.

`MERIDIAN_TEST_EMULATOR` names the emulator (default: moto), `MERIDIAN_TEST_ENDPOINT` the URL of one that runs already
(default: one is started); with `MERIDIAN_TEST_RECORD` the run is recorded in `docs/emulators.json`. The tests of `test_footprint` run in the order in which they
are written, as an operator would go: what is deployed is looked at, disturbed, repaired and removed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.aws import report
from local.engine.results import Result
from local.installation import DISPOSABLE, project
from ops.review.declared import Declared
from tests.footprint import deployment, expected, listening, support
from tests.footprint.asking import Boto, Subject
from tests.footprint.inventory import inventory


@dataclass(frozen=True, slots=True)
class Footprint:
    """What happened, and what to look at."""

    emulator: str
    deployment: deployment.Deployment
    directory: Path
    previews: tuple[Result, ...]
    ups: tuple[Result, ...]
    idle: tuple[Result, ...]
    declared: dict[str, Declared]
    subjects: tuple[Subject, ...]
    before: dict[str, tuple[str, ...]]
    """What the emulator held before anything was deployed."""


@pytest.fixture(scope="session")
def emulator_name() -> str:
    return os.environ.get("MERIDIAN_TEST_EMULATOR", "moto")


@pytest.fixture(scope="session")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the previews' provider writes down what the programs declare."""
    return tmp_path_factory.mktemp("previews") / "heard"


@pytest.fixture(scope="session")
def previews(heard: Path) -> tuple[Result, ...]:
    """All stacks, on an empty state and without any emulator."""
    with deployment.attached(
        heard.parent,
        project(DISPOSABLE),
        name="moto",
        url="",
        aws_module="tests.footprint.listening",
        settings={listening.VARIABLE: str(heard)},
    ) as attached:
        return attached.runner.preview_all()


@pytest.fixture(scope="session")
def footprint(
    emulator_name: str, previews: tuple[Result, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Footprint]:
    directory = tmp_path_factory.mktemp("footprint")
    with (
        deployment.emulated(emulator_name, directory, os.environ.get("MERIDIAN_TEST_ENDPOINT", "")) as url,
        deployment.attached(directory, project(DISPOSABLE), name=emulator_name, url=url) as attached,
    ):
        before = inventory(Boto(url), emulator_name)
        ups = attached.runner.up_all()
        idle = attached.runner.up_all()
        declared = expected.previewed(previews)
        if os.environ.get("MERIDIAN_TEST_RECORD"):
            support.record(emulator_name, report.counts(directory / "ledger", emulator_name))
        yield Footprint(
            emulator_name,
            attached,
            directory,
            previews,
            ups,
            idle,
            declared,
            expected.subjects(declared, idle),
            before,
        )


@pytest.fixture
def cloud(footprint: Footprint) -> Boto:
    """boto3 without answers of earlier tests."""
    return Boto(footprint.deployment.endpoint)
