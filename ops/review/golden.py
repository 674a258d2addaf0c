"""The whole footprint as a text that a person can read: folded over regions, in semantic words, the same every time.

Owns the form of the golden file. What regions or siblings have in common is written once. Left out is what only
deployment knows, and tags. A long value is a fingerprint, so that no change of it passes unseen but of an order.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ops.review.declared import Declared, Json
from ops.review.differences import canonical
from ops.review.neutral import Neutral, of_pair, of_region
from ops.review.words import redact, type_in_words, value_in_words
from policies.model import Unknown, Value
from regions.catalogue import Catalogue
from regions.stacks import links

MAX_VALUE: Final = 64
_WIDTH, _DEPTH = 6, 2
"""Objects of so many properties are told property by property, so many levels deep."""
_LEFT_OUT: Final = frozenset({"tags", "region", "apiVersion", "kind", "protect"})
_ORDINAL: Final = re.compile(r"\d+")
_WORD: Final = re.compile(r"[A-Za-z0-9.]+")
_REGIONS, _PARTNERS, _PAIRS = "each region", "each pair of partners", "each other pair of regions"

_Properties = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a resource stands: the section in which it is told, as which of the members, in which words."""

    section: str
    member: str
    neutral: Neutral


@dataclass(frozen=True, slots=True)
class _Told:
    """One or more resources with what they declare."""

    names: tuple[str, ...]
    properties: _Properties


def footprint(resources: Iterable[Declared], catalogue: Catalogue) -> str:
    """The golden text of ``resources`` (of all stacks), one line for each kind of resource that differs from others."""
    places = _places(catalogue)
    members: dict[str, list[str]] = defaultdict(list)
    for place in places.values():
        members[place.section].append(place.member)
    listed: dict[tuple[str, str, str], list[tuple[_Place, str, Declared]]] = defaultdict(list)
    for entry in resources:
        place = places.get(entry.stack, _Place(entry.stack, entry.stack, Neutral({})))
        listed[place.section, entry.component, entry.type].append((place, place.neutral.text(entry.name), entry))
    found = {key: _by_member(entries) for key, entries in listed.items()}
    lines: list[str] = []
    section = component = ""
    for key in sorted(found):
        if key[0] != section:
            section, component = key[0], ""
            among = f" ({', '.join(members[section])})" if section in members else ""
            lines += ["", f"== {section}{among}"]
        if key[1] != component:
            component = key[1]
            lines += ["", f"{component}"]
        lines += _group(key[2], _folded(found[key], members.get(section) or [section]))
    return "\n".join(lines[1:]) + "\n"


def _places(catalogue: Catalogue) -> dict[str, _Place]:
    places = {r.name: _Place(_REGIONS, r.name, of_region(r, catalogue)) for r in catalogue.regions}
    for link in links(catalogue):
        section = _PARTNERS if link.replications else _PAIRS
        places[link.stack] = _Place(section, f"{link.a.name}-{link.b.name}", of_pair(link.a, link.b))
    return places


def _by_member(entries: Sequence[tuple[_Place, str, Declared]]) -> dict[str, list[_Told]]:
    shared = set.intersection(*({*_WORD.findall(name)} for _, name, _ in entries))
    told: dict[str, list[_Told]] = defaultdict(list)
    for place, name, entry in entries:
        own = {word for word in _WORD.findall(name) if word not in shared and len(word) > 1}
        told[place.member].append(_Told((name,), _properties(entry, place.neutral, own)))
    return told


def _properties(entry: Declared, neutral: Neutral, own: set[str]) -> _Properties:
    """What an entry declares, as texts; words of its ``own`` name are ``~``, so that siblings read alike."""
    words = re.compile(rf"\b({'|'.join(map(re.escape, sorted(own, key=len, reverse=True)))})\b") if own else None
    flat: dict[str, str] = {"protected": "on"} if entry.protect else {}
    for key, value in entry.inputs.items():
        if key not in _LEFT_OUT:
            neutralised = neutral.value(value)
            _flatten(key, _replaced(neutralised, words) if words else neutralised, flat)
    return flat


def _replaced(value: Value, words: re.Pattern[str]) -> Value:
    if isinstance(value, str):
        return words.sub("~", value)
    if isinstance(value, tuple):
        return tuple(_replaced(item, words) for item in value)
    if isinstance(value, Mapping):
        return {words.sub("~", key): _replaced(item, words) for key, item in value.items()}
    return value


def _flatten(path: str, value: Value, into: dict[str, str]) -> None:
    if isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], Mapping):
        value = value[0]
    if isinstance(value, Mapping) and len(value) <= _WIDTH and path.count(".") < _DEPTH:
        for key, item in value.items():
            _flatten(f"{path}.{key}", item, into)
    elif not _open(value):
        into[path] = _text(path, value)


def _open(value: Value) -> bool:
    """Whether only deployment knows it, in all its parts."""
    if isinstance(value, (tuple, Mapping)):
        items = value.values() if isinstance(value, Mapping) else value
        return all(_open(item) for item in items)
    return value is None or isinstance(value, Unknown)


def _text(path: str, value: Value) -> str:
    plain = canonical(value)
    if len(plain) <= MAX_VALUE and "\\" not in plain:
        return value_in_words(path, value)
    return "#" + hashlib.sha256(redact(json.dumps(_sorted(json.loads(plain)))).encode()).hexdigest()[:8]


