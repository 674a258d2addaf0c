"""The gate: nothing stateful is replaced or removed unnamed, and a name lets through only what it names."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.review.changes import Change, Kind
from ops.review.gate import STATEFUL, blocked, dangerous, label, named_in

TYPES = [*sorted(STATEFUL), "aws:ec2/route:Route", "kubernetes:apps/v1:Deployment"]
names = st.sampled_from(["primary", "cache", "media"])
made = st.builds(
    lambda kind, type_, name, stack: Change(
        stack, "database", kind, type_, name, f"{stack}/{name}/{type_}", (), {}, {}
    ),
    st.sampled_from(list(Kind)),
    st.sampled_from(TYPES),
    names,
    st.sampled_from(["mumbai", "oregon"]),
)


@settings(deadline=None)
@given(st.lists(made), st.lists(made))
def test_a_stateful_loss_is_stopped_unless_it_is_named(found: list[Change], others: list[Change]) -> None:
    named = named_in("\n".join(f"Replaces: {label(change)}" for change in others))
    stopped = blocked(found, named)
    for change in found:
        loses = change.type in STATEFUL and change.kind in (Kind.REPLACE, Kind.REMOVE)
        assert (change in stopped) == (loses and label(change) not in {label(other) for other in others})
    assert set(map(label, stopped)) <= set(map(label, dangerous(found)))


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_names_are_read_from_lines_of_their_own(line_end: str) -> None:
    text = line_end.join(
        ["Move the cache.", "", "Replaces: cache.oregon/cache", "Replaces:database.mumbai/primary  ", "- `Replaces: x`"]
    )
    assert named_in(text) == {"cache.oregon/cache", "database.mumbai/primary"}


def test_prose_that_speaks_of_replacing_names_nothing() -> None:
    assert named_in("This Replaces: nothing\nReplaces: two things") == frozenset()
