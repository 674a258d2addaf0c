"""The aws provider with a fault at its border: `python -m tests.footprint.dropping`, as `local.aws.server` otherwise.

MERIDIAN_TEST_DROP lists properties, `<type token>.<property>` with commas between them, that never reach the provider
when it creates a resource. The engine is told that all went well.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.aws.provider import Provider
from local.aws.server import provider_from
from local.aws.servicer import Servicer
from local.engine import serving

VARIABLE = "MERIDIAN_TEST_DROP"


class Dropping(Servicer):
    """Creates resources without the named properties."""

    def __init__(self, provider: Provider, dropped: Mapping[str, frozenset[str]]) -> None:
        super().__init__(provider)
        self._dropped = dropped

    def Create(  # noqa: N802 - the name of the gRPC service's handler
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        """As the provider's, without what is to be dropped; the answer has it again."""
        token = request.urn.split("::")[2].rsplit("$", 1)[-1]
        lost = {name: request.properties[name] for name in self._dropped.get(token, ()) if name in request.properties}
        for name in lost:
            del request.properties[name]
        answer = super().Create(request, context)
        for name, value in lost.items():
            answer.properties[name] = value
        return answer


def parsed(text: str) -> dict[str, frozenset[str]]:
    """Properties to drop by type."""
    dropped: dict[str, frozenset[str]] = {}
    for entry in filter(None, text.split(",")):
        token, _, name = entry.rpartition(".")
        dropped[token] = dropped.get(token, frozenset()) | {name}
    return dropped


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    servicer = Dropping(provider_from(os.environ), parsed(os.environ[VARIABLE]))
    serving.serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server))
    return 0


if __name__ == "__main__":
    sys.exit(main())
