"""The environment in which the engine works on the embedded default, and the files that it needs.

Owns every `PULUMI_*` variable of this project. The attachment is this environment and nothing else: without it a plain
`pulumi preview` uses the account, the backend and the official plugins of whoever runs it.

Layout below the home: `pulumi/` is PULUMI_HOME, `state/` the backend, `engine/passphrase` what encrypts secrets in it.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import paths
from local.engine import bootstrap
from local.engine.bootstrap import Engine
from regions.writers import FILE_ENV


@dataclass(frozen=True, slots=True)
class Attachment:
    """What `attachment_environment` needs to know. `providers` maps a package name to a port on 127.0.0.1."""

    home: Path
    engine: Engine
    providers: Mapping[str, int]
    checkpoints: bool = True
    """Whether the state is written at each step. Without, a region is deployed with half the work, and a run that is
    killed forgets what it made: for deployments that end with the process that asked for them."""
    writers: Path | None = None
    """Record of promotions of this installation, in place of the committed one."""


def attachment_environment(attachment: Attachment, path: str) -> dict[str, str]:
    """The variables that attach any `pulumi` command to the embedded default; `path` is the present PATH.

    Pure. `prepare` makes the files to which they point.
    """
    home = attachment.home
    return {
        "PATH": _in_front(attachment.engine.directories, path),
        bootstrap.INTERPRETER_VARIABLE: sys.executable,
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home / "engine" / "passphrase"),
        # The stacks' committed configuration holds no encryption salt, so it is read from the state.
        "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
        "PULUMI_DEBUG_PROVIDERS": ",".join(f"{name}:{port}" for name, port in sorted(attachment.providers.items())),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # The backend replaces a state file in one step, so a copy of the one before protects from nothing.
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_ERROR_OUTPUT_STRING": "true",
        **({} if attachment.writers is None else {FILE_ENV: str(attachment.writers)}),
    }


def prepare(home: Path) -> None:
    """Make the directories and the passphrase of this installation, where they are missing."""
    for name in ("pulumi", "state", "engine"):
        paths.private_directory(home / name)
    passphrase = home / "engine" / "passphrase"
    if not passphrase.exists():
        paths.write_private_once(passphrase, secrets.token_urlsafe(32))


def process_environment(attachment: Attachment) -> dict[str, str]:
    """The whole environment of an engine process: this one, without the caller's own Pulumi, with the attachment.

    Variables of the caller such as PULUMI_ACCESS_TOKEN or PULUMI_CONFIG_PASSPHRASE would redirect or unlock
    something else, so none is inherited. Bytecode is kept even where the caller keeps none, but in the cache: a region
    imports a thousand modules of the SDK, and compiling them takes as long as all the rest of its program.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    if inherited.pop("PYTHONDONTWRITEBYTECODE", None) is not None:
        inherited.setdefault("PYTHONPYCACHEPREFIX", str(paths.cache() / "bytecode"))
    # An engine writes the whole state at each step and throws it away: fewer collections save a tenth of its work.
    inherited.setdefault("GOGC", "400")
    if not attachment.checkpoints:
        inherited |= {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}
    return inherited | attachment_environment(attachment, os.environ.get("PATH", os.defpath))


def _in_front(directories: tuple[Path, ...], path: str) -> str:
    own = [str(directory) for directory in directories]
    return os.pathsep.join([*own, *(entry for entry in path.split(os.pathsep) if entry not in own)])
