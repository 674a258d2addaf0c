"""Starts LocalStack on the loopback.  Executed by LocalStack's own interpreter.

LocalStack 2026.3.0 takes the port of GATEWAY_LISTEN and, for IPv4, not its host: it would listen on every interface
(`localstack/runtime/server/twisted.py`, "TODO: interface = host?").
"""

from __future__ import annotations

import functools

from localstack.runtime.main import main  # type: ignore[import-not-found]  # is in LocalStack's own environment
from twisted.internet import endpoints  # type: ignore[import-not-found]  # the same

if __name__ == "__main__":
    endpoints.TCP4ServerEndpoint = functools.partial(endpoints.TCP4ServerEndpoint, interface="127.0.0.1")
    main()
