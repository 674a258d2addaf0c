"""How much one address may ask before it is a flood: a carrier's NAT full of viewers asks for less.

Owns the arithmetic of both firewalls' rates, from the headline loads and one figure (`regions.rates.BEHIND_ADDRESS`).
What a single user may ask is the gateway's (``services.contracts.routes``).
"""

from __future__ import annotations

import math

from regions import rates
from regions.loads import HEADLINE, Loads
from services.contracts.ladder import SEGMENT_SECONDS


def media_requests(seconds: int) -> int:
    """Requests of one address to CloudFront in that time: each viewer's segments, of every track."""
    a_viewer = rates.TRACKS.value / SEGMENT_SECONDS
    return math.ceil(rates.BEHIND_ADDRESS.value * a_viewer * seconds * rates.HEADROOM.value)


def api_requests(seconds: int, loads: Loads = HEADLINE) -> int:
    """Requests of one address to a region's balancer in that time: API and beacons of those viewers who have a session."""
    a_viewer = (loads.api_rps + loads.beacon_rps) / loads.viewers
    return math.ceil(rates.BEHIND_ADDRESS.value * a_viewer * seconds * rates.HEADROOM.value)
