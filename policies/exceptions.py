"""Exceptions from the laws: one file, each with an owner, a reason and an end. An expired or half-written one fails.

The file is ``policies/exceptions.toml``: tables ``[[exception]]`` with code, resource (a name, ``*`` at its end
stands for the rest), owner, reason, expires (a date).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("exceptions.toml")
_FIELDS: Final = ("code", "resource", "owner", "reason", "expires")


class ExceptionError(ValueError):
    """The file of exceptions is malformed; the message names file, entry, cause and remedy."""


@dataclass(frozen=True, slots=True)
class LawException:
    """One exception."""

    code: str
    resource: str
    owner: str
    reason: str
    expires: date

    def covers(self, code: str, resource: str) -> bool:
        """Whether it speaks of ``code`` for the resource called ``resource``."""
        return self.code == code and fnmatchcase(resource, self.resource)


def parse(source: str, codes: Sequence[str], name: str = FILE.name) -> tuple[LawException, ...]:
    """The exceptions in ``source``. ``codes``: the laws there are. Raises `ExceptionError`."""
    try:
        document = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise ExceptionError(f"policies/{name}: {error}") from error
    result = []
    for number, entry in enumerate(document.get("exception", []), 1):
        place = f"policies/{name}, exception {number}"
        missing = [field for field in _FIELDS if not entry.get(field)]
        if missing:
            raise ExceptionError(
                f"{place}: lacks {', '.join(missing)}; an exception says whose it is, why and until when"
            )
        if set(entry) - set(_FIELDS):
            raise ExceptionError(f"{place}: {', '.join(sorted(set(entry) - set(_FIELDS)))} is not known")
        if entry["code"] not in codes:
            raise ExceptionError(f"{place}: there is no law {entry['code']}; the laws are {', '.join(codes)}")
        if not isinstance(entry["expires"], date):
            raise ExceptionError(f"{place}: expires must be a date, such as 2027-01-31")
        result.append(LawException(**entry))
    return tuple(result)


def load(codes: Sequence[str]) -> tuple[LawException, ...]:
    """The committed exceptions. Raises `ExceptionError`."""
    return parse(FILE.read_text(encoding="utf-8") if FILE.exists() else "", codes)


def judge(exceptions: Sequence[LawException], code: str, resource: str, today: date) -> str | None:
    """None: no exception, the finding stands. Empty: excused. Else why the exception does not help."""
    found = next((entry for entry in exceptions if entry.covers(code, resource)), None)
    if found is None:
        return None
    if found.expires < today:
        return (
            f"the exception of {found.owner} expired on {found.expires}: mend the resource, or renew it with a reason"
        )
    return ""
