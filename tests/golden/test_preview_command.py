"""`meridian preview` from nothing, as it is typed: judged although no pack runs beside it, and silent of no change."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from local import paths
from tests.golden.preview import previewed
from tests.golden.regions_changed import copied

LINK = "links-mumbai-singapore"


def preview(directory: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "ops", "preview", *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory), "MERIDIAN_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_stack_that_breaks_a_law_fails_its_preview_alone_too(tmp_path: Path) -> None:
    tree = copied(tmp_path / "tree").directory
    source = tree / "stacks" / "database_instance.py"
    text = source.read_text()
    assert "publicly_accessible=False" in text
    source.write_text(text.replace("publicly_accessible=False", "publicly_accessible=True"))
    answer = preview(tree, tmp_path / "home", LINK)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert f"broken: NET-1 [{LINK}]" in answer.stderr


def test_a_tree_that_declares_the_same_has_nothing_to_report(tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(previewed().text())
    answer = preview(paths.CHECKOUT, tmp_path / "home", "--against", str(saved))
    assert answer.returncode == 0, answer.stderr
    assert "No change." in answer.stdout
