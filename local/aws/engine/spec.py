"""The vocabulary of the tables: what one resource type is, in terms of operations of an AWS API.

Owns the shape of a table entry, nothing else.  Conventions:

* **Template**: a string with `{name}` references, looked up in inputs, then outputs, then `id`, `region`, `account`.
  A template that is one reference only yields the value itself (list, number …), and is left out when it is absent.
* **Path**: where a property goes in a request, `/` between the steps: `QueueName`, `Attributes/VisibilityTimeout`,
  `VpcConfig/SubnetIds`.  A step into a map is a key; a step into a list of `{Key, Value}` structures is its key.
* **Expression**: JMESPath over an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from local.aws.engine.wire import Properties


@dataclass(frozen=True)
class Call:
    """One API operation.

    `bind`: request path -> template (or constant) that does not come from a declared property of the same name.
    `rename`: in place of the type's for this operation ("" for a property that it must not take).
    `wrap`: path under which the declared properties go (`DistributionConfig`).
    `root`: expression of the resource within the answer; `properties`: expression, below the root, of the part that
    mirrors the declared properties.  `service` and `region` where they are not the resource's.  `partial`: an update
    sends only what changed.  `declared`: a delete sends the declared properties too.
    """

    operation: str
    bind: Mapping[str, object] = field(default_factory=dict)
    wrap: str = ""
    rename: Mapping[str, str] | None = None
    root: str = "@"
    properties: str = "@"
    service: str = ""
    region: str = ""
    partial: bool = False
    declared: bool = False


@dataclass(frozen=True)
class Lookup:
    """Outputs that a further read operation tells: output property -> expression over its root."""

    call: Call
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Creator:
    """Another way to create: when property `when` is declared.  `inherited` come from what `when` names."""

    when: str
    call: Call
    inherited: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Facet:
    """Properties of a resource that an operation of their own sets, reads and clears.

    Without `get` they are read from the resource's main answer.  `switch` names a boolean that is not sent: true calls
    `put`, false calls `clear`.  `late`: the create operation takes the properties, only changes go through `put`.
    """

    properties: tuple[str, ...]
    put: Call
    get: Call | None = None
    clear: Call | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    switch: str = ""
    late: bool = False


@dataclass(frozen=True)
class Tagging:
    """How a service tags: operations, and the request member that names the resource.

    `listing` is the expression of the tags (list of key/value structures, or a map) within the list answer.
    """

    tag: str
    untag: str
    list: str
    resource: str
    of: str = "{arn}"
    tags: str = "Tags"
    keys: str = "TagKeys"
    listing: str = "Tags"
    bind: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Naming:
    """How a resource is named when the program does not: property, longest name, text that must lead the name."""

    property: str = "name"
    prefix: str = "namePrefix"
    limit: int = 64
    lower: bool = False
    lead: str = ""


class Api(Protocol):
    """What a hook may do: call an operation of the resource's service in the resource's region."""

    def call(self, operation: str, params: Mapping[str, object], *, service: str = "") -> Properties:
        """The operation's answer; raises AwsError with the API's code."""


Derivation = Callable[[Mapping[str, object]], object]
Hook = Callable[[Api, Properties], None]
Shaping = Callable[[Properties], Properties]


@dataclass(frozen=True, eq=False)
class ResourceType:
    """One Pulumi resource type as AWS operations.

    `identity` is the template of the Pulumi id, `imported` that of the id that an import gives where it
    is another, `parse` what takes it apart where the template cannot.  `outputs` maps output properties to expressions over the root of the
    create and read answers; `known` to templates that hold before the resource exists, and are what a ledger entry
    answers.  `rename` gives request paths of properties whose name alone does not find them, `reads` paths in the read
    answer where they differ (`=` and an expression, or "" when the answer does not hold the property), `nested` exceptions by shape (`Shape.key` -> member).  `local` lists properties that
    are for the provider and not for the API.  `shape` rewrites declared properties before conversion where the
    provider's structure is not the API's.  `replace` and `in_place` correct what CloudFormation's schema says of
    immutability.  `ready` is (expression over the root, good values), `gone`
    the same for a resource that still answers but counts as deleted.  `recorded` are templates, or structures of them, for what a
    ledger entry answers besides `known` (`{uuid}` is one of its own).  `derived` are further names for
    templates, `lookups` outputs from further read operations, `delta` list properties that the
    update operation takes as (entries to add, entries to remove).  `creators` are other create operations, `prefix` properties of which AWS completes a shorter value (versions), `superset` lists of which it answers more entries than were declared, `volatile`
    that an update and a delete need a token that each change renews.  `follows` is the property that names another resource of the
    type and region by its id: what follows one of the ledger's is the ledger's, as the emulator does not know its source.  `reset` is sent for a property that the program no longer
    declares.
    """

    pulumi_type: str
    service: str
    create: Call
    read: Call
    identity: str
    cfn: str = ""
    imported: str = ""
    parse: Callable[[str], dict[str, str]] | None = None
    update: Call | None = None
    delete: Call | None = None
    facets: tuple[Facet, ...] = ()
    rename: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, str] = field(default_factory=dict)
    nested: Mapping[str, str] = field(default_factory=dict)
    local: frozenset[str] = frozenset()
    naming: Naming | None = None
    derived: Mapping[str, Derivation] = field(default_factory=dict)
    lookups: tuple[Lookup, ...] = ()
    delta: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    tagging: Tagging | None = None
    shape: Shaping | None = None
    replace: frozenset[str] = frozenset()
    in_place: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    regional: bool = True
    ready: tuple[str, tuple[object, ...]] | None = None
    gone: tuple[str, tuple[object, ...]] | None = None
    recorded: Mapping[str, object] = field(default_factory=dict)
    reset: Mapping[str, object] = field(default_factory=dict)
    creators: tuple[Creator, ...] = ()
    prefix: frozenset[str] = frozenset()
    superset: frozenset[str] = frozenset()
    volatile: bool = False
    before_delete: Hook | None = None
    after_create: Hook | None = None
    after_update: Hook | None = None
    variant: Callable[[Properties], str] | None = None
    follows: str | None = None
    delete_first: bool = False
