"""``meridian preview``: what a deployment would change, by the real engine, held against every law."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from local.engine.pulumi import RunFailedError
from local.engine.results import Result
from local.installation import Platform
from local.ports import PROVIDER_AWS, PROVIDER_KUBERNETES
from local.processes.program import NotReadyError
from local.processes.provider import check
from ops import account, previews, states, trees
from ops.commands import common
from ops.previews import Snapshot, SnapshotError
from ops.review import cost, laws, report, review
from ops.review.declared import Declared, declared
from ops.review.review import FAILED, Judges, Said
from ops.review.settled import settled
from regions.prices import PriceError

Stacks = Annotated[list[str] | None, typer.Argument(help="Stacks; all of them if none is named.")]
Base = Annotated[str, typer.Option(metavar="REV", help="Report the change since this git revision.")]
Against = Annotated[Path | None, typer.Option(metavar="FILE", help="Report the change since this saved preview.")]
Description = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The change's description; its lines `Replaces: <name>` are obeyed.")
]
Artefact = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the whole report here, as JSON.")]
Account = Annotated[
    bool, typer.Option("--account", help="From the state of the configured AWS account, with the official plugins.")
]
Deployed = Annotated[
    bool, typer.Option("--deployed", help="With --base: from a state that deploying the base on the emulator made.")
]


@dataclass(frozen=True, slots=True)
class _Previewed:
    """What the engine said, and whether it started from a state."""

    results: tuple[Result, ...]
    failures: tuple[str, ...]
    from_state: bool
    kept: Snapshot | None = None
    """In place of results: what the cache has of a preview of these very files."""

    @property
    def failed(self) -> list[str]:
        """Stacks whose declaration is not known to its end."""
        return [result.stack for result in self.results if not (result.ok or self.from_state)]

    @property
    def digests(self) -> list[dict[str, object]]:
        """Of the stacks that could be previewed; of a state, whatever the engine said until it stopped."""
        if self.kept is not None:
            return [dict(digest) for digest in self.kept.digests]
        return [dict(result.digest()) for result in self.results if result.ok or self.from_state]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("preview")(preview)


def preview(
    stacks: Stacks = None,
    base: Base = "",
    against: Against = None,
    description: Description = None,
    artefact: Artefact = None,
    account: Account = False,
    deployed: Deployed = False,
    json: common.Json = False,
    parallel: Annotated[int, typer.Option(min=1, max=8, help="Engines at a time, 250 MB each.")] = 2,
) -> None:
    """Show what a deployment would change, and hold it against every law. Changes nothing.

    While the platform runs, against what it has deployed; else against nothing, so that everything is to be created.
    With `--base` or `--against`, the report of the change for its reviewers, as Markdown.

    Exit code 1: a stack failed or a law is broken; 3: data or an address would be lost and the description does not
    name it.

    Examples:

        meridian preview

        meridian preview mumbai steering

        meridian preview --base origin/main --description change.txt

        meridian preview --base origin/main --deployed

        meridian preview --json > preview.json
    """
    if base and against is not None:
        raise typer.BadParameter("give --base or --against, not both")
    if deployed and (not base or account):
        raise typer.BadParameter("--deployed needs --base, and --account has a state of its own")
    earlier = _earlier(base, against, parallel)
    accepted = _read(description, "--description") if description is not None else ""
    compared = earlier is not None and not (stacks or json)
    done = _previewed(stacks, parallel, of_account=account, deployed=base if deployed else "", keep=compared)
    if json:
        common.print_json([result.digest() for result in done.results])
        raise typer.Exit(_judged(declared(settled(done.digests)), done, complete=not stacks))
    if earlier is None:
        raise typer.Exit(_tell(done, complete=not stacks))
    earlier = (earlier.of(stacks) if stacks else earlier).without(done.failed)
    judges = Judges(datetime.now(tz=UTC).date(), complete=not (stacks or done.failures))
    raise typer.Exit(_report(done, earlier, accepted, judges, artefact))


def _earlier(base: str, against: Path | None, parallel: int) -> Snapshot | None:
    if against is not None:
        return previews.parse(_read(against, "--against"), str(against))
    if not base:
        return None
    with trees.revision(base) as tree:
        return previews.snapshot(tree, common.timed_report(), parallel)


def _read(file: Path, option: str) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotError(f"{option} {file}: cannot be read ({error}); name a text file") from error


def _previewed(
    stacks: Sequence[str] | None, parallel: int, *, of_account: bool, deployed: str, keep: bool
) -> _Previewed:
    """``keep``: all stacks from nothing may come from the cache, and go there."""
    try:
        if deployed:
            with trees.revision(deployed) as tree:
                results = states.preview_from(tree, trees.checkout(), stacks, common.timed_report(), parallel)
            return _Previewed(results, (), from_state=True)
        if of_account:
            return _Previewed(account.preview_all(stacks, common.timed_report(), parallel), (), from_state=True)
        installation = common.platform()
        if _stands(installation):
            runner = installation.runner(installation.attachment(), parallel)
            return _Previewed(runner.preview_all(stacks or None), (), from_state=True)
        if keep:
            return _Previewed((), (), False, previews.snapshot(trees.checkout(), common.timed_report(), parallel))
        with previews.from_nothing(previews.unjudged(trees.checkout()), installation.report, parallel) as runner:
            return _Previewed(runner.preview_all(stacks or None), (), from_state=False)
    except RunFailedError as error:
        told = tuple(f"{result.stack}: {line}" for result in error.results for line in result.errors if not result.ok)
        return _Previewed(error.results, told or (str(error),), from_state=of_account or bool(deployed))


def _tell(done: _Previewed, *, complete: bool) -> int:
    """The table of stacks, the laws and, when all stacks are there, the bill."""
    common.print_table(("STACK", "CHANGES", "SECONDS"), [_row(result) for result in done.results])
    resources = declared(settled(done.digests))
    code = _judged(resources, done, complete=complete)
    if done.failures or not complete:
        return code
    try:
        parts = cost.totals(resources)
    except PriceError as error:
        print(f"no price: {error}", file=sys.stderr)
        return FAILED
    print(f"Standing there costs {sum(usd for _, usd in parts):,.0f} USD a month on demand, use apart:")
    print("  " + ", ".join(f"{part} {usd:,.0f}" for part, usd in parts))
    return code


def _judged(resources: Sequence[Declared], done: _Previewed, *, complete: bool) -> int:
    """The exit code; on standard error what failed and every broken law. The union's laws only of ``complete`` ones."""
    for failure in done.failures:
        print(f"failed: {failure}", file=sys.stderr)
    if done.failures:
        return FAILED
    found = laws.broken(resources, datetime.now(tz=UTC).date(), complete=complete)
    for entry in found:
        print(f"broken: {entry}", file=sys.stderr)
    print(f"{len(resources)} resources; {len(laws.CODES)} laws, {len(found)} broken.", file=sys.stderr)
    return FAILED if found else 0


def _row(result: Result) -> tuple[str, ...]:
    counts = ", ".join(f"{count} {op}" for op, count in sorted(result.changes.items())) or "none"
    return result.stack, counts, f"{result.seconds:.1f}"


def _report(done: _Previewed, earlier: Snapshot, description: str, judges: Judges, artefact: Path | None) -> int:
    make = review.from_state if done.from_state else review.from_declarations
    after = Snapshot(tuple(done.digests), previews.use_of(trees.checkout(), common.timed_report()))
    findings = make(earlier, after, Said(description, done.failures), judges)
    if artefact is not None:
        artefact.write_text(report.artefact(findings), encoding="utf-8")
    print(report.render(findings), end="")
    return findings.code


def _stands(installation: Platform) -> bool:
    """Whether the platform runs here, so that there is a state to start from."""
    try:
        check(installation.ports.of(PROVIDER_AWS))
        check(installation.ports.of(PROVIDER_KUBERNETES))
    except NotReadyError:
        return False
    return True
