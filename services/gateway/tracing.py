"""Trace context (W3C traceparent): passed on if well formed, else begun. Pure but for randomness."""

from __future__ import annotations

import random
import re
from typing import Final

_FORM: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def outgoing(incoming: bytes | None) -> bytes:
    """The traceparent for the service: the caller's as it is (this hop records no span), or a new, unsampled trace."""
    if incoming is not None and _FORM.fullmatch(incoming):
        return incoming
    span = random.getrandbits(64) or 1
    trace = random.getrandbits(128) or 1
    return b"00-%032x-%016x-00" % (trace, span)
