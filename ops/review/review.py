"""The review: from what was declared, what will be, and what the change says of itself, to findings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ops.review.asymmetry import Asymmetry, asymmetries
from ops.review.changes import Change, changes, compared
from ops.review.cost import delta_in_words
from ops.review.declared import Declared, Json, declared
from ops.review.gate import blocked, dangerous, named_in
from ops.review.laws import broken
from ops.review.replacing import forces
from ops.review.settled import settled
from policies.exceptions import LawException
from regions.catalogue import CATALOGUE, Catalogue

Digests = Sequence[Mapping[str, Json]]

WITHOUT_STATE = (
    "Compared by what the programs declare. What follows from a replacement, and what drifted, only a preview from a "
    "state shows."
)
FROM_STATE = "Previewed by the engine from a state of the base."


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
    def empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.changes or self.stops)


@dataclass(frozen=True, slots=True)
class Judges:
    """By what a change is judged: the catalogue, the day (exceptions end), and the exceptions (None: the committed)."""

    today: date
    catalogue: Catalogue = CATALOGUE
    exceptions: tuple[LawException, ...] | None = None


def from_declarations(
    before: Digests, after: Digests, description: str, judges: Judges, failures: Iterable[str] = ()
) -> Findings:
    """The review of a change by what the programs of both sides declare, each previewed from nothing."""
    old, new = declared(settled(before)), declared(settled(after))
    return _findings(compared(old, new, forces), old, new, description, judges, tuple(failures), WITHOUT_STATE)


def from_state(
    steps: Digests, before: Digests, description: str, judges: Judges, failures: Iterable[str] = ()
) -> Findings:
    """The review of a change by the engine's own steps from a state. ``before``: the base, for the cost."""
    new = declared(settled(steps))
    return _findings(changes(steps), declared(settled(before)), new, description, judges, tuple(failures), FROM_STATE)


def _findings(
    found: tuple[Change, ...],
    old: tuple[Declared, ...],
    new: tuple[Declared, ...],
    description: str,
    judges: Judges,
    failures: tuple[str, ...],
    basis: str,
) -> Findings:
    named = named_in(description)
    stopped = blocked(found, named)
    return Findings(
        changes=found,
        blocked=stopped,
        accepted=tuple(change for change in dangerous(found) if change not in stopped),
        asymmetries=asymmetries(found, new, judges.catalogue),
        laws=tuple(str(entry) for entry in broken(new, judges.today, judges.exceptions)),
        cost=delta_in_words(old, new),
        failures=failures,
        basis=basis,
    )
