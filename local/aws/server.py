"""The provider as a process: `python -m local.aws.server [--port N]`.

Prints its port on the first line of its output and serves on 127.0.0.1 until it is told to stop.  Settings come from
the environment: AWS_ENDPOINT_URL (the emulator; empty: checks and previews only), MERIDIAN_EMULATOR (ministack, moto,
localstack), MERIDIAN_AWS_STATE (directory of the ledger), MERIDIAN_DATAPLANE (see `local.aws.overlay`),
MERIDIAN_AWS_PORT (what `--port` says otherwise; 0: any).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pulumi.runtime.proto import provider_pb2_grpc

from local import paths
from local.aws.engine.clients import Aws, Clients, Offline
from local.aws.ledger import Ledger
from local.aws.overlay import Overlay
from local.aws.provider import Provider
from local.aws.servicer import Servicer
from local.engine import serving

_THREADS = 48


def state_directory(environment: Mapping[str, str]) -> Path:
    """Where ledgers are: MERIDIAN_AWS_STATE, or `aws` in the installation's state."""
    given = environment.get("MERIDIAN_AWS_STATE")
    return Path(given) if given else paths.home() / "aws"


def ledger_path(state: Path, emulator: str) -> Path:
    """The ledger of an emulator within the state directory."""
    return state / f"ledger-{emulator}.sqlite"


def provider_from(environment: Mapping[str, str]) -> Provider:
    """The provider that the environment describes; raises ValueError for an emulator that is none."""
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    emulator = environment.get("MERIDIAN_EMULATOR", "ministack")
    aws: Aws = Clients(endpoint) if endpoint else Offline()
    overlay = Overlay(environment.get("MERIDIAN_DATAPLANE", ""))
    return Provider(aws, emulator, Ledger(ledger_path(state_directory(environment), emulator)), overlay)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m local.aws.server", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("MERIDIAN_AWS_PORT") or 0))
    options = parser.parse_args(arguments)
    try:
        servicer = Servicer(provider_from(os.environ))
    except ValueError as error:
        print(f"aws provider: {error}", file=sys.stderr)
        return 2
    serving.serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server),
        port=options.port,
        workers=_THREADS,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
