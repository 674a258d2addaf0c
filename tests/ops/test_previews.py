"""Saved previews and trees: what is malformed is refused with its place, and equal trees have equal keys."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.previews import Snapshot, SnapshotError, bill_of, parse
from ops.trees import Tree, TreeError, checkout, revision
from regions.cost import Bill, Line, Money
from regions.figures import Basis
from regions.stacks import stack_order
from tests.ops.review.digests import created, digest

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["stack", "steps", "op", "urn", "type", "use", "stacks", "lines", "new", "x"]), inner, max_size=5),
    max_leaves=15,
)  # fmt: skip


@settings(deadline=None)
@given(json_values)
def test_nothing_but_a_saved_preview_is_read_and_nothing_else_breaks(value: object) -> None:
    refusal = _refusal(json.dumps(value))
    assert refusal is None or (refusal.startswith("file.json: ") and "meridian preview --json" in refusal)


def _refusal(text: str) -> str | None:
    try:
        parse(text, "file.json")
    except SnapshotError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{", "not JSON"),
        ("7", "not a list of stacks"),
        ('[{"steps": []}]', "entry 1 names no stack"),
        ('[{"stack": "mumbai", "steps": [{"op": "create"}]}]', "entry 1 (mumbai) has malformed steps"),
        ('{"stacks": [], "use": {"lines": [{"usd": "much"}]}}', "the bill of use is malformed"),
    ],
)
def test_a_malformed_preview_is_refused_with_its_place(text: str, cause: str) -> None:
    with pytest.raises(SnapshotError, match=r"^file.json: ") as refused:
        parse(text, "file.json")
    assert cause in str(refused.value)


def test_a_preview_survives_being_saved() -> None:
    use = Bill((Line("ap-south-1", "delivery", "media", Money(12.5, Basis.ASSUMED, "1 GB")),))
    taken = parse(json.dumps([digest("mumbai", created("mumbai", "aws:s3/bucket:Bucket", "media", bucket="x"))]), "x")
    saved = parse(Snapshot(taken.digests, use).text(), "x")
    assert saved == Snapshot(taken.digests, use)
    assert saved.without(["mumbai"]).stacks == ()
    with pytest.raises(TypeError):
        bill_of([])


def _small(directory: Path) -> Tree:
    (directory / "regions").mkdir(parents=True)
    (directory / "regions" / "facts.py").write_text("A = 1\n")
    (directory / "Pulumi.yaml").write_text("name: x\n")
    return Tree(directory)


def test_equal_trees_have_equal_keys_wherever_they_are(tmp_path: Path) -> None:
    one, other = _small(tmp_path / "one"), _small(tmp_path / "other")
    (tmp_path / "other" / "README.md").write_text("prose does not count\n")
    assert one.key() == other.key()


@pytest.mark.parametrize("file", ["regions/facts.py", "Pulumi.yaml", "regions/more.py", "stacks/new.py"])
def test_any_declaring_file_changes_the_key(tmp_path: Path, file: str) -> None:
    tree = _small(tmp_path / "one")
    before = tree.key()
    (tree.directory / file).parent.mkdir(exist_ok=True)
    (tree.directory / file).write_text("B = 2\n")
    assert tree.key() != before


def test_a_tree_knows_its_stacks_and_what_use_costs() -> None:
    tree = checkout()
    assert tree.project().waves == stack_order()
    assert bill_of(tree.use()).usd > 0


def test_a_tree_whose_code_does_not_run_says_so(tmp_path: Path) -> None:
    tree = _small(tmp_path / "broken")
    (tree.directory / "regions" / "__init__.py").write_text("raise ValueError('half written')\n")
    with pytest.raises(TreeError, match="half written"):
        tree.project()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    directory = tmp_path / "repository"
    directory.mkdir()
    (directory / "Pulumi.yaml").write_text("name: first\n")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "first")):
        subprocess.run(["git", *command], cwd=directory, check=True)
    (directory / "Pulumi.yaml").write_text("name: second\n")
    return directory


def test_a_revision_is_there_for_a_while_and_leaves_nothing(repository: Path) -> None:
    with revision("HEAD", repository) as tree:
        assert (tree.directory / "Pulumi.yaml").read_text() == "name: first\n"
    assert not tree.directory.exists()
    listed = subprocess.run(["git", "worktree", "list"], cwd=repository, check=True, capture_output=True, text=True)
    assert len(listed.stdout.splitlines()) == 1


@pytest.mark.parametrize("name", ["nowhere", "--all", ""])
def test_a_revision_that_there_is_not_is_refused(repository: Path, name: str) -> None:
    with pytest.raises(TreeError, match="cannot have the tree"), revision(name, repository):
        pass
