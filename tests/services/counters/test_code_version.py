from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import services
from services.counters.code_version import DECLARED, code_version

TREE = Path(services.__path__[0]).parent


def test_the_declared_version_is_the_projects() -> None:
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    assert project["version"] == DECLARED == code_version()


def test_code_that_runs_without_being_installed_knows_its_version(tmp_path: Path) -> None:
    (tmp_path / "services").symlink_to(TREE / "services")
    program = "from services.counters.code_version import CODE_VERSION; print(CODE_VERSION)"
    # -S: no site-packages, so nothing is installed, as in an image that holds the code only.
    answer = subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == DECLARED
