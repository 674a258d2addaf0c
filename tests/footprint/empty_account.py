"""A sandbox account after `pulumi destroy` of all stacks: `make test-account ACCOUNT=… AFTER=destroy`. Reads only."""

from __future__ import annotations

from tests.footprint import sandbox
from tests.footprint.asking import Boto


def test_nothing_of_the_footprint_is_left() -> None:
    cloud = Boto(None)
    sandbox.confirmed(cloud)
    assert sandbox.left(cloud) == {}
