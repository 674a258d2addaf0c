"""``meridian env``: the environment that attaches other programs to this installation."""

from __future__ import annotations

import os
import shlex

import typer

from local.engine.environment import attachment_environment, prepare
from ops.commands import common
from regions.catalogue import HOME_CODE


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("env")(env)


def env(json: common.Json = False) -> None:
    """Print the variables that attach `pulumi`, the AWS CLI and boto3 to the emulated account.

    It is all that there is to it: without them the same commands use your own account and the official plugins.

    A plain `pulumi preview` or `pulumi up` writes this installation's encryption salt into the committed
    Pulumi.<stack>.yaml. Do not commit that: `git checkout Pulumi.*.yaml` takes it back. `meridian preview` leaves the
    files alone.

    Examples:

        eval "$(meridian env)" && pulumi stack output -s mumbai settings

        eval "$(meridian env)" && pulumi preview -s singapore
    """
    installation = common.platform()
    attachment = installation.attachment()
    prepare(installation.home)
    variables = {
        **attachment_environment(attachment, os.environ.get("PATH", os.defpath)),
        **installation.aws.environment(HOME_CODE),
    }
    if json:
        common.print_json(dict(variables))
    else:
        for key, value in variables.items():
            print(f"export {key}={shlex.quote(value)}")
