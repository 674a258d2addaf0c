"""The page of the footprint is what its generator makes today, and the generator sees what it is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ops.footprint import PAGE, STACKS, page
from regions.catalogue import CATALOGUE, Catalogue


def test_the_committed_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/footprint.md is out of date; run `make footprint`"


def test_the_page_names_every_region_and_every_kind_of_resource() -> None:
    text = page()
    for region in CATALOGUE.regions:
        assert region.code in text
        assert f"{region.name} == copies ==> {region.partner}" in text
    for kind in ("rds.Instance", "msk.Cluster", "msk.Replicator", "eks.Cluster", "cloudfront.Distribution"):
        assert kind in text
    assert "Args" not in text


def test_a_change_of_the_catalogue_changes_the_page() -> None:
    first, second, *rest = CATALOGUE.regions
    other = Catalogue((replace(first, weight=0.35), replace(second, weight=0.30), *rest))
    assert page(other) != page()


def test_a_new_file_of_the_stacks_appears_with_its_subject_and_types(tmp_path: Path) -> None:
    (tmp_path / "ponds.py").write_text(
        '"""Ponds of a region: where ducks are. Owns no duck."""\nx = aws.sqs.Queue("x", aws.sqs.QueueArgs())\n'
        'msk = aws.msk\ny = msk.Cluster("y", msk.ClusterArgs())\n'
    )
    (tmp_path / "pure.py").write_text('"""Nothing."""\n')
    text = page(sources=tmp_path)
    assert "| `ponds` | Ponds of a region: where ducks are | msk.Cluster, sqs.Queue |" in text
    assert "`pure`" not in text
    assert STACKS.is_dir()
