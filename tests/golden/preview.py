"""The preview of this checkout that all tests of the footprint share: made once for as long as nothing changes."""

from __future__ import annotations

from functools import cache

from ops.previews import Snapshot, snapshot
from ops.trees import checkout


@cache
def previewed() -> Snapshot:
    """All stacks by the real engine; other test processes wait for the one that previews."""
    return snapshot(checkout())
