"""Exceptions from the laws: one file, each with an owner, a reason and an end. An expired or half-written one is refused,
whether or not what it excused is still there.

The file is ``policies/exceptions.toml``: tables ``[[exception]]`` with code, resource (a name, ``*`` at its end
stands for the rest), owner, reason, expires (a date).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("exceptions.toml")
_TABLE: Final = "exception"
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
        raise ExceptionError(f"policies/{name}: {error}; mend it, its own comment shows the form") from error
    entries = document.pop(_TABLE, [])
    if document or not isinstance(entries, list):
        raise ExceptionError(f"policies/{name}: holds tables [[{_TABLE}]] and nothing else; its own comment shows one")
    return tuple(_read(entry, codes, _place(name, number)) for number, entry in enumerate(entries, 1))


def _place(name: str, number: int) -> str:
    return f"policies/{name}, {_TABLE} {number}"


def _read(entry: Mapping[str, object], codes: Sequence[str], place: str) -> LawException:
    code = entry.get("code")
    about = f" (from {code})" if code in codes else ""
    missing = [field for field in _FIELDS if not entry.get(field)]
    if missing:
        raise ExceptionError(
            f"{place}: lacks {', '.join(missing)}; an exception says whose it is, why and until when{about}"
        )
    unknown = sorted(set(entry) - set(_FIELDS))
    if unknown:
        raise ExceptionError(
            f"{place}: {', '.join(unknown)} is not known{about}; remove it, an exception has {', '.join(_FIELDS)}"
        )
    if code not in codes:
        raise ExceptionError(f"{place}: there is no law {code}; name one of {', '.join(codes)}")
    expires = entry["expires"]
    # A time of day is a date too, for Python.
    if type(expires) is not date:
        raise ExceptionError(f"{place}: expires must be a date, such as 2027-01-31{about}")
    texts = {field: value for field in _FIELDS if isinstance(value := entry[field], str)}
    if len(texts) != len(_FIELDS) - 1:
        raise ExceptionError(f"{place}: {', '.join(_FIELDS[:-1])} must be texts in quotes{about}")
    return LawException(**texts, expires=expires)


def current(entries: Sequence[LawException], today: date, name: str = FILE.name) -> tuple[LawException, ...]:
    """``entries``, none of which may have ended before ``today``. Raises `ExceptionError`."""
    for number, entry in enumerate(entries, 1):
        if entry.expires < today:
            raise ExceptionError(
                f"{_place(name, number)}: that of {entry.owner} from {entry.code} for {entry.resource} expired on "
                f"{entry.expires}; mend the resource and remove the entry, or renew it with a reason"
            )
    return tuple(entries)


def load(codes: Sequence[str], today: date) -> tuple[LawException, ...]:
    """The committed exceptions. Raises `ExceptionError`, also for one that ended before ``today``."""
    return current(parse(FILE.read_text(encoding="utf-8") if FILE.exists() else "", codes), today)


def excused(exceptions: Sequence[LawException], code: str, resource: str) -> bool:
    """Whether one of ``exceptions`` speaks of ``code`` for the resource called ``resource``."""
    return any(entry.covers(code, resource) for entry in exceptions)
