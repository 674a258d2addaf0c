"""Branches of a git repository, edited as their authors would, and what `meridian preview --base main` says of each.

The engine previews both sides. The texts of reports, which need a known tree, are in `test_reports`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from regions.catalogue import CATALOGUE
from tests.golden.regions_changed import copied

MAX_LINES_OF_A_SCREEN = 60
RESIDENT_COPY = """
    def _copy_resident_data(self) -> None:
        aws.rds.Instance(
            f"{self._name}-resident",
            region=self._args.target.code,
            identifier=f"{self._name}-resident",
            replicate_source_db=f"arn:aws:rds:{self._args.source.code}:123456789012:db:meridian-{self._args.source.name}-resident",
            instance_class="db.r8g.large",
            storage_encrypted=True,
            kms_key_id=self._args.of_target.database_key_arn,
            opts=self._ctx.stateful(),
        )

    def _copy_database("""


def _edit(tree: Path, file: str, before: str, after: str) -> None:
    path = tree / file
    text = path.read_text()
    assert text.count(before) == 1, f"{file} has {before!r} {text.count(before)} times"
    path.write_text(text.replace(before, after))


def bump_one_database(tree: Path) -> None:
    _edit(
        tree,
        "stacks/database.py",
        "instance_class=sizes.database_class",
        'instance_class="db.r8g.48xlarge" if self._ctx.region == "ap-south-1" else sizes.database_class',
    )


def replace_one_cache(tree: Path) -> None:
    _edit(tree, "stacks/cache.py", "port=PORT,", 'port=6380 if self._ctx.region == "us-west-2" else PORT,')


def forget_the_region(tree: Path) -> None:
    _edit(
        tree,
        "stacks/buckets.py",
        "force_destroy=not self._ctx.protect,\n            region=self._ctx.region,",
        "force_destroy=not self._ctx.protect,",
    )


def copy_resident_data(tree: Path) -> None:
    _edit(
        tree,
        "stacks/replication.py",
        "self._copy_backups()",
        "self._copy_backups()\n        self._copy_resident_data()",
    )
    _edit(tree, "stacks/replication.py", "\n    def _copy_database(", RESIDENT_COPY)


def reformat(tree: Path) -> None:
    """Another line length, over everything that is declared with."""
    subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--quiet", "--isolated", "--line-length", "72", "stacks", "regions"],
        cwd=tree,
        check=True,
        timeout=60,
    )


@dataclass(frozen=True)
class Expected:
    """A branch, the stacks that its author previews, and what the report must and must not say."""

    edit: Callable[[Path], None]
    stacks: tuple[str, ...]
    code: int
    says: tuple[str, ...]
    silent: tuple[str, ...] = ()


BRANCHES = {
    "bumps one region's database": Expected(
        bump_one_database,
        CATALOGUE.names,
        0,
        (
            "1 changed, in mumbai.",
            "instance class",
            "→ db.r8g.48xlarge",
            "Not so oregon, frankfurt, singapore",
            "unexplained",
            "**database.mumbai**",
        ),
        ("**database.oregon**", "replaced"),
    ),
    "replaces a cache": Expected(
        replace_one_cache,
        CATALOGUE.names,
        3,
        ("**The job stops.**", "**cache.oregon/cache** replaced: port 6379 → 6380", "Not so mumbai"),
        ("Laws broken",),
    ),
    "forgets region= on a bucket": Expected(
        forget_the_region,
        ("mumbai", "frankfurt"),
        1,
        (
            "**The job stops.**",
            "mumbai: ",
            "frankfurt: ",
            "REG-1: media-uploads (aws:s3/bucket:Bucket) declares no region",
            "pass region=context.region",
        ),
        ("No change.",),
    ),
    "copies residency-bound data": Expected(
        copy_resident_data,
        (),
        1,
        (
            "**The job stops.**",
            "UNI-4 [links-mumbai-singapore]",
            "copies residency-bound data out of its region: remove the copy",
        ),
    ),
    "only reformats code": Expected(reformat, (), 0, ("No change.",), ("###",)),
}


def _git(tree: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=author", "-c", "user.email=author@example.org", *arguments],
        cwd=tree,
        check=True,
        capture_output=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", BRANCHES)
def test_the_report_says_what_a_branch_does(name: str, tmp_path: Path) -> None:
    expected = BRANCHES[name]
    tree = copied(tmp_path / "tree").directory
    (tree / ".gitignore").write_text("__pycache__\nhome\n")
    _git(tree, "init", "--quiet", "--initial-branch=main")
    _git(tree, "add", ".")
    _git(tree, "commit", "--quiet", "-m", "base")
    expected.edit(tree)
    answer = subprocess.run(
        [sys.executable, "-P", "-m", "ops", "preview", "--base", "main", *expected.stacks],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "MERIDIAN_HOME": str(tree / "home")},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    report = answer.stdout
    assert answer.returncode == expected.code, report + answer.stderr
    for text in expected.says:
        assert text in report, report
    for text in expected.silent:
        assert text not in report, report
    assert len(report.splitlines()) <= MAX_LINES_OF_A_SCREEN, report
