"""Which types each emulator lacks, so that the provider keeps them in its ledger instead.

The list is closed: a type that is not on it is never recorded, its failure is the deployment's failure.  A test pins
the sets, so that growth is a decision.  A name may carry a variant: `aws:rds/instance:Instance[cross-region]`.
Each was seen to fail with the pinned version of the emulator.
"""

from __future__ import annotations

from typing import Final

EVERYWHERE: Final[frozenset[str]] = frozenset()

LACKING: Final[dict[str, frozenset[str]]] = {
    "ministack": EVERYWHERE | frozenset(),
    "moto": EVERYWHERE | frozenset(),
    "localstack": EVERYWHERE | frozenset(),
}


def lacking(emulator: str) -> frozenset[str]:
    """The types that the emulator lacks; raises ValueError for an emulator that is none."""
    if emulator not in LACKING:
        raise ValueError(f"no emulator {emulator!r}; known: {', '.join(sorted(LACKING))}")
    return LACKING[emulator]
