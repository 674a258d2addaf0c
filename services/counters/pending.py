"""Keys of one partition that were read and not yet written to their rows, and the parts in which they are stored.

A flush stores what it adds as a part of its own and names the keys that it takes out, so it writes what came, not all that
waits. Parts are numbered; what waits is what they give in order. Keys wait for a bounded time, so a part is soon without
a key that still waits, and every part before the first one that has such a key is deleted (`Change.keep_from`). With
`MAX_PARTS` of them a flush stores everything anew as one. Pure; does not own which keys wait (``policy``) nor SQL.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import msgspec

from services.counters.window import CountKey, Sums

MAX_PARTS = 256
LEGACY = -1
"""Number of what an earlier version stored whole, outside of the parts: it is replaced by the next part."""

_FORM = 2
_Gone = list[tuple[str, list[int]]]
"""Subjects by region."""
_Added = list[tuple[int, str, list[int]]]
"""Since when (milliseconds), region, and for each key its subject, sums and events."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(tuple[int, _Gone, _Added])
_WHOLE = msgspec.msgpack.Decoder(list[tuple[int, str, int, int, int, int]])


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """A key that waits: its sums, since when (milliseconds since 1970), and in which part it came first."""

    first: int
    second: int
    events: int
    since_ms: int
    number: int = 0


Keys = dict[CountKey, Waiting]


@dataclass(frozen=True, slots=True)
class Change:
    """What one flush changes."""

    number: int
    """Of the part that it stores."""
    body: bytes | None
    """That part; None: nothing waits any more."""
    keep_from: int
    """Parts with a lower number are deleted."""
    added: Mapping[CountKey, Sums]
    gone: Sequence[CountKey]
    now_ms: int
    anew: Keys | None = None
    """All that waits from now on, if the part replaces all others."""


@dataclass(slots=True)
class Pending:
    """What waits in one partition. ``keys`` are in the order in which they began to wait."""

    keys: Keys = field(default_factory=dict)
    number: int = 0
    """Of the next part."""
    oldest: int = 0
    """Of the first part that is stored."""
    newest_ms: int = 0
    """When the newest key began to wait; time does not go back."""

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def read(cls, parts: Iterable[tuple[int, bytes]]) -> Pending:
        """What stored parts, in their order, give. Raises `msgspec.DecodeError` or ValueError for anything else."""
        found = cls()
        for place, (number, body) in enumerate(parts):
            gone, added = _decode(body)
            for region, subjects in gone:
                for subject in subjects:
                    found.keys.pop(CountKey(subject, region), None)
            for since, region, numbers in added:
                each = iter(numbers)
                for subject, first, second, events in zip(each, each, each, each, strict=True):
                    found._add(CountKey(subject, region), first, second, events, since, number)
            found.number = number + 1
            if place == 0:
                found.oldest = number
        return found

    def change(self, added: Mapping[CountKey, Sums], gone: Sequence[CountKey], now_ms: int) -> Change | None:
        """The part that adds ``added`` and takes out ``gone`` (none is in both); None if that is nothing."""
        if not added and not gone:
            return None
        left = frozenset(gone)
        kept_from = next((waiting.number for key, waiting in self.keys.items() if key not in left), None)
        if kept_from is None and not added:
            return Change(self.number, None, self.number, added, gone, now_ms)
        if self.oldest == LEGACY or self.number - self.oldest >= MAX_PARTS:
            return self._anew(added, left, now_ms)
        body = _encode(gone, [(now_ms, added)])
        return Change(self.number, body, self.number if kept_from is None else kept_from, added, gone, now_ms)

    def apply(self, change: Change) -> None:
        """``change`` is stored."""
        if change.anew is not None:
            self.keys = change.anew
        else:
            for key in change.gone:
                del self.keys[key]
            for key, sums in change.added.items():
                self._add(key, sums.first, sums.second, sums.events, change.now_ms, change.number)
        self.newest_ms = max(self.newest_ms, change.now_ms)
        self.number = change.number + 1
        self.oldest = change.keep_from if change.body is not None else self.number

    def _anew(self, added: Mapping[CountKey, Sums], left: Collection[CountKey], now_ms: int) -> Change:
        other = Pending({key: waiting for key, waiting in self.keys.items() if key not in left})
        for key, sums in added.items():
            other._add(key, sums.first, sums.second, sums.events, now_ms, self.number)
        keys = {key: msgspec.structs.replace(waiting, number=self.number) for key, waiting in other.keys.items()}
        groups = [(since, dict(some)) for since, some in groupby(keys.items(), key=lambda item: item[1].since_ms)]
        return Change(self.number, _encode((), groups), self.number, {}, (), now_ms, keys)

    def _add(self, key: CountKey, first: int, second: int, events: int, since_ms: int, number: int) -> None:
        known = self.keys.get(key)
        if known is None:
            self.keys[key] = Waiting(first, second, events, since_ms, number)
            self.newest_ms = max(self.newest_ms, since_ms)
        else:
            self.keys[key] = Waiting(
                known.first + first, known.second + second, known.events + events, known.since_ms, known.number
            )


def _encode(gone: Iterable[CountKey], added: Iterable[tuple[int, Mapping[CountKey, Sums | Waiting]]]) -> bytes:
    by_region: dict[str, list[int]] = {}
    for key in gone:
        by_region.setdefault(key.region, []).append(key.subject)
    groups: _Added = []
    for since, sums in added:
        numbers: dict[str, list[int]] = {}
        for key, one in sums.items():
            numbers.setdefault(key.region, []).extend((key.subject, one.first, one.second, one.events))
        groups += [(since, region, listed) for region, listed in numbers.items()]
    return _ENCODER.encode((_FORM, list(by_region.items()), groups))


def _decode(body: bytes) -> tuple[_Gone, _Added]:
    # An array of arrays is what was stored whole; a part begins with its form.
    try:
        form, gone, added = _DECODER.decode(body)
    except msgspec.ValidationError:
        whole = _WHOLE.decode(body)
        return [], [(since, region, [subject, *sums]) for subject, region, *sums, since in whole]
    if form != _FORM:
        raise ValueError(f"a part of what is pending has form {form}; this code knows {_FORM}")
    return gone, added
