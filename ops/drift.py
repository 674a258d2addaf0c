"""``python -m ops.drift``: what runs in the account and is not what is declared, as the text of one issue.

Owns the text and its fingerprint, which is the same as long as the same properties of the same resources differ.
Prints nothing when nothing differs. Does not own the issue (a script of the pipeline keeps it).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from typing import Final

from local import cache
from local.engine.pulumi import EngineError
from ops import account
from ops.review.changes import Change, changes
from ops.review.words import change_in_words, redact

MARK: Final = "<!-- meridian-drift -->"
MAX_CHARACTERS: Final = 60_000


def fingerprint(found: Sequence[Change]) -> str:
    """The same for the same kinds of change of the same properties; values do not count, since they may flicker."""
    lines = sorted(
        f"{change.urn} {change.kind} {' '.join(sorted(entry.path for entry in change.differences))}" for change in found
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def body(found: Sequence[Change]) -> str:
    """Markdown; empty if nothing differs."""
    if not found:
        return ""
    head = [
        MARK,
        f"<!-- fingerprint {fingerprint(found)} -->",
        f"{len(found)} resources are not as declared. Deploying would do this; if what runs is right, declare it.",
        "",
        "```diff",
    ]
    room = MAX_CHARACTERS - sum(map(len, head))
    lines: list[str] = []
    for number, change in enumerate(found):
        told = [redact(f"{line}  [{change.place}]").replace("```", "'''") for line in change_in_words(change)]
        room -= sum(len(line) + 1 for line in told)
        if room < 0:
            lines.append(f"… and {len(found) - number} more")
            break
        lines += told
    return "\n".join([*head, *lines, "```", ""])


def main() -> None:
    """Print the issue's text."""
    try:
        results = account.preview_all(None, cache.to_stderr, parallel=2, refresh=True)
    except EngineError as error:
        sys.exit(f"error: {redact(str(error))}")
    print(body(changes([result.digest() for result in results])), end="")


if __name__ == "__main__":
    main()
