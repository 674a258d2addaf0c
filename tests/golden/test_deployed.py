"""A change previewed from a state that its base's own deployment made: what it replaces shows as a replacement."""

from __future__ import annotations

from pathlib import Path

from ops.review.declared import value_of
from ops.states import preview_from
from ops.trees import Tree
from regions.stacks import GLOBAL
from tests.golden.regions_changed import copied

TOKENS = "aws:kms/key:Key"


def _with_another_curve(tree: Tree) -> Tree:
    file = tree.directory / "stacks" / "token_key.py"
    source = file.read_text()
    assert source.count("ECC_NIST_P256") == 1
    file.write_text(source.replace("ECC_NIST_P256", "ECC_NIST_P384"))
    return tree


def test_a_change_is_previewed_from_what_its_base_deployed_and_shows_what_it_replaces(tmp_path: Path) -> None:
    base, head = copied(tmp_path / "base"), _with_another_curve(copied(tmp_path / "head"))
    (result,) = preview_from(base, head, [GLOBAL], lambda _: None, parallel=1)
    assert result.ok, result.errors
    changed = [step for step in result.steps if not step.unchanged]
    assert {step.type for step in changed} >= {TOKENS}
    replaced = [step for step in changed if step.type == TOKENS]
    assert {step.name for step in replaced} == {"tokens"}
    assert any("customerMasterKeySpec" in step.replaced_for for step in replaced)
    (before, after) = next((step.old, step.new) for step in replaced if step.old and step.new)
    assert _spec(before) == "ECC_NIST_P256"
    assert _spec(after) == "ECC_NIST_P384"
    untouched = [step for step in result.steps if step.type != TOKENS and not step.unchanged]
    # What names the key follows it, and nothing else of the stack is touched.
    assert {step.name for step in untouched} <= {"tokens"}


def _spec(state: object) -> object:
    inputs = state.get("inputs") if isinstance(state, dict) else None
    return value_of(inputs["customerMasterKeySpec"]) if isinstance(inputs, dict) else None
