"""What the pipelines call: the order of a deployment, digests as configuration, the fingerprint of drift."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from local import paths
from ops.drift import MAX_CHARACTERS, body, fingerprint
from ops.images import ImagesError, configured, digests
from ops.review.changes import Change, Kind
from ops.review.differences import Difference
from ops.waves import outputs
from regions.catalogue import CATALOGUE
from services.contracts.workloads import BY_NAME

names = st.sampled_from(sorted(BY_NAME))
some = st.dictionaries(names, st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:".__add__), min_size=1)


def test_regions_are_deployed_one_by_one_from_the_least_loaded() -> None:
    regions = outputs()["regions"]
    ordered = [CATALOGUE.get(str(entry["name"])) for entry in regions if isinstance(entry, dict)]
    assert {region.name for region in ordered} == set(CATALOGUE.names)
    assert [region.weight for region in ordered] == sorted(region.weight for region in ordered)


@settings(deadline=None)
@given(some, some)
def test_digests_become_configuration_and_nothing_else_changes(first: dict[str, str], second: dict[str, str]) -> None:
    source = (paths.CHECKOUT / "Pulumi.mumbai.yaml").read_text()
    before = yaml.safe_load(source)["config"]
    once = configured(source, first)
    twice = configured(once, second)
    assert yaml.safe_load(twice)["config"] == {**before, "meridian:images": {**first, **second}}
    assert configured(twice, second) == twice
    assert [line for line in source.splitlines() if line not in twice.splitlines()] == []


@pytest.mark.parametrize(
    ("files", "cause"),
    [({}, "no digests"), ({"nobody": "x"}, "no such workload"), ({"gateway": "latest"}, "not a digest")],
)
def test_what_is_no_digest_is_refused(tmp_path: Path, files: dict[str, str], cause: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ImagesError, match=cause):
        digests(tmp_path)


def _change(name: str, value: str, path: str = "port") -> Change:
    found = (Difference(path, value, "x", forces=False),)
    return Change("mumbai", "database", Kind.UPDATE, "aws:rds/instance:Instance", name, f"urn::{name}", found, {}, {})


@given(st.permutations([_change("a", "1"), _change("b", "2"), _change("c", "3")]))
def test_the_fingerprint_is_of_what_differs_in_no_order_and_without_values(found: list[Change]) -> None:
    assert fingerprint(found) == fingerprint([_change("a", "9"), _change("b", "9"), _change("c", "9")])
    assert fingerprint(found) != fingerprint(found[1:])
    assert fingerprint(found) != fingerprint([*found[1:], _change(found[0].name, "1", "storage")])


def test_the_issue_has_mark_and_fingerprint_first_and_hides_accounts() -> None:
    text = body([_change("a", "arn:aws:iam::123456789012:role/someone")])
    lines = text.splitlines()
    assert lines[0] == "<!-- meridian-drift -->"
    assert lines[1].startswith("<!-- fingerprint ")
    assert "123456789012" not in text
    assert "someone" not in text
    assert body([]) == ""


def test_the_issue_fits() -> None:
    assert len(body([_change(f"name-{number}", "v" * 60) for number in range(5_000)])) <= MAX_CHARACTERS + 200
