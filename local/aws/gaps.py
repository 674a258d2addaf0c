"""Which types each emulator lacks, so that the provider keeps them in its ledger instead; and what it answers wrongly.

The lists are closed: a type that is not on its emulator's list is never recorded, its failure is the deployment's
failure.  A test pins the sets, so that growth is a decision.  A name may carry a variant:
`aws:rds/instance:Instance[cross-region]`.  Each entry was seen with the pinned version of the emulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LACKING: Final[Mapping[str, frozenset[str]]] = {
    "ministack": frozenset(
        {
            "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
        }
    ),
    "moto": frozenset(),
    "localstack": frozenset(),
}
"""Emulator -> types (with variant) that only the ledger holds."""

UNFAITHFUL: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "ministack": {
        "aws:ec2/vpcEndpoint:VpcEndpoint": frozenset({"subnetIds"}),
    },
    "moto": {
        "aws:s3/bucketReplicationConfig:BucketReplicationConfig": frozenset({"rules"}),
        "aws:ec2/vpcEndpoint:VpcEndpoint": frozenset({"subnetIds"}),
    },
    "localstack": {},
}
"""Emulator -> type -> properties that it accepts and then answers wrongly: a refresh keeps what was declared."""


def lacking(emulator: str) -> frozenset[str]:
    """The types that the emulator lacks; raises ValueError for an emulator that is none."""
    if emulator not in LACKING:
        raise ValueError(f"no emulator {emulator!r}; known: {', '.join(sorted(LACKING))}")
    return LACKING[emulator]


def unfaithful(emulator: str, token: str) -> frozenset[str]:
    """The properties of a type that the emulator answers wrongly."""
    return UNFAITHFUL[emulator].get(token, frozenset())
