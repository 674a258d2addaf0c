"""The whole footprint as committed: what a change does to it is read here before it is deployed."""

from __future__ import annotations

from datetime import UTC, datetime

from ops.golden import FILE, committed, text
from ops.review.declared import declared
from ops.review.golden import changed
from ops.review.laws import broken
from regions.stacks import all_stacks
from tests.golden.preview import previewed


def test_the_committed_footprint_is_what_the_stacks_declare() -> None:
    made = text(previewed())
    told = "\n".join(changed(committed(), made))
    assert made == committed(), f"{FILE} is not current; `make golden` rewrites it. What changed:\n{told}"


def test_the_committed_footprint_is_short_enough_to_read() -> None:
    assert len(committed().splitlines()) <= 450


def test_every_stack_is_in_the_preview_and_every_law_holds_over_all_of_them() -> None:
    taken = previewed()
    assert set(taken.stacks) == set(all_stacks())
    found = broken(declared(taken.digests), datetime.now(tz=UTC).date())
    assert found == [], "\n".join(map(str, found))
