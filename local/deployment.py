"""Whether and how the stacks are deployed: by the real engine, where anything changed since the last time.

Owns what makes a deployment stale: the sources that declare it, the engine's state, and the emulated AWS having
forgotten something. Does not own the stacks nor how the engine is called.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from local import paths
from local.installation import WRITERS, Report

MARK = "/meridian/installation/deployment"
"""A parameter in the emulated AWS that changes with each deployment: if it is another than ours, the emulator has
forgotten something that was deployed."""

SOURCES = ("stacks", "regions", "policies", "services/contracts", "local/aws", "local/kubernetes", "edge")
_SUFFIXES = frozenset({".py", ".yaml", ".js", ".j2", ".json"})


@dataclass(frozen=True, slots=True)
class Deployment:
    """What was deployed last. ``inputs`` and ``state`` are None while it is not known to be complete."""

    mark: str
    inputs: str | None = None
    state: str | None = None


class Engine(Protocol):
    """What is used of `local.engine.pulumi.Runner`."""

    def up_all(self) -> object:
        """Deploy every stack, or raise."""

    def refresh_all(self) -> object:
        """Read what is real into the state of every stack, or raise."""


class Emulator(Protocol):
    """What is used of `local.aws_access.Emulated`."""

    def parameter(self, name: str) -> str | None:
        """A parameter, if it is there."""

    def write_parameter(self, name: str, value: str) -> None:
        """Write a parameter."""


def deploy(home: Path, aws: Emulator, engine: Engine, report: Report, checkout: Path = paths.CHECKOUT) -> None:
    """Bring all stacks to what is declared. An emulator that lost what was deployed is compared with the state first."""
    last = _load(home)
    inputs = declared(home, checkout)
    kept = last is not None and aws.parameter(MARK) == last.mark
    if last is not None and kept and (last.inputs, last.state) == (inputs, engine_state(home)):
        report("all stacks are deployed as declared")
        return
    if last is None:
        _mark(home, aws)
    elif not kept:
        report("the emulated AWS is not as it was deployed; reading what is left of it")
        engine.refresh_all()
        _mark(home, aws)
    engine.up_all()
    done = _mark(home, aws)
    _save(home, Deployment(done.mark, inputs, engine_state(home)))


def declared(home: Path, checkout: Path = paths.CHECKOUT) -> str:
    """Changes with whatever decides what the stacks declare and how it is carried out."""
    digest = hashlib.sha256()
    for file in _sources(checkout):
        digest.update(str(file.relative_to(checkout)).encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for name in ("dataplane.json", WRITERS):
        file = home / name
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()


def engine_state(home: Path) -> str:
    """Changes with every write of the engine to a stack's state, by us or by a `pulumi` command of the user."""
    digest = hashlib.sha256()
    for file in sorted((home / "state" / ".pulumi" / "stacks").rglob("*.json")):
        digest.update(file.name.encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _sources(checkout: Path) -> Iterator[Path]:
    yield from sorted(checkout.glob("Pulumi*.yaml"))
    yield checkout / "uv.lock"
    for directory in SOURCES:
        for file in sorted((checkout / directory).rglob("*")):
            if file.suffix in _SUFFIXES and file.is_file():
                yield file


def _mark(home: Path, aws: Emulator) -> Deployment:
    """Give the deployment a new mark, in the emulated AWS and here; it is not complete until it is saved again."""
    fresh = Deployment(uuid.uuid4().hex)
    aws.write_parameter(MARK, fresh.mark)
    _save(home, fresh)
    return fresh


def _save(home: Path, deployment: Deployment) -> None:
    paths.write_private(home / "deployment.json", json.dumps(asdict(deployment)))


def _load(home: Path) -> Deployment | None:
    """The last deployment; None if there is none, or if its record cannot be read."""
    try:
        content = json.loads((home / "deployment.json").read_text(encoding="utf-8"))
        return Deployment(str(content["mark"]), content["inputs"], content["state"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
