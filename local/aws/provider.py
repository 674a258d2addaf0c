"""What the provider answers to each request, in plain Python: defaults, checks, diff, live or recorded.

Knows Pulumi's semantics and the tables; knows neither gRPC nor the network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from local.aws.engine.clients import Aws
from local.aws.engine.convert import Issue
from local.aws.engine.immutable import replaces
from local.aws.engine.lifecycle import HalfMadeError, Lifecycle, Resource
from local.aws.engine.naming import DEFAULTS, filled, is_generated
from local.aws.engine.requests import check as check_inputs
from local.aws.engine.spec import ResourceType
from local.aws.engine.state import base_state, made_up, previewed, recorded, with_known
from local.aws.engine.wire import UNKNOWN, Properties, Unknown
from local.aws.gaps import lacking, missing, shared, unfaithful, unfinished
from local.aws.ledger import Ledger
from local.aws.overlay import Overlay
from local.aws.registry import resource_type

MAIN_REGION: Final = "us-east-1"


@dataclass(frozen=True)
class Difference:
    """How inputs differ: added, changed, removed properties; which of them replace; and how to replace."""

    added: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    replacing: frozenset[str] = frozenset()
    delete_first: bool = False


@dataclass
class Provider:
    """The provider against one emulator."""

    aws: Aws
    emulator: str
    ledger: Ledger
    overlay: Overlay
    region: str = MAIN_REGION
    _lacking: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._lacking = lacking(self.emulator)

    def check(
        self, token: str, name: str, news: Properties, olds: Properties, seed: bytes
    ) -> tuple[Properties, list[Issue]]:
        """Inputs with defaults, and everything that is wrong with them."""
        kind = resource_type(token)
        inputs = filled(kind, news, olds, self.region, name, seed)
        state = with_known(kind, base_state(kind, inputs, UNKNOWN, ""))
        state.setdefault("id", UNKNOWN)
        for output in (*kind.outputs, *kind.known):
            state.setdefault(output, UNKNOWN)
        return inputs, check_inputs(kind, inputs, state, exists=bool(olds))

    def diff(self, token: str, olds: Properties, news: Properties) -> Difference:
        """What changes, and whether in place."""
        kind = resource_type(token)
        names = {name for name in {*olds, *news} - {DEFAULTS} if olds.get(name) != news.get(name)}
        # A write-only value takes effect when its version changes (pulumi-aws: "WoVersion ... to trigger an update").
        names = {name for name in names if not name.endswith("Wo")}
        replacing = frozenset(name for name in names if replaces(kind, name))
        verbatim = kind.delete_first or (
            kind.naming is not None
            and not is_generated(kind, news)
            and olds.get(kind.naming.property) == news.get(kind.naming.property)
            and olds.get("region") == news.get("region")
        )
        return Difference(
            added=frozenset(name for name in names if name not in olds),
            changed=frozenset(name for name in names if name in olds and name in news),
            removed=frozenset(name for name in names if name not in news),
            replacing=replacing,
            delete_first=bool(replacing) and verbatim,
        )

    def create(self, token: str, inputs: Properties, nonce: str, *, preview: bool) -> Resource:
        """Make the resource, live or in the ledger; at preview tell what is known of it."""
        kind = resource_type(token)
        if preview:
            identity, outputs = previewed(kind, inputs, self.aws.account)
            return Resource(identity, inputs, outputs)
        region = self._region(kind, inputs)
        if self._is_recorded(kind, inputs):
            identity, outputs = recorded(kind, inputs, self.aws.account, nonce)
            self.ledger.record(token, region, identity, inputs, outputs)
            return Resource(identity, inputs, self._overlaid(kind, region, identity, outputs))
        try:
            made = self._lifecycle(token).create(kind, inputs, nonce)
        except HalfMadeError as half:
            self.ledger.note_live(token, region, half.resource.id)
            raise
        self.ledger.note_live(token, region, made.id)
        return Resource(made.id, inputs, self._overlaid(kind, region, made.id, made.outputs))

    def read(self, token: str, identity: str, inputs: Properties, outputs: Properties) -> Resource | None:
        """The resource as it is, None when it is gone.  An import may carry its region: `id@region`."""
        kind = resource_type(token)
        if not inputs and "@" in identity and kind.regional:
            identity, _, region = identity.rpartition("@")
            inputs = {"region": region}
        region = self._region(kind, inputs or outputs)
        entry = self.ledger.recorded(token, region, identity)
        if entry is not None:
            return Resource(identity, entry.inputs, self._overlaid(kind, region, identity, entry.outputs))
        if inputs and self._is_recorded(kind, inputs):
            return None
        found = self._lifecycle(token).read(kind, identity, inputs or {"region": region}, outputs)
        if found is None:
            self.ledger.forget(token, region, identity)
            return None
        self.ledger.note_live(token, region, found.id)
        trusted = {DEFAULTS} | unfaithful(self.emulator, token) | missing(self.emulator, token)
        kept = {**found.inputs, **{name: inputs[name] for name in trusted if name in inputs}}
        return Resource(found.id, kept, self._overlaid(kind, region, found.id, found.outputs))

    def update(
        self, token: str, identity: str, olds: Properties, news: Properties, outputs: Properties, *, preview: bool
    ) -> Resource:
        """Bring the resource to new inputs in place."""
        kind = resource_type(token)
        region = self._region(kind, news)
        if preview:
            return Resource(identity, news, {**{k: v for k, v in outputs.items() if k not in olds}, **news})
        if self.ledger.recorded(token, region, identity) is not None:
            fresh = {**{name: value for name, value in outputs.items() if name not in olds}, **news}
            self.ledger.record(token, region, identity, news, fresh)
            return Resource(identity, news, self._overlaid(kind, region, identity, fresh))
        made = self._lifecycle(token).update(kind, identity, olds, news, outputs)
        return Resource(identity, news, self._overlaid(kind, region, identity, made.outputs))

    def delete(self, token: str, identity: str, inputs: Properties, outputs: Properties) -> None:
        """Delete the resource, or take it out of the ledger."""
        kind = resource_type(token)
        region = self._region(kind, inputs or outputs)
        if self.ledger.recorded(token, region, identity) is None:
            self._lifecycle(token).delete(kind, identity, inputs, outputs)
        self.ledger.forget(token, region, identity)

    def secret_outputs(self, token: str) -> frozenset[str]:
        """Outputs that the type makes secret by itself."""
        return resource_type(token).secret

    def _lifecycle(self, token: str) -> Lifecycle:
        return Lifecycle(
            self.aws,
            shallow=unfinished(self.emulator, token),
            unsent=missing(self.emulator, token),
            unread=unfaithful(self.emulator, token),
            shared=shared(self.emulator, token),
        )

    def _is_recorded(self, kind: ResourceType, inputs: Properties) -> bool:
        variant = kind.variant(inputs) if kind.variant else ""
        source = inputs.get(kind.follows) if kind.follows else None
        return (
            kind.pulumi_type in self._lacking
            or (bool(variant) and f"{kind.pulumi_type}[{variant}]" in self._lacking)
            or (
                isinstance(source, str)
                and self.ledger.recorded(kind.pulumi_type, self._region(kind, inputs), source) is not None
            )
        )

    def _region(self, kind: ResourceType, values: Properties) -> str:
        region = values.get("region") if kind.regional else MAIN_REGION
        return self.region if region is None or isinstance(region, Unknown) else str(region)

    def _overlaid(self, kind: ResourceType, region: str, identity: str, outputs: Properties) -> Properties:
        name = outputs.get(kind.naming.property) if kind.naming else None
        if unfinished(self.emulator, kind.pulumi_type):
            outputs = {**made_up(kind, outputs), **outputs}
        return self.overlay.applied(kind.pulumi_type, region, (identity, name), outputs)
