"""The stack's name decides which program runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regions.errors import CatalogueError
from regions.stacks import all_stacks
from stacks.program import declare


@given(st.text(max_size=20).filter(lambda name: name not in all_stacks()))
def test_a_stack_that_does_not_exist_is_refused_with_the_list_of_stacks(name: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        declare(name)
    assert all(stack in str(caught.value) for stack in all_stacks())


def test_no_link_runs_against_the_catalogues_order() -> None:
    with pytest.raises(CatalogueError, match="links-mumbai-singapore"):
        declare("links-singapore-mumbai")
