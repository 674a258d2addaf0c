"""Previews from a state that a tree's own deployment on an emulator made: what replaces what shows as such.

Owns the emulator and the providers of the moment. Programs read back what they stored (generated passwords), so the
emulator that was deployed to is the one that is previewed against, and nothing of it is kept.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from local import paths
from local.cache import Report
from local.emulators.choice import emulator
from local.emulators.seam import LOOPBACK, endpoint
from local.engine import bootstrap
from local.engine.environment import Attachment
from local.engine.providers import ProviderCommand, running
from local.engine.pulumi import Project, Runner
from local.engine.results import Result
from local.installation import DISPOSABLE
from ops.trees import Tree

EMULATOR: Final = "moto"
READY_WITHIN: Final = 120.0
"""Seconds for the emulator to answer on a machine that does other things."""
_CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class StateError(Exception):
    """A base cannot be deployed on the emulator; the message says why."""


def preview_from(
    base: Tree, head: Tree, stacks: Sequence[str] | None, report: Report, parallel: int
) -> tuple[Result, ...]:
    """Deploy ``base`` on the emulator, then preview ``head`` from there. Raises `RunFailedError`, `StateError`.

    ``stacks``: all by default; the ones named must hold those that they refer to.
    """
    with tempfile.TemporaryDirectory(prefix="meridian-deployed-") as scratch:
        home = paths.private_directory(Path(scratch) / "home")
        with _emulated(Path(scratch)) as url, _attached(home, url, report) as attachment:
            deployed = _unprotected(replace(base.project(), policy_pack=None))
            there = None if stacks is None else [name for name in stacks if name in deployed.stacks]
            Runner(deployed, attachment, report, parallel).up_all(there)
            return Runner(_unprotected(head.project()), attachment, report, parallel).preview_all(stacks)


def _unprotected(project: Project) -> Project:
    """The engine refuses to preview the replacement of what is protected; to show it is what this is for."""
    return replace(project, overrides=DISPOSABLE)


@contextmanager
def _attached(home: Path, url: str, report: Report) -> Iterator[Attachment]:
    """The engine's attachment to providers in front of the emulator at ``url``."""
    logs = home / "logs"
    commands = (
        ProviderCommand("aws", "local.aws.server", (), logs / "aws.log"),
        ProviderCommand("kubernetes", "local.kubernetes.server", ("--root", str(home / "manifests")), logs / "k8s.log"),
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {
        **_CREDENTIALS,
        "AWS_ENDPOINT_URL": url,
        "MERIDIAN_EMULATOR": EMULATOR,
        "MERIDIAN_AWS_STATE": str(paths.private_directory(home / "ledger")),
    }
    engine = bootstrap.obtain(home, report=report)
    with running(commands, environment) as ports:
        yield Attachment(home, engine, ports, checkpoints=False)


@contextmanager
def _emulated(directory: Path) -> Iterator[str]:
    """The emulator as a process of the moment; yields its URL."""
    chosen = emulator(EMULATOR)
    chosen.install()
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = int(free.getsockname()[1])
    run = chosen.run(port, directory)
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MERIDIAN_"))}
    with (directory / "emulator.log").open("w") as log:
        process = subprocess.Popen(
            run.argv,
            env={**outside, **_CREDENTIALS, **run.environment},
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _await(process, endpoint(port) + run.probe, directory / "emulator.log")
        yield endpoint(port)
    finally:
        process.kill()
        process.wait()


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + READY_WITHIN
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - a loopback URL of our own
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise StateError(f"the emulator does not answer at {url}: {log.read_text(errors='replace')[-500:]}")
