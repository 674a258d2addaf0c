"""The footprint in a sandbox account, after `pulumi up` of all stacks: `make test-account ACCOUNT=…`. Reads only.

No part of `make test`: the file's name is one that pytest collects only when it is told to.
"""

from __future__ import annotations

from ops import account
from regions.stacks import all_stacks
from tests.footprint import sandbox
from tests.footprint.asking import Boto


def test_the_account_holds_the_footprint_with_every_declared_property() -> None:
    cloud = Boto(None)
    verdict = sandbox.judged(cloud, sandbox.confirmed(cloud), lambda: account.preview_all(None, print, 2))
    assert verdict.changes == dict.fromkeys(all_stacks(), 0), "a deployment would change something"
    assert verdict.unchecked == frozenset()
    assert verdict.wrong == ()
    print(f"{verdict.looked_at} resources are as declared")
