"""Exceptions: they excuse what they name, until they end, and a half-written one is refused."""

from datetime import date

import pytest

from policies.exceptions import ExceptionError, current, excused, load, parse
from policies.rules import CODES

ENTRY = """
[[exception]]
code = "NET-2"
resource = "balancer-*"
owner = "asha@example.org"
reason = "until the partner moves"
expires = 2027-01-31
"""


TODAY = date(2026, 11, 23)


def test_the_committed_file_is_well_formed_and_nothing_in_it_has_ended() -> None:
    load(CODES, TODAY)


def test_an_exception_excuses_what_it_names_and_nothing_else() -> None:
    entries = parse(ENTRY, CODES)
    assert excused(entries, "NET-2", "balancer-http")
    assert not excused(entries, "NET-2", "database")
    assert not excused(entries, "NET-1", "balancer-http")


@pytest.mark.parametrize("code", CODES)
def test_every_law_can_be_excepted_by_whomever_it_is_judged(code: str) -> None:
    assert excused(parse(ENTRY.replace("NET-2", code), CODES), code, "balancer-http")


def test_an_expired_exception_is_refused_even_if_what_it_excused_is_gone() -> None:
    entries = parse(ENTRY, CODES)
    assert current(entries, date(2027, 1, 31)) == entries
    with pytest.raises(ExceptionError) as told:
        current(entries, date(2027, 2, 1))
    assert str(told.value) == (
        "policies/exceptions.toml, exception 1: that of asha@example.org from NET-2 for balancer-* expired on 2027-01-31; "
        "mend the resource and remove the entry, or renew it with a reason"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (ENTRY.replace('owner = "asha@example.org"\n', ""), "lacks owner"),
        (ENTRY.replace("NET-2", "NET-99"), "no law NET-99"),
        (ENTRY.replace("2027-01-31", '"soon"'), "must be a date"),
        (ENTRY.replace("2027-01-31", "2027-01-31T00:00:00"), "must be a date"),
        (ENTRY.replace('"balancer-*"', "5"), "must be texts"),
        (ENTRY.replace("[[exception]]", "[exception]"), "holds tables"),
        (ENTRY.replace("[[exception]]", "[[exceptions]]"), "holds tables"),
        (ENTRY + 'unless = "x"\n', "unless is not known"),
        ("[[exception", r"policies/exceptions.toml: .* mend it"),
    ],
)
def test_a_half_written_exception_is_refused_with_file_entry_and_cause(source: str, message: str) -> None:
    with pytest.raises(ExceptionError, match=message):
        parse(source, CODES)
