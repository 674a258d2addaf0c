"""Asymmetry: a change that touches some regions and not others, or leads them to different values. Pure.

Regions are compared after their particulars are replaced by common words (``neutral``), so that ``ap-south-1`` here
and ``us-west-2`` there is no difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ops.review.changes import Change, Kind
from ops.review.declared import Declared
from ops.review.differences import canonical
from ops.review.neutral import Neutral, of_region
from ops.review.planned import Planned
from ops.review.words import path_in_words, type_in_words, value_in_words
from policies.model import Resource, Value
from regions.catalogue import Catalogue

UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Asymmetry:
    """One change, the regions that have it, and why each of the others differs."""

    component: str
    what: str
    regions: tuple[str, ...]
    others: tuple[tuple[str, str], ...]
    """(region, why it differs); `UNEXPLAINED` at the end of a reason that nobody gave."""

    @property
    def explained(self) -> bool:
        """Whether every difference has a reason."""
        return not any(reason.endswith(UNEXPLAINED) for _, reason in self.others)


@dataclass(frozen=True, slots=True)
class _Subject:
    component: str
    type: str
    name: str
    kind: Kind
    path: str


@dataclass(frozen=True, slots=True)
class _Values:
    before: Value
    after: Value


def asymmetries(
    changes: Iterable[Change], after: Iterable[Declared], catalogue: Catalogue, planned: Planned | None = None
) -> tuple[Asymmetry, ...]:
    """Changes that not all regions have alike. ``after``: what will be declared; stacks of no region do not count.

    ``planned`` explains a difference if it explains the value of every region, changed or not.
    """
    neutral = {region.name: of_region(region, catalogue) for region in catalogue.regions}
    present: dict[str, dict[tuple[str, str, str], Declared]] = {name: {} for name in neutral}
    for entry in after:
        if entry.stack in neutral:
            present[entry.stack][entry.component, entry.type, neutral[entry.stack].text(entry.name)] = entry
    touched: dict[_Subject, dict[str, _Values]] = defaultdict(dict)
    for change in changes:
        if change.stack in neutral:
            for subject, values in _subjects(change, neutral[change.stack]):
                touched[subject][change.stack] = values
    # A region of which nothing was previewed says nothing.
    names = tuple(name for name in catalogue.names if present[name] or any(name in at for at in touched.values()))
    found = (
        _explained(_asymmetry(subject, regions, present, neutral, names), subject, regions, present, planned)
        for subject, regions in sorted(
            touched.items(), key=lambda item: (item[0].component, item[0].name, item[0].path)
        )
    )
    return tuple(entry for entry in found if entry is not None)


def _subjects(change: Change, neutral: Neutral) -> list[tuple[_Subject, _Values]]:
    name = neutral.text(change.name)
    if change.kind in (Kind.ADD, Kind.REMOVE) or not change.differences:
        values = _Values(neutral.value(change.before), neutral.value(change.after))
        return [(_Subject(change.component, change.type, name, change.kind, ""), values)]
    return [
        (
            _Subject(change.component, change.type, name, change.kind, neutral.text(difference.path)),
            _Values(neutral.value(difference.before), neutral.value(difference.after)),
        )
        for difference in change.differences
    ]


def _asymmetry(
    subject: _Subject,
    regions: Mapping[str, _Values],
    present: Mapping[str, Mapping[tuple[str, str, str], Declared]],
    neutral: Mapping[str, Neutral],
    names: tuple[str, ...],
) -> Asymmetry | None:
    having = tuple(name for name in names if name in regions)
    missing = [name for name in names if name not in regions]
    values = {canonical(entry.after) for entry in regions.values()}
    key = (subject.component, subject.type, subject.name)
    if missing:
        wanted = next(iter(regions.values())).after
        others = [
            (name, _why(subject, wanted, present[name].get(key), neutral[name], same=len(values) == 1))
            for name in missing
        ]
        return Asymmetry(subject.component, _what(subject, regions), having, tuple(others))
    if len(values) == 1 or len({canonical(entry.before) for entry in regions.values()}) > 1:
        return None
    others = [(name, f"{value_in_words(subject.path, regions[name].after)} now, {UNEXPLAINED}") for name in having]
    return Asymmetry(subject.component, f"{_label(subject)}: equal before", having, tuple(others))


def _explained(
    found: Asymmetry | None,
    subject: _Subject,
    regions: Mapping[str, _Values],
    present: Mapping[str, Mapping[tuple[str, str, str], Declared]],
    planned: Planned | None,
) -> Asymmetry | None:
    """``found`` with the plan's reasons in place of `UNEXPLAINED`, if all regions have what is planned for them."""
    if found is None or found.explained or planned is None or subject.kind is not Kind.UPDATE:
        return found
    reasons: dict[str, str] = {}
    for region in {*regions, *(name for name, _ in found.others)}:
        value = regions[region].after if region in regions else _there(subject, present[region])
        reason = planned(region, subject.type, subject.name, subject.path, value)
        if reason is None:
            return found
        reasons[region] = reason
    others = tuple((name, told.replace(UNEXPLAINED, reasons[name])) for name, told in found.others)
    return replace(found, others=others)


def _there(subject: _Subject, present: Mapping[tuple[str, str, str], Declared]) -> Value:
    entry = present.get((subject.component, subject.type, subject.name))
    return None if entry is None else Resource(entry.type, entry.name, entry.inputs).get(subject.path)


def _label(subject: _Subject) -> str:
    path = f": {path_in_words(subject.path)}" if subject.path else ""
    return f"{subject.name} ({type_in_words(subject.type)}){path}"


def _what(subject: _Subject, regions: Mapping[str, _Values]) -> str:
    after = {value_in_words(subject.path, entry.after) for entry in regions.values()}
    to = f" → {after.pop()}" if subject.path and len(after) == 1 else ""
    return f"{_label(subject)} {_DONE[subject.kind]}{to}"


_DONE = {Kind.ADD: "added", Kind.UPDATE: "changed", Kind.REPLACE: "replaced", Kind.REMOVE: "removed"}


def _why(subject: _Subject, wanted: Value, there: Declared | None, neutral: Neutral, *, same: bool) -> str:
    """Why a region has not the change: from what it declares afterwards."""
    if subject.kind is Kind.ADD:
        return "there already" if there is not None else f"not there, {UNEXPLAINED}"
    if subject.kind is Kind.REMOVE:
        return "never there" if there is None else f"still there, {UNEXPLAINED}"
    if there is None:
        return "no such resource"
    value = neutral.value(Resource(there.type, there.name, there.inputs).get(subject.path))
    if same and canonical(value) == canonical(wanted):
        return "so already"
    return f"still {value_in_words(subject.path, value)}, {UNEXPLAINED}"
