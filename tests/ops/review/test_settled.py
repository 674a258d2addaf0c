"""Saved previews: names drawn by lot become the same, everything else stays as it is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ops.review.declared import declared
from ops.review.settled import settled
from tests.ops.review.digests import created, digest

ROLE = "aws:iam/role:Role"
digits = st.text("0123456789abcdef", min_size=7, max_size=7)


def _preview(drawn: str, chosen: str = "kept-0123456") -> list[dict[str, object]]:
    role = created("mumbai", ROLE, "role", name=f"role-{drawn}", __defaults=["name"])
    user = created("mumbai", "aws:eks/cluster:Cluster", "c", roleArn=f"arn:aws:iam::1:role/x/role-{drawn}", name=chosen)
    return [digest("mumbai", role, user)]


@settings(deadline=None)
@given(digits, digits)
def test_the_lot_makes_no_difference(one: str, other: str) -> None:
    assert settled(_preview(one)) == settled(_preview(other))


def test_what_was_chosen_stays() -> None:
    (_, cluster) = declared(settled(_preview("abcdef0")))
    assert cluster.inputs["name"] == "kept-0123456"
    assert cluster.inputs["roleArn"] == "arn:aws:iam::1:role/x/role-*"


def test_settling_twice_is_settling_once() -> None:
    once = settled(_preview("abcdef0"))
    assert settled(once) == once
