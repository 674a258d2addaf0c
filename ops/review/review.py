"""The review: from what was declared, what will be, and what the change says of itself, to findings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from ops.review.asymmetry import Asymmetry, asymmetries
from ops.review.changes import Change, changes, compared
from ops.review.cost import Side, delta_in_words
from ops.review.declared import Json
from ops.review.gate import blocked, dangerous, named_in
from ops.review.laws import broken
from ops.review.planned import by_capacity
from ops.review.replacing import forces
from policies.exceptions import LawException
from regions.catalogue import CATALOGUE, Catalogue

FAILED, STOPPED = 1, 3
"""Exit codes: a stack failed or a law is broken; data or an address would be lost and nobody named it."""

WITHOUT_STATE = (
    "Compared by what the programs declare. What follows from a replacement, and what drifted, only a preview from a "
    "state shows."
)
FROM_STATE = "Previewed by the engine from the state of what is deployed."


class Declaration(Protocol):
    """A preview with the bill of use that goes with it."""

    @property
    def digests(self) -> Sequence[Mapping[str, Json]]:
        """Of every stack."""

    def side(self) -> Side:
        """What is declared, for the comparison."""


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that a report says."""

    changes: tuple[Change, ...]
    blocked: tuple[Change, ...]
    accepted: tuple[Change, ...]
    """Dangerous changes that the description names."""
    asymmetries: tuple[Asymmetry, ...]
    laws: tuple[str, ...]
    """What breaks a law."""
    cost: tuple[str, ...]
    """Lines on the monthly cost, with their basis."""
    failures: tuple[str, ...]
    """Stacks whose preview failed, and why."""
    basis: str
    """How the changes were found."""

    @property
    def stops(self) -> bool:
        """Whether the job must stop."""
        return bool(self.blocked or self.laws or self.failures)

    @property
    def code(self) -> int:
        """The exit code that tells a pipeline: `FAILED`, `STOPPED` or 0."""
        if self.failures or self.laws:
            return FAILED
        return STOPPED if self.blocked else 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.changes or self.stops)


@dataclass(frozen=True, slots=True)
class Judges:
    """By what a change is judged: the catalogue, the day (exceptions end), and the exceptions (None: the committed)."""

    today: date
    catalogue: Catalogue = CATALOGUE
    exceptions: tuple[LawException, ...] | None = None
    complete: bool = True
    """Whether all stacks are there, so that the laws over their union can be judged."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a change says of itself, and what already failed on the way."""

    description: str = ""
    failures: tuple[str, ...] = ()


def from_declarations(before: Declaration, after: Declaration, said: Said, judges: Judges) -> Findings:
    """The review of a change by what the programs of both sides declare, each previewed from nothing."""
    old, new = before.side(), after.side()
    return _findings(compared(old.resources, new.resources, forces), (old, new), said, judges, WITHOUT_STATE)


def from_state(before: Declaration, steps: Declaration, said: Said, judges: Judges) -> Findings:
    """The review of a change by the engine's own ``steps`` from a state. ``before``: the base, for the cost."""
    return _findings(changes(steps.digests), (before.side(), steps.side()), said, judges, FROM_STATE)


def _findings(found: tuple[Change, ...], sides: tuple[Side, Side], said: Said, judges: Judges, basis: str) -> Findings:
    old, new = sides
    stopped = blocked(found, named_in(said.description))
    told = broken(new.resources, judges.today, judges.exceptions, complete=judges.complete)
    return Findings(
        changes=found,
        blocked=stopped,
        accepted=tuple(change for change in dangerous(found) if change not in stopped),
        asymmetries=asymmetries(found, new.resources, judges.catalogue, by_capacity(judges.catalogue)),
        laws=tuple(str(entry) for entry in told),
        cost=delta_in_words(old, new),
        failures=said.failures,
        basis=basis,
    )
