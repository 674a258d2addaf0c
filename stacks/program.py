"""Dispatch: from the selected stack's name to the program that declares it. Declares nothing itself."""

from __future__ import annotations

import pulumi

from regions.catalogue import CATALOGUE
from regions.errors import CatalogueError
from regions.stacks import GLOBAL, STEERING, all_stacks, link_of, unknown
from stacks.config import ConfigurationError
from stacks.regional import RegionForgottenError, require_regions


def main() -> None:
    """Declare the selected stack. A name that does not exist, malformed configuration and a forgotten region end plainly."""
    require_regions()
    try:
        declare(pulumi.get_stack())
    except (CatalogueError, ConfigurationError, RegionForgottenError) as error:
        raise pulumi.RunError(str(error)) from None


def declare(stack: str) -> None:
    """Declare ``stack``. Raises `CatalogueError` for a name that does not exist.

    Programs are imported when they are chosen: each pulls in other parts of the provider's SDK, which is slow to load.
    """
    if stack not in all_stacks():
        raise CatalogueError(unknown(stack))
    if stack == GLOBAL:
        from stacks import global_

        global_.declare()
    elif stack == STEERING:
        from stacks import steering

        steering.declare()
    elif stack in CATALOGUE.names:
        from stacks import region

        region.declare(CATALOGUE.get(stack))
    else:
        from stacks import links

        links.declare(link_of(stack))
