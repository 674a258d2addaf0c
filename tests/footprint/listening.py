"""The aws provider with an ear at its border: `python -m tests.footprint.listening`, as `local.aws.server` otherwise.

What the programs declare reaches the engine's previews through the provider's own check, which could lose a property
before anybody compares it. So each declaration is also written down as it arrives, a line of JSON to the file that
MERIDIAN_TEST_HEARD names: URN, and the plain values by property.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import grpc
from google.protobuf import json_format
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.aws.provider import Provider
from local.aws.server import provider_from
from local.aws.servicer import Servicer
from local.engine import serving

VARIABLE = "MERIDIAN_TEST_HEARD"


class Listening(Servicer):
    """Writes down what it is asked to check."""

    def __init__(self, provider: Provider, file: Path) -> None:
        super().__init__(provider)
        self._file = file
        self._lock = threading.Lock()

    def Check(  # noqa: N802 - the name of the gRPC service's handler
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """As the provider's."""
        declared: dict[str, object] = json_format.MessageToDict(request.news)
        line = json.dumps({"urn": request.urn, "declared": {k: v for k, v in declared.items() if v is not None}})
        with self._lock, self._file.open("a") as file:
            file.write(line + "\n")
        return super().Check(request, context)


def heard(file: Path) -> dict[str, dict[str, object]]:
    """The declarations by URN, in the wire format of the engine."""
    lines = (json.loads(line) for line in file.read_text().splitlines())
    return {line["urn"]: line["declared"] for line in lines}


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    servicer = Listening(provider_from(os.environ), Path(os.environ[VARIABLE]))
    serving.serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server))
    return 0


if __name__ == "__main__":
    sys.exit(main())
