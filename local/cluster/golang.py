"""Go, by which parts of a cluster are built that no registry has as binaries."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


class ClusterBuildError(Exception):
    """A part of the cluster could not be built; the message carries what Go said and what to do."""


def go(directory: Path, *arguments: str) -> str:
    """Run Go politely: minutes of compiling must not take the machine from whoever works on it. Raises ClusterBuildError."""
    command = ["nice", "-n", "19", "go", *arguments]
    environment = {**os.environ, "GOFLAGS": "-buildvcs=false -mod=readonly"}
    try:
        finished = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=7200
        )
    except FileNotFoundError as error:
        raise ClusterBuildError(
            "a cluster is built by Go, and there is no `go` (https://go.dev/dl) or no `nice`"
        ) from error
    if finished.returncode:
        last = "\n".join(finished.stderr.strip().splitlines()[-15:])
        raise ClusterBuildError(
            f"`go {' '.join(arguments[:1])}` of a part of the cluster failed:\n{last}\n"
            "Check that Go is as new as local/cluster/gomod/go.mod asks and that the Go module proxy is reachable "
            "(`go env GOPROXY`), and repeat; what was downloaded and compiled is kept."
        )
    return finished.stdout
