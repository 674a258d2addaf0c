"""The two Pulumi providers as processes. They run as long as the platform, so that any `pulumi` command with the
environment of `meridian env` can attach to them. Owns nothing of what they do (``local.aws``, ``local.kubernetes``)."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import grpc

from local import paths
from local.aws_access import Emulated
from local.ports import LOOPBACK, PROVIDER_AWS, PROVIDER_KUBERNETES, PortTable
from local.processes.program import NotReadyError, Program
from local.processes.service import fingerprint
from regions.catalogue import HOME_CODE


def programs(ports: PortTable, aws: Emulated, emulator: str, overlay: Path, home: Path) -> tuple[Program, ...]:
    """The ``aws`` and the ``kubernetes`` provider."""
    sources = paths.CHECKOUT / "local"
    state = paths.private_directory(home / "aws")
    rendered = paths.private_directory(home / "manifests")
    aws_port, kubernetes_port = ports.of(PROVIDER_AWS), ports.of(PROVIDER_KUBERNETES)
    return (
        Program(
            part=PROVIDER_AWS,
            cell=None,
            port=aws_port,
            argv=(sys.executable, "-u", "-m", "local.aws.server"),
            directory=state,
            environment={
                **aws.environment(HOME_CODE),
                "MERIDIAN_EMULATOR": emulator,
                "MERIDIAN_AWS_STATE": str(state),
                "MERIDIAN_DATAPLANE": str(overlay),
                "MERIDIAN_AWS_PORT": str(aws_port),
                "PYTHONPATH": str(paths.CHECKOUT),
            },
            inputs=(fingerprint(sources / "aws"),),
            probe=partial(check, aws_port),
        ),
        Program(
            part=PROVIDER_KUBERNETES,
            cell=None,
            port=kubernetes_port,
            argv=(
                *(sys.executable, "-u", "-m", "local.kubernetes.server"),
                *("--port", str(kubernetes_port), "--root", str(rendered)),
            ),
            directory=rendered,
            environment={"PYTHONPATH": str(paths.CHECKOUT)},
            inputs=(fingerprint(sources / "kubernetes"),),
            probe=partial(check, kubernetes_port),
        ),
    )


def check(port: int) -> None:
    """Raises `NotReadyError` unless a gRPC server answers in two seconds."""
    with grpc.insecure_channel(f"{LOOPBACK}:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=2)
        except grpc.FutureTimeoutError as error:
            raise NotReadyError("no answer") from error
