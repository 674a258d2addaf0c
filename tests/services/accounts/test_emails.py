from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.accounts import emails


@given(st.text(max_size=300) | st.emails())
def test_the_normal_form_is_its_own_normal_form(text: str) -> None:
    try:
        email = emails.normalise(text)
    except ValueError:
        return
    assert emails.normalise(email) == email
    assert len(email) <= emails.MAX_LENGTH
    assert len(emails.directory_hash(email)) == 32


@given(st.emails())
def test_spellings_of_one_address_are_one_address(email: str) -> None:
    try:
        normal = emails.normalise(email)
    except ValueError:
        return
    assert emails.normalise(f"  {email.upper()} ") == emails.normalise(email.upper())
    assert emails.directory_hash(normal) == emails.directory_hash(emails.normalise(email))


@pytest.mark.parametrize(
    "text", ["", "@", "a@b", "a@b.", "a@.b", "a b@c.de", "a@b@c.de", "a@c.de\x00", "x" * 65 + "@c.de"]
)
def test_what_cannot_be_an_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        emails.normalise(text)
