"""The tables of checks: for every declared type, what to ask boto3 and where in the answer each property stands.

Owns nothing but their union. The tables are written from the API's reference, not from the provider's tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.footprint.asking import Check
from tests.footprint.checks import clusters, data, delivery, network, operations, routing, security, storage

CHECKS: Final[Mapping[str, Check]] = {
    **network.CHECKS,
    **storage.CHECKS,
    **security.CHECKS,
    **data.CHECKS,
    **clusters.CHECKS,
    **routing.CHECKS,
    **delivery.CHECKS,
    **operations.CHECKS,
}
