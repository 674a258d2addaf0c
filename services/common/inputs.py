"""Types of what comes from outside: ids in paths, texts, page sizes. Owns bounds and cleaning, no business rule."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from fastapi import Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    Strict,
    StringConstraints,
    WithJsonSchema,
)

from services.common import ids


class Input(BaseModel):
    """A request body: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Output(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


def _to_id(value: object) -> int:
    if isinstance(value, str):
        return ids.parse(value)
    if isinstance(value, int) and not isinstance(value, bool):
        ids.bucket_of(value)
        return value
    raise ValueError("an id is a text of 11 letters and digits")


def _given(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError("an id is a text of 11 letters and digits")
    return ids.parse(value)


_WIRE_FORM = WithJsonSchema({"type": "string", "pattern": ids.TEXT_PATTERN})

Id = Annotated[int, BeforeValidator(_to_id), PlainSerializer(ids.encode, return_type=str), _WIRE_FORM]
"""An id: a number in Python, its public form on the wire. Out of range or malformed: 422."""
GivenId = Annotated[int, BeforeValidator(_given), _WIRE_FORM]
"""An id as people send it, in a path or a body: its public form only."""
Whole = Annotated[int, Strict()]
"""A whole number. By itself Pydantic would take ``false`` and ``"7"`` for numbers, and the document promises otherwise."""
Flag = Annotated[bool, Strict()]
"""True or false, and not ``1`` or ``"yes"``."""


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    for character in text:
        category = unicodedata.category(character)
        if category in ("Cc", "Cs") and character not in "\n\t":
            raise ValueError("control characters are not allowed")
    return text


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise ValueError("line breaks are not allowed here")
    return text


CleanText = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_clean)]
"""NFC, without control characters but line break and tab; bound its length where it is used."""
Line = Annotated[CleanText, AfterValidator(_one_line)]
"""One line of `CleanText`."""


def clean_line(text: str) -> str:
    """``text`` trimmed and cleaned as a `Line`. Raises ValueError for control characters or an empty line."""
    cleaned = _one_line(_clean(text.strip()))
    if not cleaned:
        raise ValueError("it must not be empty")
    return cleaned


PageSize = Annotated[int, Query(ge=1, le=100)]
"""Entries of a list in one answer."""
