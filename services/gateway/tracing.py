"""Trace context (W3C traceparent): passed on as it is if well formed (this hop records no span), else begun."""

from __future__ import annotations

import random
import re
from typing import Final

FORM: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def begun() -> bytes:
    """A new, unsampled trace."""
    span = random.getrandbits(64) or 1
    trace = random.getrandbits(128) or 1
    return b"00-%032x-%016x-00" % (trace, span)
