"""The ``meridian`` command: its subcommands, its exit codes, and how an error reaches the user.

Owns the entry point. Does not own what a subcommand does (``ops.commands``).

Exit codes: 0 done; 1 it failed, with the reason on standard error; 2 wrong use, or something is missing on this
machine; 3 (``status``, ``doctor``, ``region return``) something is not well yet; 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from local.aws_access import EmulatorError
from local.configuration import ConfigurationError
from local.dataplane import SettingsError
from local.engine.bootstrap import EngineBuildError
from local.engine.providers import ProviderStartError
from local.engine.pulumi import EngineError
from local.installation import BusyError
from local.paths import UnusableDirectoryError
from local.ports import PortsError
from local.prerequisites import MissingPrerequisitesError
from local.processes.program import PreparationError
from local.sequence import StartError
from local.supervision import SupervisionError
from ops.commands import capacity, dlq, doctor, down, env, logs, preview, recount, region, status, up
from ops.commands.stores import StoresError
from ops.previews import SnapshotError
from ops.states import StateError
from ops.trees import TreeError
from policies.exceptions import ExceptionError
from regions.errors import CatalogueError
from services.counters.audit import RecountError
from services.counters.dead import DeadLetterError

FAILED, MISUSED = 1, 2

_FAILURES = (
    BusyError,
    CatalogueError,
    DeadLetterError,
    EmulatorError,
    EngineBuildError,
    EngineError,
    ExceptionError,
    PortsError,
    PreparationError,
    ProviderStartError,
    RecountError,
    SettingsError,
    SnapshotError,
    StartError,
    StateError,
    StoresError,
    SupervisionError,
    TreeError,
    UnusableDirectoryError,
)

app = typer.Typer(
    name="meridian",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Run Meridian on this machine, and look after it.

    Without an AWS account, Docker or root: an emulated AWS, the real Pulumi engine, real PostgreSQL, Valkey, Kafka
    and nginx, and every service, as processes on the loopback.

    Start with `meridian doctor`, then `meridian up`.
    """,
    epilog="Settings: CELLS, MERIDIAN_PORT_BASE, MERIDIAN_EMULATOR, KAFKA_HOME; in the environment or in the file `.env`.",
)
for _command in (up, down, status, logs, env, preview, doctor, dlq, recount, region, capacity):
    _command.register(app)


def main() -> NoReturn:
    """Entry point of the ``meridian`` command."""
    try:
        app()
    except ConfigurationError as error:
        sys.exit(_told(str(error), MISUSED))
    except MissingPrerequisitesError as error:
        sys.exit(_told(f"this machine lacks something:\n{error}", MISUSED))
    except _FAILURES as error:
        sys.exit(_told(str(error), FAILED))
    sys.exit(0)


def _told(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code
