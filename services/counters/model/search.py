"""The search: breadth first over what can happen, so the history that it finds is a shortest one.

``python -m services.counters.model`` prints for each rule the history that breaks without it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from types import MappingProxyType

from services.counters.model.machine import ALL_RULES, Bounds, Rule, State, Step, steps, violation

_BREAKING = MappingProxyType(
    {
        # An old epoch must speak again after the new one: three records, and nothing else need go wrong.
        Rule.FRESH_INCARNATION: Bounds(records=3, repeats=0, drops=0, owners=1, assignments=1, flushes=2),
        Rule.MARKS_KEPT: Bounds(repeats=0, drops=0, owners=1),
        Rule.SKIPPED_COMPARED: Bounds(repeats=0, drops=0, owners=1),
    }
)
"""Bounds that suffice where the usual ones would search long."""


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of a search."""

    history: tuple[str, ...] | None
    """What happened and what was wrong then; None: nothing within the bounds."""
    states: int
    """Different states that were looked at."""


def search(rules: frozenset[Rule] = ALL_RULES, bounds: Bounds | None = None, limit: int = 5_000_000) -> Found:
    """Looks at every state that can be reached within ``bounds``. Raises OverflowError beyond ``limit`` states."""
    within = bounds or Bounds()
    start = State()
    came: dict[State, tuple[State, str] | None] = {start: None}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for step in steps(state, rules, within):
            if step.after in came:
                continue
            came[step.after] = (state, step.text)
            wrong = violation(step.after)
            if wrong is not None:
                return Found((*_history(came, step), wrong), len(came))
            if len(came) > limit:
                raise OverflowError(f"more than {limit} states; narrow the bounds")
            queue.append(step.after)
    return Found(None, len(came))


def without(rule: Rule) -> Found:
    """The search with ``rule`` taken out."""
    return search(ALL_RULES - {rule}, _BREAKING.get(rule))


def _history(came: dict[State, tuple[State, str] | None], last: Step) -> tuple[str, ...]:
    texts: list[str] = []
    entry = came[last.after]
    while entry is not None:
        state, text = entry
        texts.append(text)
        entry = came[state]
    return tuple(reversed(texts))
