"""A drill's report says what happened: which counts are right, and how long nothing was acknowledged."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from bench.drill.__main__ import counted, longest_gap
from bench.drill.people import Account
from bench.drill.report import Counted, Report, render

NONE = (0, 0, 0)


@pytest.mark.parametrize(
    ("views", "right"),
    [
        ((5, 0, 5), True),
        ((5, 2, 5), True),
        ((5, 2, 7), True),
        ((5, 0, 4), False),
        ((5, 0, 6), False),
        ((5, 2, 8), False),
    ],
)
def test_shown_is_what_was_acknowledged_and_at_most_what_had_no_answer(
    views: tuple[int, int, int], right: bool
) -> None:
    assert Counted("video", views, NONE, NONE).right is right
    assert Counted("video", NONE, NONE, views).right is right


def test_a_like_that_was_taken_back_does_not_count() -> None:
    account = Account(likes={"video": {"one": True, "other": False}}, comments=Counter({"video": 2}))
    row = counted(account, "video", {"views": 0, "likes": 1, "comments": 2})
    assert row.right
    assert row.likes == (1, 0, 1)


def test_the_longest_gap_begins_no_earlier_than_the_loss() -> None:
    far = time.monotonic() + 1e6
    account = Account(answered=[far, far + 10, far + 12, far + 15])
    assert longest_gap(account, far) == pytest.approx(10)
    assert longest_gap(account, far + 9) == pytest.approx(3)


def test_nothing_acknowledged_until_now_is_a_gap_as_well() -> None:
    now = time.monotonic()
    assert longest_gap(Account(answered=[now - 100, now - 60]), now - 90) >= 60


def test_a_report_shows_its_problems() -> None:
    report = Report(counted=[Counted("v-1", (5, 0, 4), NONE, NONE)], problems=["v-1: one view is missing"])
    text = render(report, 7, stacks=False)
    assert "seed 7" in text
    assert "| v-1 | 5 + 0 → 4 |" in text
    assert "- v-1: one view is missing" in text
