"""Exceptions: they excuse what they name, until they end, and a half-written one is refused."""

from datetime import date

import pytest

from policies.exceptions import ExceptionError, judge, load, parse
from policies.rules import RULES, STACK_RULES

CODES = [*(rule.code for rule in RULES), *(rule.code for rule in STACK_RULES)]
ENTRY = """
[[exception]]
code = "NET-2"
resource = "balancer-*"
owner = "asha@example.org"
reason = "until the partner moves"
expires = 2027-01-31
"""


def test_the_committed_file_is_well_formed() -> None:
    load(CODES)


def test_an_exception_excuses_what_it_names_and_nothing_else() -> None:
    entries = parse(ENTRY, CODES)
    today = date(2026, 11, 23)
    assert judge(entries, "NET-2", "balancer-http", today) == ""
    assert judge(entries, "NET-2", "database", today) is None
    assert judge(entries, "NET-1", "balancer-http", today) is None


def test_an_expired_exception_says_whose_it_was() -> None:
    verdict = judge(parse(ENTRY, CODES), "NET-2", "balancer-http", date(2027, 2, 1))
    assert verdict is not None
    assert "asha@example.org expired on 2027-01-31" in verdict


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (ENTRY.replace('owner = "asha@example.org"\n', ""), "lacks owner"),
        (ENTRY.replace("NET-2", "NET-99"), "no law NET-99"),
        (ENTRY.replace("2027-01-31", '"soon"'), "must be a date"),
        (ENTRY + 'unless = "x"\n', "unless is not known"),
        ("[[exception", "policies/exceptions.toml"),
    ],
)
def test_a_half_written_exception_is_refused_with_file_entry_and_cause(source: str, message: str) -> None:
    with pytest.raises(ExceptionError, match=message):
        parse(source, CODES)
