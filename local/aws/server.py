"""The provider as a process: `python -m local.aws.server`.

Prints its port on the first line of its output and serves on 127.0.0.1 until it is told to stop.  Settings come from
the environment: AWS_ENDPOINT_URL (the emulator; empty: previews only), MERIDIAN_EMULATOR (ministack, moto, localstack),
MERIDIAN_AWS_STATE (directory of the ledger), MERIDIAN_DATAPLANE (see `local.aws.overlay`), MERIDIAN_AWS_PORT (0: any).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from local.aws.engine.clients import Aws, Clients, Offline
from local.aws.ledger import Ledger
from local.aws.overlay import Overlay
from local.aws.provider import Provider
from local.aws.servicer import Servicer

_THREADS = 48
_MESSAGE_BYTES = 400 * 1024 * 1024


def ledger_path(state: Path, emulator: str) -> Path:
    """The ledger of an emulator within the state directory."""
    return state / f"aws-ledger-{emulator}.sqlite"


def provider_from(environment: dict[str, str]) -> Provider:
    """The provider that the environment describes; raises ValueError for an emulator that is none."""
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    emulator = environment.get("MERIDIAN_EMULATOR", "ministack")
    state = Path(environment.get("MERIDIAN_AWS_STATE") or ".meridian/aws")
    aws: Aws = Clients(endpoint) if endpoint else Offline()
    overlay = Overlay(environment.get("MERIDIAN_DATAPLANE", ""))
    return Provider(aws, emulator, Ledger(ledger_path(state, emulator)), overlay)


def serve(provider: Provider, port: int = 0) -> tuple[grpc.Server, int]:
    """A started server on 127.0.0.1 and its port."""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=_THREADS),
        options=[("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    return server, bound


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    stopping = threading.Event()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    try:
        provider = provider_from(dict(os.environ))
    except ValueError as error:
        print(f"aws provider: {error}", file=sys.stderr)
        return 2
    server, port = serve(provider, int(os.environ.get("MERIDIAN_AWS_PORT") or 0))
    print(port, flush=True)
    stopping.wait()
    server.stop(grace=2).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
