"""Previews of all stacks of a tree from nothing, without an account: what the programs declare.

Owns the providers of the moment and the snapshots kept by what a tree declares. Does not own the engine
(``local/engine``) nor what is made of a preview (``review``).
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from local import cache, paths
from local.cache import Artefact, Report
from local.engine import bootstrap
from local.engine.environment import Attachment
from local.engine.providers import ProviderCommand, running
from local.engine.pulumi import Project, Runner
from ops.commands.capacity import bill_data
from ops.review.cost import Side
from ops.review.declared import Json, declared
from ops.review.settled import settled
from ops.trees import Tree, TreeError
from regions.cost import Bill, Line, Money
from regions.figures import Basis

_KEPT_DAYS: Final = 14
_FILE: Final = "preview.json"


class SnapshotError(Exception):
    """A saved preview cannot be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What all stacks of a tree declare, in the form of settled digests."""

    digests: tuple[Mapping[str, Json], ...]
    use: Bill | None = None
    """What use costs by the tree's facts; None where it is not known."""

    @property
    def stacks(self) -> tuple[str, ...]:
        """The stacks in it."""
        return tuple(str(digest.get("stack")) for digest in self.digests)

    def of(self, stacks: Sequence[str]) -> Snapshot:
        """Only ``stacks``."""
        return replace(self, digests=tuple(digest for digest in self.digests if digest.get("stack") in stacks))

    def side(self) -> Side:
        """What is declared, for a comparison."""
        return Side(declared(settled(self.digests)), self.use)

    def without(self, stacks: Sequence[str]) -> Snapshot:
        """All but ``stacks``."""
        return self.of([name for name in self.stacks if name not in stacks])

    def text(self) -> str:
        """As `parse` reads it."""
        document = {"stacks": list(self.digests), "use": None if self.use is None else bill_data(self.use)}
        return json.dumps(document, separators=(",", ":")) + "\n"


def parse(text: str, name: str) -> Snapshot:
    """A saved preview: `Snapshot.text`, or what ``meridian preview --json`` prints. Raises `SnapshotError`."""
    remedy = "write one with `meridian preview --json > FILE`"
    try:
        document: Json = json.loads(text)
    except ValueError as error:
        raise SnapshotError(f"{name}: not JSON ({error}); {remedy}") from error
    listed = document.get("stacks") if isinstance(document, Mapping) else document
    use = document.get("use") if isinstance(document, Mapping) else None
    if not isinstance(listed, list):
        raise SnapshotError(f"{name}: not a list of stacks; {remedy}")
    for number, digest in enumerate(listed, 1):
        if not isinstance(digest, Mapping) or not isinstance(digest.get("stack"), str):
            raise SnapshotError(f"{name}: entry {number} names no stack; {remedy}")
        steps = digest.get("steps")
        if not isinstance(steps, list) or not all(_is_step(step) for step in steps):
            raise SnapshotError(f"{name}: entry {number} ({digest['stack']}) has malformed steps; {remedy}")
    try:
        return Snapshot(tuple(settled(listed)), None if use is None else bill_of(use))
    except (KeyError, TypeError, ValueError) as error:
        raise SnapshotError(f"{name}: the bill of use is malformed ({error}); {remedy}") from error


def bill_of(document: Json) -> Bill:
    """The reverse of `bill_data`. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    lines = document["lines"] if isinstance(document, Mapping) else None
    if not isinstance(lines, list):
        raise TypeError("it has no lines")
    return Bill(
        tuple(
            Line(
                str(line["region"]),
                str(line["component"]),
                str(line["what"]),
                Money(float(line["usd"]), Basis(line["basis"]), str(line["how"])),
            )
            for line in lines
        )
    )


def use_of(tree: Tree, report: Report) -> Bill | None:
    """What use costs by the facts of ``tree``; None, and a line for the user, where its code cannot say it."""
    try:
        return bill_of(tree.use())
    except (TreeError, KeyError, TypeError, ValueError) as error:
        report(f"the cost of use is not known: {error}")
        return None


def _is_step(step: Json) -> bool:
    return isinstance(step, Mapping) and all(isinstance(step.get(key), str) for key in ("op", "urn", "type"))


@contextmanager
def from_nothing(project: Project, report: Report, parallel: int) -> Iterator[Runner]:
    """The engine on an empty state, with providers that know no emulator: previews only."""
    with tempfile.TemporaryDirectory(prefix="meridian-preview-") as scratch:
        home = paths.private_directory(Path(scratch) / "home")
        logs = home / "logs"
        commands = (
            ProviderCommand("aws", "local.aws.server", (), logs / "aws.log"),
            ProviderCommand(
                "kubernetes", "local.kubernetes.server", ("--root", str(home / "manifests")), logs / "k8s.log"
            ),
        )
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment["MERIDIAN_AWS_STATE"] = str(paths.private_directory(home / "aws"))
        engine = bootstrap.obtain(home, report=report)
        with running(commands, environment) as ports:
            yield Runner(project, Attachment(home, engine, ports), report, parallel)


def unjudged(tree: Tree) -> Project:
    """``tree`` without the pack, for a preview that is judged as a whole (`review.laws` has every rule of the pack)."""
    return replace(tree.project(), policy_pack=None)


def snapshot(tree: Tree, report: Report = cache.to_stderr, parallel: int = 2) -> Snapshot:
    """What ``tree`` declares: previewed once, and kept in the cache for as long as nothing it depends on changes.

    However many processes ask at a time, one previews. Raises `RunFailedError` when a stack cannot be previewed.
    """

    def build(directory: Path) -> None:
        with from_nothing(unjudged(tree), report, parallel) as runner:
            results = runner.preview_all()
        taken = Snapshot(tuple(settled([result.digest() for result in results])), use_of(tree, report))
        (directory / _FILE).write_text(taken.text(), encoding="utf-8")

    artefact = Artefact("footprints", tree.key(), "previewing all stacks, about a minute")
    directory = cache.install(artefact, build, report=report)
    _forget_old(directory)
    return parse((directory / _FILE).read_text(encoding="utf-8"), "the kept preview")


def _forget_old(kept: Path) -> None:
    """Remove previews that nobody has made for a while; they can be made again."""
    limit = time.time() - _KEPT_DAYS * 86_400
    for file in kept.parent.glob(f"*/{_FILE}"):
        if file.parent != kept and file.stat().st_mtime < limit:
            file.unlink(missing_ok=True)
            file.parent.rmdir()
