"""Starts the SDK's exec shim, without the SDK's debug messages.

Owns one deviation from the official host: `pulumi.log.debug` costs a blocking call to the engine for each message, five
for each resource, and the engine drops them unless it is run with `--debug`. PULUMI_DEBUG_MESSAGES=true keeps them.
"""

import os
import runpy
import sys


def main() -> None:
    """Run the shim that the first argument names with the arguments after it."""
    if os.environ.get("PULUMI_DEBUG_MESSAGES") != "true":
        import pulumi.log

        pulumi.log.debug = _drop
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")


def _drop(*_: object, **__: object) -> None:
    """Take what `pulumi.log.debug` takes, and do nothing."""


if __name__ == "__main__":
    main()
