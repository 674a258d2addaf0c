"""Starts the gateway with everything on, as a process of the benchmark.

The wiring of ``services.gateway.__main__`` with two differences: the token key comes from the benchmark instead of
KMS, and the limits count as always but are too high to refuse anybody (256 users send what 10,000 would).
"""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import json
import os
import ssl
import sys
import time
from pathlib import Path
from typing import BinaryIO

import httpx
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.common.context import ContextKeys
from services.common.tokens import KeySet, Policy, public_key
from services.contracts.limits import LIMITS
from services.contracts.routes import Service
from services.contracts.settings import Endpoint
from services.gateway.__main__ import GC_ALLOCATIONS
from services.gateway.access import AccessLog
from services.gateway.cell_health import CellHealth, over_http
from services.gateway.connection import ClientConnection
from services.gateway.core import Core
from services.gateway.identity import Identities
from services.gateway.limit_script import SCRIPT
from services.gateway.limiter import Limiter
from services.gateway.valkey import ScriptClient
from services.gateway.verifier import KeySetVerifier

HIGH = 10_000_000


async def serve(settings: dict[str, str], log: BinaryIO) -> None:
    """Runs until it is killed."""
    loop = asyncio.get_running_loop()
    key = load_pem_public_key(settings["public_pem"].encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    keys = KeySet([public_key(key)])

    async def fetch() -> KeySet:
        return keys

    async def locate() -> tuple[str, int]:
        return "127.0.0.1", int(settings["valkey_port"])

    valkey = ScriptClient(SCRIPT, locate, None, 0.5)
    valkey.start()
    services = {
        service.value: [Endpoint(host="127.0.0.1", port=int(settings["upstream_" + service.value]))]
        for service in Service
        if "upstream_" + service.value in settings
    }
    limits = {name: dataclasses.replace(limit, count=HIGH) for name, limit in LIMITS.items()}
    core = Core(
        services,
        Identities(
            KeySetVerifier(fetch, Policy(settings["issuer"], settings["audience"]), loop.time),
            ContextKeys(b"b" * 32),
        ),
        Limiter(valkey, limits),
        ["https://www.bench.test"],
        AccessLog(log),
        time.monotonic,
        CellHealth(services, over_http(httpx.AsyncClient(trust_env=False))),
    )
    tls = None
    if "certificate" in settings:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(settings["certificate"])
    server = await loop.create_server(
        lambda: ClientConnection(core), "127.0.0.1", int(settings["port"]), backlog=4096, ssl=tls, reuse_port=True
    )
    sweeper = asyncio.create_task(core.sweep())
    gc.freeze()
    gc.set_threshold(GC_ALLOCATIONS)
    try:
        await server.serve_forever()
    finally:
        sweeper.cancel()


if __name__ == "__main__":
    chosen = json.loads(Path(sys.argv[1]).read_text())
    for _ in range(int(chosen["processes"]) - 1):
        if os.fork() == 0:
            break
    with Path(chosen["access_log"]).open("wb") as access_log:
        uvloop.run(serve(chosen, access_log))
