"""Serves the `kubernetes` provider as a process: `python -m local.kubernetes.server --port 0 --root DIRECTORY`.

With `--cluster KUBECONFIG`, objects whose provider names a cluster are applied to that one.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pulumi.runtime.proto import provider_pb2_grpc

from local.engine import serving
from local.kubernetes import kubeconfig
from local.kubernetes.api import Api
from local.kubernetes.applied import Applied
from local.kubernetes.provider import KubernetesProvider


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM; the first line of standard output is the port."""
    parser = argparse.ArgumentParser(prog="python -m local.kubernetes.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 lets the kernel choose")
    parser.add_argument("--root", type=Path, required=True, help="where stacks are rendered that name no directory")
    parser.add_argument("--cluster", type=Path, help="kubeconfig of the cluster that stands for every cluster named")
    options = parser.parse_args(arguments)
    try:
        cluster = Applied(Api(kubeconfig.load(options.cluster))) if options.cluster else None
    except kubeconfig.KubeconfigError as error:
        parser.error(str(error))
    provider = KubernetesProvider(options.root.resolve(), cluster)
    serving.serve(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server), port=options.port
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
