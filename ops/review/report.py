"""The report: one short text per change, for people. Owns the layout and the length, not what is found.

Order: what stops the job, regions treated unequally, cost, then the changes by region and component.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ops.review.asymmetry import Asymmetry
from ops.review.changes import Change, Kind
from ops.review.gate import label
from ops.review.words import change_in_words, redact

MAX_CHARACTERS: Final = 65_000
"""GitHub cuts comments at 65,536 characters."""
MARK: Final = "<!-- meridian-preview -->"
"""By which the one comment is found and rewritten in place."""
_SIGNS: Final = {Kind.ADD: "added", Kind.UPDATE: "changed", Kind.REPLACE: "replaced", Kind.REMOVE: "removed"}


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that a report says."""

    changes: tuple[Change, ...]
    blocked: tuple[Change, ...]
    accepted: tuple[Change, ...]
    """Dangerous changes that the description names."""
    asymmetries: tuple[Asymmetry, ...]
    policies: tuple[str, ...]
    """What the laws say, if anything."""
    cost: tuple[str, ...]
    """Lines on the monthly cost, with their basis."""
    failures: tuple[str, ...]
    """Stacks whose preview failed, and why."""

    @property
    def stops(self) -> bool:
        """Whether the job must stop."""
        return bool(self.blocked or self.policies or self.failures)


def render(findings: Findings) -> str:
    """Markdown of at most `MAX_CHARACTERS` characters; what does not fit is counted and left to the artefact."""
    lines = [MARK, "## Preview", "", _summary(findings.changes), ""]
    lines += _section("Failed", findings.failures)
    lines += _section("Laws broken", findings.policies)
    lines += _section(
        "Stops: data or an address would be lost. To accept, write `Replaces: <name>` into the description",
        [
            f"**{label(change)}** {_SIGNS[change.kind]}: {'; '.join(change_in_words(change))}"
            for change in findings.blocked
        ],
    )
    lines += _section("Accepted by the description", [label(change) for change in findings.accepted])
    lines += _section("Regions treated unequally", [_unequal(entry) for entry in findings.asymmetries])
    lines += _section("Monthly cost", findings.cost)
    return _fit(redact("\n".join(lines)), _by_place(findings.changes))


def _summary(changes: Sequence[Change]) -> str:
    if not changes:
        return "No change."
    counts: dict[Kind, int] = defaultdict(int)
    for change in changes:
        counts[change.kind] += 1
    stacks = sorted({change.stack for change in changes})
    what = ", ".join(f"{counts[kind]} {word}" for kind, word in _SIGNS.items() if counts[kind])
    return f"{what}, in {', '.join(stacks)}."


def _section(title: str, entries: Sequence[str]) -> list[str]:
    return [f"### {title}", "", *(f"- {entry}" for entry in entries), ""] if entries else []


def _unequal(entry: Asymmetry) -> str:
    return (
        f"{entry.component}: `{entry.line}` in {', '.join(entry.regions)}; "
        f"{', '.join(entry.missing)} {'differs' if len(entry.missing) == 1 else 'differ'}, unexplained"
    )


def _by_place(changes: Sequence[Change]) -> list[str]:
    places: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        places[change.place].append(change)
    blocks = []
    for place in sorted(places, key=lambda p: (p.partition(".")[2], p)):
        lines = [redact(line) for change in places[place] for line in change_in_words(change)]
        blocks.append("\n".join((f"**{place}**", "", *(f"- {line}" for line in lines), "")))
    return blocks


def _fit(head: str, blocks: Sequence[str]) -> str:
    room = MAX_CHARACTERS - 200
    text = head[:room]
    for index, block in enumerate(blocks):
        if len(text) + len(block) + 1 > room:
            rest = len(blocks) - index
            return f"{text}\n_{rest} more components changed; the artefact has them all._\n"
        text += "\n" + block
    return text if text.endswith("\n") else text + "\n"
