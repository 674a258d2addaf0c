"""What a body may hold is what the document promises: nothing is turned from one type into another on the way in."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from services.common import ids
from services.common.ids import Minter, ShardKey
from services.common.inputs import Flag, GivenId, Whole


@pytest.mark.parametrize("value", [False, True, "7", 7.5, None, [7]])
def test_only_a_whole_number_is_one(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Whole).validate_python(value)


@pytest.mark.parametrize("value", [0, 1, "true", "yes", None])
def test_only_true_and_false_are_flags(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Flag).validate_python(value)


def test_an_id_is_given_in_its_public_form_only() -> None:
    number = Minter().mint(ShardKey(7))
    adapter = TypeAdapter[int](GivenId)
    assert adapter.validate_python(ids.encode(number)) == number
    for value in (number, str(number), None, True):
        with pytest.raises(ValidationError):
            adapter.validate_python(value)