def _sorted(document: Json) -> Json:
    """Lists in one order: the order of regions in the catalogue is no difference between regions."""
    if isinstance(document, dict):
        return {key: _sorted(item) for key, item in document.items()}
    if isinstance(document, list):
        return sorted((_sorted(item) for item in document), key=lambda item: json.dumps(item, sort_keys=True))
    return document


def _folded(by_member: Mapping[str, Sequence[_Told]], members: Sequence[str]) -> list[_Told]:
    """The resources of all members as those of one, with what differs between them."""
    by_name: dict[str, dict[str, _Properties]] = defaultdict(dict)
    for member, told in by_member.items():
        twice = Counter(entry.names[0] for entry in told)
        number: Counter[str] = Counter()
        for entry in told:
            name = entry.names[0]
            number[name] += 1
            by_name[f"{name} {number[name]}" if twice[name] > 1 else name][member] = entry.properties
    return [
        _Told((name if len(having) == len(members) else f"{name} (only {', '.join(having)})",), _merged(having))
        for name, having in sorted(by_name.items())
    ]


def _merged(having: Mapping[str, _Properties]) -> _Properties:
    merged: dict[str, str] = {}
    for key in sorted({key for properties in having.values() for key in properties}):
        values = {member: properties.get(key, "(none)") for member, properties in having.items()}
        usual, count = Counter(values.values()).most_common(1)[0]
        if count == len(values):
            merged[key] = usual
        elif count == 1:
            merged[key] = " | ".join(values.values())
        else:
            others = ", ".join(f"{member} {value}" for member, value in values.items() if value != usual)
            merged[key] = f"{usual} ({others})"
    return merged


def _group(kind: str, told: Sequence[_Told]) -> list[str]:
    """The lines of one type: siblings together, what all have in common first."""
    siblings: dict[str, list[_Told]] = defaultdict(list)
    for entry in told:
        siblings[_ORDINAL.sub("#", entry.names[0])].append(entry)
    lines: dict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
    for entries in siblings.values():
        lines[tuple(sorted(_common(entries).items()))] += [name for entry in entries for name in entry.names]
    shared = set.intersection(*(set(properties) for properties in lines))
    head = f"  {type_in_words(kind)}"
    if len(lines) == 1:
        return [_line(f"{head} {_names(next(iter(lines.values())))}", shared)]
    return [
        _line(f"{head}, all", shared),
        *(_line(f"    {_names(names)}", set(properties) - shared) for properties, names in lines.items()),
    ]


def _common(entries: Sequence[_Told]) -> dict[str, str]:
    keys = sorted({key for entry in entries for key in entry.properties})
    result = {}
    for key in keys:
        values = list(dict.fromkeys(entry.properties.get(key, "(none)") for entry in entries))
        result[key] = values[0] if len(values) == 1 else f"[{' | '.join(values)}]"
    return result


def _names(names: Sequence[str]) -> str:
    folded = list(dict.fromkeys(_ORDINAL.sub("#", name) for name in names)) if len(names) > 1 else list(names)
    count = f"x{len(names)} " if len(names) > 1 else ""
    parts = [name.split("-") for name in folded]
    head, tail = _agreeing(parts), _agreeing([part[::-1] for part in parts])
    shortest = min(map(len, parts))
    tail = min(tail, shortest - head)
    if len(folded) == 1 or not head + tail:
        return f"{count}{', '.join(folded)}"
    middles = ", ".join("-".join(part[head : len(part) - tail]) or "-" for part in parts)
    return count + "-".join((*parts[0][:head], f"{{{middles}}}", *parts[0][len(parts[0]) - tail :]))


def _agreeing(parts: Sequence[Sequence[str]]) -> int:
    """How many first words all have in common."""
    return next((i for i, words in enumerate(zip(*parts, strict=False)) if len(set(words)) > 1), min(map(len, parts)))


def _line(head: str, properties: set[tuple[str, str]]) -> str:
    said = "; ".join(f"{key} {value}" for key, value in sorted(properties))
    return f"{head}: {said}" if said else head


def changed(before: str, after: str) -> list[str]:
    """What differs between two golden texts, property by property where a line has stayed the same resource's."""
    sides = [_by_head(text) for text in (before, after)]
    told = [f"- {head}" for head in sides[0] if head not in sides[1]]
    told += [f"+ {head}" for head in sides[1] if head not in sides[0]]
    for head, new in sides[1].items():
        old = sides[0].get(head, new)
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                told.append(f"~ {head}: {key} {old.get(key, '(none)')} → {new.get(key, '(none)')}")
    return told


def _by_head(text: str) -> dict[str, dict[str, str]]:
    """Properties by section, component, type and resource, from the indentation."""
    found: dict[str, dict[str, str]] = {}
    section = component = kind = ""
    for line in text.splitlines():
        head, _, said = line.strip().partition(": ")
        indent = len(line) - len(line.lstrip())
        if line.startswith("== "):
            section = line.removeprefix("== ").split(" (")[0]
        elif indent == 0:
            component = line
        else:
            place = f"{component} of {section}, {head}" if indent == 2 else f"{component} of {section}, {kind} {head}"
            kind = head.removesuffix(", all") if indent == 2 else kind
            pairs = (part.partition(" ") for part in said.split("; ") if part)
            found[place] = {key: value for key, _, value in pairs}
    return found
