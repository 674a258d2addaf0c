"""The laws over a saved preview: each finding has its code, its stack and a remedy, and exceptions end."""

from __future__ import annotations

from datetime import date

import pytest

from ops.review.declared import declared
from ops.review.laws import CODES, Broken, broken
from policies.exceptions import ExceptionError, LawException
from tests.ops.review.digests import created, digest

BUCKET = "aws:s3/bucket:Bucket"
TODAY = date(2026, 11, 23)


def _stray(excused: tuple[LawException, ...] = ()) -> list[Broken]:
    found = broken(declared([digest("mumbai", created("mumbai", BUCKET, "media", bucket="x"))]), TODAY, excused)
    return [entry for entry in found if entry.code == "REG-1"]


def test_a_law_of_a_resource_is_told_with_code_stack_and_remedy() -> None:
    (entry,) = _stray()
    assert str(entry).startswith("REG-1 [mumbai]: media ")
    assert "pass region=context.region" in entry.message


def test_laws_of_stacks_and_of_the_union_are_judged_too() -> None:
    vpcs = [
        digest(name, created(name, "aws:ec2/vpc:Vpc", "network", cidrBlock="10.16.0.0/16"))
        for name in ("mumbai", "oregon")
    ]
    found = broken(declared(vpcs), TODAY, ())
    assert any(entry.code == "UNI-1" and entry.stack == "oregon" for entry in found)
    assert len(CODES) == len(set(CODES))


def test_an_exception_excuses_until_it_ends_and_then_is_refused() -> None:
    def until(day: date) -> tuple[LawException, ...]:
        return (LawException("REG-1", "med*", "asha@example.org", "until it moves", day),)

    assert _stray(until(date(2026, 11, 23))) == []
    with pytest.raises(ExceptionError, match="expired on 2026-11-22; mend the resource and remove the entry"):
        _stray(until(date(2026, 11, 22)))
