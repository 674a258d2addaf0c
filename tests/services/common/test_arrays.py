from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.arrays import Bigints, Texts
from tests.servers import Postgres

NUMBERS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=50)


@settings(max_examples=30, deadline=None)  # a connection each
@given(NUMBERS, st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=50))
def test_long_arrays_arrive_as_lists_do(postgres: Postgres, numbers: list[int], texts: list[str]) -> None:
    with psycopg.connect(postgres.admin_text()) as connection:
        row = connection.execute(
            "SELECT %s::bigint[], %s::text[], %s::bigint[]", (Bigints(numbers), Texts(texts), numbers)
        ).fetchone()

    assert row == (numbers, texts, numbers)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_refused(number: int) -> None:
    with pytest.raises(psycopg.DataError, match="64 bits"):
        Bigints([number])
