"""A fifth region is one entry and its configuration; taking a region out says what is left hanging."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from ops.previews import Snapshot, snapshot
from ops.trees import Tree, TreeError
from tests.golden.preview import previewed
from tests.golden.regions_changed import copied, with_buckets_in_sao_paulo, with_sao_paulo, without_oregon

JUDGE = """
import datetime, json, pathlib, sys
from ops.previews import parse
from ops.review.declared import declared
from ops.review.laws import broken
taken = parse(pathlib.Path(sys.argv[1]).read_text(), "preview")
print(json.dumps([(b.code, b.message) for b in broken(declared(taken.digests), datetime.date(2026, 11, 23))]))
"""


REVIEW = """
import datetime, pathlib, sys
from ops.previews import parse
from ops.review.report import render
from ops.review.review import Judges, Said, from_declarations
before, after = (parse(pathlib.Path(name).read_text(), "preview") for name in sys.argv[1:])
print(render(from_declarations(before, after, Said(""), Judges(datetime.date(2026, 11, 23)))))
"""


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return with_sao_paulo(copied(tmp_path_factory.mktemp("five") / "tree"))


@pytest.fixture(scope="module")
def declared_by_five(five: Tree) -> Snapshot:
    return snapshot(five)


def judged(tree: Tree, taken: Snapshot) -> list[tuple[str, str]]:
    """The laws of ``tree`` over ``taken``."""
    file = tree.directory / "preview.json"
    file.write_text(taken.text())
    return [(code, message) for code, message in json.loads(tree.python("-c", JUDGE, str(file)))]


def _count(taken: Snapshot, stack: str) -> int:
    (found,) = taken.of([stack]).digests
    steps = found["steps"]
    assert isinstance(steps, list)
    return len(steps)


def test_a_fifth_region_declares_what_every_region_does_and_keeps_every_law(
    five: Tree, declared_by_five: Snapshot
) -> None:
    assert "saopaulo" in declared_by_five.stacks
    assert {f"links-{name}-saopaulo" for name in ("mumbai", "oregon", "frankfurt", "singapore")} <= set(
        declared_by_five.stacks
    )
    # One more peer is one more route and rule; nothing else tells it from a region without bound data.
    assert abs(_count(declared_by_five, "saopaulo") - _count(declared_by_five, "oregon")) <= 2
    assert judged(five, declared_by_five) == []


def test_a_fifth_region_starts_without_buckets(five: Tree) -> None:
    owned = five.python("-c", "from regions.buckets import SHARD_MAP; print(len(SHARD_MAP.buckets_of('saopaulo')))")
    assert owned.strip() == "0"


def test_giving_a_fifth_region_buckets_is_data_and_the_plan_says_what_follows(
    five: Tree, declared_by_five: Snapshot, tmp_path: Path
) -> None:
    tree = with_buckets_in_sao_paulo(with_sao_paulo(copied(tmp_path / "tree")))
    owned = tree.python("-c", "from regions.buckets import SHARD_MAP; print(len(SHARD_MAP.buckets_of('saopaulo')))")
    assert owned.strip() == "72"
    plan = snapshot(tree)
    assert judged(tree, plan) == []
    sides = {"before": declared_by_five, "after": plan}
    for name, taken in sides.items():
        (tmp_path / name).write_text(taken.text())
    report = tree.python("-c", REVIEW, *(str(tmp_path / name) for name in sides))
    head, _, changes = report.partition("### Changes")
    # Singapore's database, its copy, and where media of those buckets are looked for; no store is replaced or deleted.
    assert "5 changed, in links-mumbai-singapore, singapore, steering." in head
    assert "### Stops" not in head
    lines = [line for line in changes.splitlines() if line.startswith(("~ ", "+ ", "- ", "± "))]
    assert {line.split()[1] for line in lines} == {
        "singapore-to-mumbai-database",
        "database-primary",
        "database-replica-1",
        "database-replica-2",
        "cdn-media",
    }
    assert {line[0] for line in lines} == {"~"}
    assert re.search(r"database sa-east-1, rows to the partner \(0 GB of WAL → [1-9][\d,]* GB of WAL\)", head)


def test_what_the_other_regions_declare_changes_only_by_their_new_peer(declared_by_five: Snapshot) -> None:
    before, after = (_names(taken, "singapore") for taken in (previewed(), declared_by_five))
    assert after - before == {"database-from-saopaulo"}
    assert before - after == set()


def _names(taken: Snapshot, stack: str) -> set[str]:
    """But for alarms on cache nodes: their number follows from the weights, which a new region changes."""
    (found,) = taken.of([stack]).digests
    steps = found["steps"]
    assert isinstance(steps, list)
    names = {str(step["urn"]).rsplit("::", 1)[-1] for step in steps if isinstance(step, Mapping)}
    return {name for name in names if not name.startswith("alarms-cache-")}


def test_a_region_that_others_lean_on_cannot_be_taken_out_unnoticed(tmp_path: Path) -> None:
    tree = without_oregon(with_sao_paulo(copied(tmp_path / "tree")))
    with pytest.raises(TreeError, match="frankfurt: partner 'oregon' is not in the catalogue"):
        tree.project()


def test_taking_oregon_out_says_what_is_left_hanging(tmp_path: Path, declared_by_five: Snapshot) -> None:
    tree = without_oregon(with_sao_paulo(copied(tmp_path / "tree")))
    catalogue = tree.directory / "regions" / "catalogue.py"
    source = catalogue.read_text()
    source = source.replace('partner="oregon",\n        residency=ResidencyZone.EUROPE', 'partner="saopaulo",\n        residency=ResidencyZone.EUROPE')  # fmt: skip
    source = source.replace('partner="oregon"', 'partner="frankfurt"')
    catalogue.write_text(re.sub(r"weight=([\d.]+),", lambda m: f"weight={float(m[1]) / 0.775!r},", source))
    left = declared_by_five.of([name for name in declared_by_five.stacks if "oregon" not in name])
    found = judged(tree, left)
    told = {code: [message for other, message in found if other == code] for code, _ in found}
    # Sizes and bills follow from the weights (CAP-1, COST-1), partitions from the number of homes (KAF-2), and what was
    # declared in Oregon is in no region of ours (REG-2).
    assert set(told) - {"CAP-1", "COST-1", "KAF-2", "REG-2"} == {"UNI-2", "UNI-3", "UNI-5"}
    assert any("home of buckets 240..479 is oregon" in message for message in told["UNI-2"])
    assert any("writer of buckets 240..479 is oregon" in message for message in told["UNI-2"])
    assert "database copies: frankfurt has none in its partner saopaulo: declare it in links-*" in told["UNI-3"]
    assert any("North America, South America, the default would be orphaned" in message for message in told["UNI-5"])
    assert any(message.startswith("the chain of frankfurt is frankfurt → oregon") for message in told["UNI-5"])
