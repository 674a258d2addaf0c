"""The limits by class: numbers that the gateway enforces and the edge must agree with. Owns no algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from services.contracts.routes import LimitClass

QUARTER_HOUR = 15 * 60


@dataclass(frozen=True, slots=True)
class Limit:
    """``count`` requests per ``window`` seconds; for GCRA also the burst."""

    count: int
    window: int
    algorithm: str
    """``gcra`` (burst refilled evenly), ``log`` (sliding log, never more than count in any window) or ``none``."""


LIMITS = MappingProxyType(
    {
        LimitClass.GENERAL: Limit(100, QUARTER_HOUR, "gcra"),
        LimitClass.AUTHENTICATION: Limit(5, QUARTER_HOUR, "log"),
        LimitClass.HEARTBEAT: Limit(300, QUARTER_HOUR, "gcra"),
        LimitClass.MEDIA: Limit(0, QUARTER_HOUR, "none"),
        LimitClass.WEBSOCKET: Limit(60, QUARTER_HOUR, "gcra"),
    }
)
"""Authentication counts failures only, by account and by address; a player sends at most one heartbeat in ten seconds (90 in 15 minutes)."""
