"""What the README quotes of the gateway bench is what the committed data say."""

from __future__ import annotations

import pytest

from bench.gateway import quote
from bench.gateway.load import Load
from bench.gateway.measure import Round
from bench.gateway.peers import OURS


def one(number: int, cpu_us: float, bad: int = 0) -> Round:
    return Round(number, cpu_us, 1.0, Load(1_000, 1.0, 2_000_000, bad, 0, 1.0, 2.0))


def test_the_readme_quotes_the_committed_results() -> None:
    readme = quote.README.read_text(encoding="utf-8")
    assert quote.quoted(readme, quote.table(quote.read())) == readme, "run `python -m bench.gateway.quote`"


def test_ratios_are_paired_and_rounds_with_failures_are_left_out() -> None:
    data = quote.Data(
        {OURS: "all", "other": "less", "broken": "none"},
        {
            OURS: [one(0, 10.0), one(1, 20.0)],
            "other": [one(0, 20.0), one(1, 60.0), one(2, 1.0, bad=2)],
            "broken": [one(0, 1.0, bad=9)],
        },
    )
    assert "| other | less | 40.0 | 2.50 |" in quote.table(data)
    assert "| broken | none | no valid round | no valid round |" in quote.table(data)


def test_a_readme_without_its_place_is_refused() -> None:
    with pytest.raises(ValueError, match="marks"):
        quote.quoted("nothing", "table")
