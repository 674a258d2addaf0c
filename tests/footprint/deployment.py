"""The whole footprint on an emulator of its own: processes, runner, boto3 clients. Owns what runs, not what is proved."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from local.emulators.choice import emulator
from local.emulators.seam import LOOPBACK, endpoint
from local.engine import bootstrap, providers
from local.engine.environment import Attachment
from local.engine.providers import ProviderCommand
from local.engine.pulumi import Project, Runner

READY_WITHIN: Final = 120.0
"""Seconds for an emulator to answer on a machine that does other things."""

CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHAREDCREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running emulator with the providers in front of it, and the engine that works on them."""

    runner: Runner
    endpoint: str
    home: Path
    said: list[str]


@contextmanager
def emulated(name: str, directory: Path, running: str = "") -> Iterator[str]:
    """An emulator as a process; yields its URL. Its log and state are below `directory`.

    With `running` nothing is started: the emulator is there already, a container for instance, and stays.
    """
    chosen = emulator(name)
    if running:
        _answers(None, running + chosen.run(0, directory).probe, directory / "emulator.log")
        yield running
        return
    chosen.install()
    state = directory / "emulator"
    state.mkdir(parents=True)
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = int(free.getsockname()[1])
    run = chosen.run(port, state)
    with (directory / "emulator.log").open("w") as log:
        process = subprocess.Popen(
            run.argv,
            env={**_outside(), **CREDENTIALS, **run.environment},
            cwd=state,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _answers(process, endpoint(port) + run.probe, directory / "emulator.log")
        yield endpoint(port)
    finally:
        process.kill()
        process.wait()


@contextmanager
def attached(
    directory: Path,
    project: Project,
    *,
    name: str,
    url: str,
    aws_module: str = "local.aws.server",
    settings: Mapping[str, str] = MappingProxyType({}),
    checkpoints: bool = False,
    writers: Path | None = None,
) -> Iterator[Deployment]:
    """The runner on `project` with both providers, the aws one in front of the emulator at `url` (empty: previews only).

    `settings` are further environment variables of the providers; `checkpoints` and `writers` as in `Attachment`.
    """
    home = directory / "home"
    engine = bootstrap.obtain(home)
    commands = (
        ProviderCommand("aws", aws_module, (), directory / "aws.log"),
        ProviderCommand(
            "kubernetes",
            "local.kubernetes.server",
            ("--root", str(directory / "manifests")),
            directory / "kubernetes.log",
        ),
    )
    environment = {
        **_outside(),
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": url,
        "MERIDIAN_EMULATOR": name,
        "MERIDIAN_AWS_STATE": str(directory / "ledger"),
        **settings,
    }
    said: list[str] = []
    with providers.running(commands, environment) as ports:
        runner = Runner(project, Attachment(home, engine, ports, checkpoints, writers), report=said.append)
        yield Deployment(runner, url, home, said)


def _outside() -> dict[str, str]:
    """The environment without anything that says AWS."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "MERIDIAN_"))}


def _answers(process: subprocess.Popen[bytes] | None, url: str, log: Path) -> None:
    end = time.monotonic() + READY_WITHIN
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        if (process is not None and process.poll() is not None) or time.monotonic() > end:
            said = log.read_text()[-2000:] if process is not None else "it was not started here: is the address right?"
            raise RuntimeError(f"the emulator does not answer at {url}:\n{said}")
        time.sleep(0.2)
