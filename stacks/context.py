"""The context: what every component is given, because nothing inherits it.

Owns the one provider of a program, the AWS region that resources are declared with, tags, resource options and
references to other stacks. Declares no other resource. pulumi-aws 7 takes ``region=`` on each resource; children do
not inherit it, and a forgotten one silently means the provider's default
(https://github.com/hashicorp/terraform-provider-aws/blob/main/website/docs/guides/enhanced-region-support.html.markdown).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Self, TypeVar

import pulumi
import pulumi_aws as aws

from regions.catalogue import Region
from regions.names import PROJECT, Hosts
from regions.stacks import GLOBAL
from stacks.config import RegionConfig, StackConfig
from stacks.exports import Exports, GlobalExports

E = TypeVar("E", bound=Exports)


@dataclass(frozen=True, kw_only=True)
class Context:
    """Everything that a component needs to declare a resource in the right place."""

    stack: str
    region: str
    """AWS region code, for ``region=``."""
    config: StackConfig
    account: str
    """Account number."""
    provider: aws.Provider
    references: Mapping[str, pulumi.StackReference]
    """Stacks that this one reads, by stack name."""
    parent: pulumi.Resource | None = field(default=None)

    @property
    def hosts(self) -> Hosts:
        """Host names of the deployment."""
        return Hosts(self.config.domain)

    @property
    def tags(self) -> dict[str, str]:
        """The tags of every resource that takes tags. ``Disposable`` tells laws and people that nothing is guarded."""
        tags = {"Project": PROJECT, "Stack": self.stack, "ManagedBy": "pulumi"}
        return tags if self.protect else tags | {"Disposable": "true"}

    def named(self, name: str) -> dict[str, str]:
        """The tags, and a name for the console."""
        return {**self.tags, "Name": f"{PROJECT}-{self.stack}-{name}"}

    @property
    def protect(self) -> bool:
        """Whether stateful resources are guarded against removal, by the engine and by AWS."""
        return not self.config.disposable

    def options(
        self,
        *,
        depends_on: Sequence[pulumi.Resource] = (),
        delete_before_replace: bool | None = None,
        ignore_changes: Sequence[str] = (),
    ) -> pulumi.ResourceOptions:
        """Options of a resource that can be made again."""
        return pulumi.ResourceOptions(
            parent=self.parent,
            provider=self.provider,
            depends_on=list(depends_on) or None,
            delete_before_replace=delete_before_replace,
            ignore_changes=list(ignore_changes) or None,
        )

    def stateful(
        self, *, depends_on: Sequence[pulumi.Resource] = (), ignore_changes: Sequence[str] = ()
    ) -> pulumi.ResourceOptions:
        """Options of a resource whose loss loses data or an address: protected unless the stack is disposable."""
        return pulumi.ResourceOptions.merge(
            self.options(depends_on=depends_on, ignore_changes=ignore_changes),
            pulumi.ResourceOptions(protect=self.protect),
        )

    def component(self) -> pulumi.ResourceOptions:
        """Options of a component resource."""
        return pulumi.ResourceOptions(parent=self.parent, providers=[self.provider])

    def lookup(self) -> pulumi.InvokeOptions:
        """Options of a plain look-up."""
        return pulumi.InvokeOptions(parent=self.parent, provider=self.provider)

    def lookup_output(self, *, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.InvokeOutputOptions:
        """Options of a look-up whose arguments are outputs."""
        return pulumi.InvokeOutputOptions(
            parent=self.parent, provider=self.provider, depends_on=list(depends_on) or None
        )

    def within(self, parent: pulumi.Resource) -> Self:
        """The context of what belongs to ``parent``."""
        return replace(self, parent=parent)

    def at(self, region: str) -> Self:
        """The context of resources in another AWS region."""
        return replace(self, region=region)

    def exports(self, stack: str, kind: type[E]) -> E:
        """The typed exports of another stack; one that was not referenced when the program began is a KeyError."""
        return kind.read(stack, self.references[stack])

    def global_exports(self) -> GlobalExports:
        """The exports of the stack ``global``."""
        return self.exports(GLOBAL, GlobalExports)


@dataclass(frozen=True, kw_only=True)
class CellContext(Context):
    """The context of a region's stack."""

    cell: Region
    config: RegionConfig


def open_context(stack: str, region: str, config: StackConfig, references: Sequence[str] = ()) -> Context:
    """The context of a program whose resources are in ``region`` unless they say otherwise."""
    provider = aws.Provider(
        "aws", region=region, allowed_account_ids=None if config.account is None else [config.account]
    )
    identity = aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=provider))
    return Context(
        stack=stack,
        region=region,
        config=config,
        account=identity.account_id,
        provider=provider,
        references=MappingProxyType({name: _reference(name) for name in references}),
    )


def open_cell(cell: Region, config: RegionConfig) -> CellContext:
    """The context of the stack of ``cell``."""
    base = open_context(cell.name, cell.code, config, references=(GLOBAL,))
    return CellContext(
        stack=base.stack,
        region=base.region,
        config=config,
        account=base.account,
        provider=base.provider,
        references=base.references,
        cell=cell,
    )


def _reference(stack: str) -> pulumi.StackReference:
    """Fully qualified, as self-managed backends want it: their organization is called ``organization``."""
    return pulumi.StackReference(stack, f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}")
