"""Paths at which programs of a cell answer for their health, and what their deep answers name. Owns no check."""

from __future__ import annotations

from typing import Final

READY_PATH: Final = "/health/ready"
"""This process takes requests: what a load balancer asks."""
DEEP_PATH: Final = "/health/deep"
"""Each dependency, named: for people, drills and the gateway's look at its cell. Not public."""
CELL_PATH: Final = "/health/cell"
"""Of the gateway: this cell can serve people. What DNS steers by; it names no reasons, since anybody may ask."""
PRIVATE_PATHS: Final = ("/metrics", "/health/live", DEEP_PATH)
"""Of the gateway, and nobody's business outside."""
READS: Final = "reads"
"""The check that data of the own cell can be read, from a replica or the writer."""
