"""The report: one short text per change, for people, and the whole of it as JSON. Owns layout and length.

Order: what stops the job, regions treated unequally, cost, then the changes by region and component.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from ops.review.asymmetry import Asymmetry
from ops.review.changes import Change, Kind
from ops.review.declared import Json
from ops.review.gate import label
from ops.review.review import Findings
from ops.review.words import change_in_words, difference_in_words, hides, redact, subject

MAX_CHARACTERS: Final = 65_000
"""GitHub cuts comments at 65,536 characters."""
MARK: Final = "<!-- meridian-preview -->"
"""By which the one comment is found and rewritten in place."""
MAX_SECTION: Final = 40
_SIGNS: Final = {Kind.ADD: "added", Kind.UPDATE: "changed", Kind.REPLACE: "replaced", Kind.REMOVE: "removed"}


def render(findings: Findings) -> str:
    """Markdown of at most `MAX_CHARACTERS` characters; what does not fit is counted and left to the artefact."""
    lines = [MARK, "## Preview", "", _summary(findings), ""]
    lines += _section("Failed", findings.failures)
    lines += _section("Laws broken", findings.laws)
    lines += _section(
        "Stops: data or an address would be lost. To accept one, write `Replaces: <its name>` into the description",
        [f"**{label(change)}** {_SIGNS[change.kind]}: {_reasons(change)}" for change in findings.blocked],
    )
    lines += _section("Accepted by the description", [label(change) for change in findings.accepted])
    lines += _section("Regions treated unequally", [_unequal(entry) for entry in findings.asymmetries])
    lines += _section("Monthly cost", findings.cost)
    if findings.changes:
        lines += [f"### Changes\n\n{findings.basis}", ""]
    return _fit(redact("\n".join(lines)), _by_place(findings.changes))


def artefact(findings: Findings) -> str:
    """Everything, as JSON, with the same redactions."""
    document: dict[str, Json] = {
        "stops": findings.stops,
        "basis": findings.basis,
        "failures": list(findings.failures),
        "laws": list(findings.laws),
        "blocked": [label(change) for change in findings.blocked],
        "accepted": [label(change) for change in findings.accepted],
        "asymmetries": [
            {
                "component": entry.component,
                "what": entry.what,
                "regions": list(entry.regions),
                "others": dict(entry.others),
                "explained": entry.explained,
            }
            for entry in findings.asymmetries
        ],
        "cost": list(findings.cost),
        "changes": [_as_json(change) for change in findings.changes],
    }
    return redact(json.dumps(document, indent=1, ensure_ascii=False)) + "\n"


def _as_json(change: Change) -> dict[str, Json]:
    return {
        "stack": change.stack,
        "component": change.component,
        "kind": change.kind.value,
        "type": change.type,
        "name": change.name,
        "differences": [difference_in_words(entry, hidden=hides(change, entry)) for entry in change.differences],
    }


def _summary(findings: Findings) -> str:
    stops = " **The job stops.**" if findings.stops else ""
    if not findings.changes:
        known = "No change is known: a stack could not be previewed." if findings.failures else "No change."
        return known + stops
    counts: dict[Kind, int] = defaultdict(int)
    for change in findings.changes:
        counts[change.kind] += 1
    stacks = sorted({change.stack for change in findings.changes})
    what = ", ".join(f"{counts[kind]} {word}" for kind, word in _SIGNS.items() if counts[kind])
    return f"{what}, in {', '.join(stacks)}.{stops}"


def _reasons(change: Change) -> str:
    forcing = [difference_in_words(entry, hidden=hides(change, entry)) for entry in change.differences if entry.forces]
    return "; ".join(forcing or [subject(change)])


def _section(title: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return []
    shown = [f"- {_one_line(entry)}" for entry in entries[:MAX_SECTION]]
    if len(entries) > MAX_SECTION:
        shown.append(f"- and {len(entries) - MAX_SECTION} more, in the artefact")
    return [f"### {title}", "", *shown, ""]


def _one_line(text: str, most: int = 600) -> str:
    text = " ".join(redact(text).split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _unequal(entry: Asymmetry) -> str:
    grouped: dict[str, list[str]] = defaultdict(list)
    for region, reason in entry.others:
        grouped[reason].append(region)
    others = "; ".join(f"{', '.join(regions)}: {reason}" for reason, regions in grouped.items())
    return f"{entry.component} in {', '.join(entry.regions)}: {entry.what}. Not so {others}."


def _by_place(changes: Sequence[Change]) -> list[str]:
    places: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        places[change.place].append(change)
    blocks = []
    for place in sorted(places, key=lambda p: (p.partition(".")[2], p)):
        # A fence within a value would end the block.
        lines = [redact(line).replace("```", "'''") for change in places[place] for line in change_in_words(change)]
        blocks.append("\n".join((f"**{place}**", "```diff", *lines, "```", "")))
    return blocks


def _fit(head: str, blocks: Sequence[str]) -> str:
    room = MAX_CHARACTERS - 200
    text = head if len(head) <= room else f"{head[:room]}…"
    for index, block in enumerate(blocks):
        if len(text) + len(block) + 1 > room:
            return f"{text}\n_{len(blocks) - index} more components changed; the artefact has them all._\n"
        text += "\n" + block
    return text if text.endswith("\n") else text + "\n"
