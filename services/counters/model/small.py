"""Small machines beside the large one: what the rules say of other things than marks, each searched whole.

Owns the form of a small machine and its search. A machine starts in one state; `steps` gives what can happen next under
the rules that hold; `wrong` says what must not be. The machines are in ``seats``, ``topics`` and ``records``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)

LIMIT = 200_000


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of a search."""

    history: tuple[str, ...] | None
    """What happened and what was wrong then; None: nothing can."""
    states: int


class Searchable(Protocol):
    """What is asked of a machine, whatever its states are."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def rules(self) -> Mapping[str, str]:
        """What can be taken out, by a short name, with the sentence that it stands for."""

    def search(self, without: str | None = None) -> Found:
        """Looks at every state, with all rules or ``without`` one."""


@dataclass(frozen=True)
class Machine(Generic[S]):
    """See `Searchable`."""

    name: str
    rules: Mapping[str, str]
    start: S
    steps: Callable[[S, frozenset[str]], Iterator[tuple[str, S]]]
    wrong: Callable[[S], str | None]

    def search(self, without: str | None = None) -> Found:
        """Raises KeyError for a rule that the machine has not, OverflowError if it has no end."""
        if without is not None and without not in self.rules:
            raise KeyError(f"{self.name} has no rule {without!r}; it has {', '.join(self.rules)}")
        rules = frozenset(name for name in self.rules if name != without)
        came: dict[S, tuple[S, str] | None] = {self.start: None}
        queue = deque([self.start])
        while queue:
            state = queue.popleft()
            for text, after in self.steps(state, rules):
                if after in came:
                    continue
                came[after] = (state, text)
                wrong = self.wrong(after)
                if wrong is not None:
                    return Found((*_history(came, after), wrong), len(came))
                if len(came) > LIMIT:
                    raise OverflowError(f"{self.name}: more than {LIMIT} states")
                queue.append(after)
        return Found(None, len(came))


def _history(came: dict[S, tuple[S, str] | None], last: S) -> tuple[str, ...]:
    texts: list[str] = []
    entry = came[last]
    while entry is not None:
        state, text = entry
        texts.append(text)
        entry = came[state]
    return tuple(reversed(texts))
