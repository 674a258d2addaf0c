"""Every resource says its region: one that does not is refused before any provider supplies its own.

Owns that refusal. Which region is right is for the laws (``policies/rules/regions``): they see what the provider was
asked for, and pulumi-aws has filled in the region of its configuration by then
(https://github.com/pulumi/pulumi-aws/pull/5610), so a forgotten one would be invisible to them.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

LAW = "REG-1"


class RegionForgottenError(Exception):
    """A resource was declared without a region; the message says which and what to do."""


def require_regions() -> None:
    """From here on, every resource of the running program is held to it."""
    pulumi.runtime.register_stack_transformation(_require)


def _require(args: pulumi.ResourceTransformationArgs) -> None:
    """Raises `RegionForgottenError`. Types without the argument have no such property; a read one is only looked up."""
    if not args.type_.startswith("aws:") or args.opts.id is not None:
        return
    properties = args.props if isinstance(args.props, Mapping) else vars(args.props)
    if "region" in properties and properties["region"] is None:
        raise RegionForgottenError(
            f"{LAW}: {args.name} ({args.type_}) declares no region, so it would land in the provider's: "
            "pass region=context.region"
        )
