"""``meridian preview``: what a deployment would change, by the real engine with the policy pack."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from local import paths
from local.engine import bootstrap
from local.engine.environment import Attachment
from local.engine.providers import ProviderCommand, running
from local.engine.pulumi import Runner
from local.engine.results import Result
from local.installation import Platform, project
from local.ports import PROVIDER_AWS, PROVIDER_KUBERNETES
from local.processes.program import NotReadyError
from local.processes.provider import check
from ops.commands import common


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("preview")(preview)


def preview(
    stacks: Annotated[list[str] | None, typer.Argument(help="Stacks; all of them if none is named.")] = None,
    json: common.Json = False,
    parallel: Annotated[int, typer.Option(min=1, max=8, help="Engines at a time, 250 MB each.")] = 2,
) -> None:
    """Show what a deployment would change, and hold it against every policy. Changes nothing.

    While the platform runs, against what it has deployed; else against nothing, so that everything is to be created.

    Examples:

        meridian preview

        meridian preview mumbai steering

        meridian preview --json > preview.json
    """
    installation = common.platform()
    with _runner(installation, parallel) as runner:
        results = runner.preview_all(stacks or None)
    if json:
        common.print_json([result.digest() for result in results])
    else:
        common.print_table(("STACK", "CHANGES", "ADVICE", "SECONDS"), [_row(result) for result in results])


def _row(result: Result) -> tuple[str, ...]:
    counts = ", ".join(f"{count} {op}" for op, count in sorted(result.changes.items())) or "none"
    return result.stack, counts, str(len(result.violations)), f"{result.seconds:.1f}"


@contextmanager
def _runner(installation: Platform, parallel: int) -> Iterator[Runner]:
    """The engine on the installation's own state if it runs, else on an empty state with providers of the moment.

    The latter previews what is committed, the former what is deployed here.
    """
    try:
        check(installation.ports.of(PROVIDER_AWS))
        check(installation.ports.of(PROVIDER_KUBERNETES))
    except NotReadyError:
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
            engine = bootstrap.obtain(home, report=installation.report)
            with running(commands, environment) as ports:
                yield Runner(project(), Attachment(home, engine, ports), installation.report, parallel)
    else:
        yield installation.runner(installation.attachment(), parallel)
