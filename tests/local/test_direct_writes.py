"""The list of lost direct writes is kept for whoever repeats an interrupted return."""

from __future__ import annotations

from pathlib import Path

from local import direct_writes
from local.direct_writes import LostRow


def test_the_list_of_lost_rows_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    rows = [LostRow("mumbai", "accounts.users", "[7]", False), LostRow("mumbai", "catalog.videos", '["ü"]', True)]
    direct_writes.keep_lost(tmp_path, "mumbai", rows)
    assert direct_writes.kept_lost(tmp_path, "mumbai") == rows
    assert direct_writes.kept_lost(tmp_path, "singapore") == []
    direct_writes.keep_lost(tmp_path, "mumbai", [])
    assert direct_writes.kept_lost(tmp_path, "mumbai") == []
