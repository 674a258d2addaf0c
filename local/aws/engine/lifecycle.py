"""Create, read, update and delete of one resource by its table entry, against the emulator.

Knows no type and no wire format: works on plain properties.  Owns the order of operations and the wait for readiness.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from local.aws.engine.clients import Aws, AwsError
from local.aws.engine.convert import Converter, place, shape_at
from local.aws.engine.models import ListShape, StructureShape
from local.aws.engine.observe import tags_of
from local.aws.engine.paths import names_in, parse, render, search
from local.aws.engine.reading import Live, adopted, observed
from local.aws.engine.requests import Request, build, creation, input_shape, owned, shaped, takes
from local.aws.engine.spec import Call, Facet, ResourceType
from local.aws.engine.state import base_state, computed, identity_of, with_known
from local.aws.engine.wire import Properties, is_mapping

_READY_SECONDS = 120.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Resource:
    """A resource as the engine keeps it: id, inputs as declared (or as found), outputs."""

    id: str
    inputs: Properties
    outputs: Properties


class HalfMadeError(Exception):
    """A resource came to be, but a later step failed: the engine must keep it, to finish or to delete it."""

    def __init__(self, resource: Resource, cause: AwsError) -> None:
        super().__init__(str(cause))
        self.resource = resource


@dataclass(frozen=True)
class Lifecycle:
    """The operations on resources of any type.  `shallow`: neither wait for readiness nor ask for what it brings.

    `unsent` are properties for which the emulator has no operation, `unread` those that it answers wrongly.
    `shared`: the emulator may say that a resource exists which nobody made; it counts as made if it is as declared.
    """

    aws: Aws
    shallow: bool = False
    unsent: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    shared: bool = False

    def create(self, kind: ResourceType, inputs: Properties, nonce: str) -> Resource:
        """Make the resource; raises AwsError, or HalfMadeError when it exists but is not finished."""
        state = with_known(kind, base_state(kind, inputs, self.aws.account, nonce))
        values = self._sent(kind, inputs)
        main = {name: value for name, value in values.items() if name not in owned(kind, creating=True)}
        call = creation(kind, inputs)
        try:
            answer = self._send(kind, build(kind, call, main, state), state)
        except AwsError as error:
            twin = self._twin(kind, inputs, state) if self.shared and "AlreadyExists" in error.code else None
            if twin is None:
                raise
            return twin
        root = _root(call, answer, state)
        state |= computed(kind, root, state)
        identity = identity_of(kind, state)
        state["id"] = identity
        try:
            for facet in kind.facets:
                if not facet.late:
                    self._put(kind, facet, values, state)
            if kind.tagging and "tags" in values and not takes(kind, call, kind.rename, "tags"):
                self._tag(kind, values["tags"], state)
            if kind.after_create:
                kind.after_create(_Hooked(self.aws, kind, _region(state)), state)
            self._settle(kind, state)
            self._complete(kind, call, main, state)
            live = self._read(kind, state, values)
        except AwsError as error:
            outputs = {**inputs, **computed(kind, root, state)}
            raise HalfMadeError(Resource(identity, inputs, outputs), error) from error
        outputs = computed(kind, live.root if live else root, state)
        return Resource(identity, inputs, {**inputs, **_tags_all(inputs), **outputs})

    def read(self, kind: ResourceType, identity: str, inputs: Properties, outputs: Properties) -> Resource | None:
        """The resource as it is now, None when it is gone.  Without inputs it is an import: all is taken over."""
        state = self._state(kind, identity, inputs, outputs)
        importing = not any(name for name in inputs if name != "region")
        if importing:
            identity = identity_of(kind, state)
            state["id"] = identity
        try:
            live = self._read(kind, state, None if importing else shaped(kind, inputs))
        except AwsError as error:
            if self._absent(error):
                return None
            raise
        if live is None:
            return None
        state |= computed(kind, live.root, state)
        found = adopted(kind, live, state) if importing else observed(kind, inputs, live)
        return Resource(identity, found, {**found, **_tags_all(found), **computed(kind, live.root, state)})

    def update(
        self, kind: ResourceType, identity: str, olds: Properties, news: Properties, outs: Properties
    ) -> Resource:
        """Bring the resource to its new inputs."""
        state = self._state(kind, identity, news, outs)
        changed = {name for name in {*olds, *news} if olds.get(name) != news.get(name)}
        changed |= {name.removesuffix("Version") for name in changed if name.endswith("WoVersion")}
        values = self._sent(kind, news)
        before = shaped(kind, olds)
        changed |= {name for name in {*before, *values} if before.get(name) != values.get(name)}
        self._renew(kind, state)
        main = {name: value for name, value in values.items() if name not in owned(kind)}
        main |= {name: kind.reset[name] for name in changed if name in kind.reset and news.get(name) is None}
        if kind.update and any(
            takes(kind, kind.update, kind.rename, name) for name in changed - owned(kind) - {"tags"}
        ):
            self._send(kind, build(kind, kind.update, {n: v for n, v in main.items() if n != "tags"}, state), state)
        for facet in kind.facets:
            if changed & set(facet.properties):
                self._put(kind, facet, values, state, clear=True)
        if kind.tagging and "tags" in changed:
            self._retag(kind, olds.get("tags"), news.get("tags"), state)
        if kind.after_update:
            kind.after_update(_Hooked(self.aws, kind, _region(state)), state)
        self._settle(kind, state)
        live = self._read(kind, state, values)
        fresh = computed(kind, live.root, state) if live else {}
        kept = {name: value for name, value in outs.items() if name not in olds}
        return Resource(identity, news, {**kept, **news, **_tags_all(news), **fresh})

    def delete(self, kind: ResourceType, identity: str, inputs: Properties, outputs: Properties) -> None:
        """Delete the resource; one that is gone already is deleted."""
        state = self._state(kind, identity, inputs, outputs)
        try:
            self._renew(kind, state)
            if kind.before_delete:
                kind.before_delete(_Hooked(self.aws, kind, _region(state)), state)
            if kind.delete:
                values = shaped(kind, inputs) if kind.delete.declared else {}
                self._send(kind, build(kind, kind.delete, values, state), state)
        except AwsError as error:
            if not self._absent(error):
                raise

    def _absent(self, error: AwsError) -> bool:
        """moto 5.2.5 answers a question for an MSK cluster that is not there with an error of its own."""
        return error.absent or (self.shallow and error.code == "500")

    def _sent(self, kind: ResourceType, inputs: Properties) -> Properties:
        return {name: value for name, value in shaped(kind, inputs).items() if name not in self.unsent}

    def _state(self, kind: ResourceType, identity: str, inputs: Properties, outputs: Properties) -> Properties:
        try:
            if kind.parse:
                parts = kind.parse(identity)
            else:
                parts = parse(kind.identity if outputs else kind.imported or kind.identity, identity)
        except ValueError:
            if not outputs:
                raise
            parts = {}
        state = base_state(kind, {**parts, **outputs, **inputs}, self.aws.account, "")
        return with_known(kind, {**state, "id": identity})

    def _twin(self, kind: ResourceType, inputs: Properties, state: Properties) -> Resource | None:
        """A resource of the declared name that is there already, if it is exactly as declared."""
        found = self.read(kind, identity_of(kind, state), inputs, {})
        return found if found is not None and found.inputs == inputs else None

    def _complete(self, kind: ResourceType, created: Call, values: Properties, state: Properties) -> None:
        """Set what the operation that created does not take and the one that updates does."""
        if kind.update is None:
            return
        update = kind.update
        rest = {
            name: value
            for name, value in values.items()
            if name != "tags" and not takes(kind, created, kind.rename, name) and takes(kind, update, kind.rename, name)
        }
        if rest:
            named = {name: values[name] for name in names_in(kind.identity) if name in values}
            self._send(kind, build(kind, update, named | rest, state), state)
            self._settle(kind, state)

    def _renew(self, kind: ResourceType, state: Properties) -> None:
        """Take the current token of a type whose changes need one (an ETag, a lock token)."""
        if not kind.volatile:
            return
        request = build(kind, kind.read, {}, state)
        root = _root(kind.read, self.aws.read(kind.service, _region(state), kind.read.operation, request.params), state)
        state |= {name: value for name, e in kind.outputs.items() if (value := search(e, root)) is not None}

    def _send(self, kind: ResourceType, request: Request, state: Mapping[str, object]) -> Properties:
        call = request.call
        region = render(call.region, state) if call.region else _region(state)
        return self.aws.call(call.service or kind.service, str(region), call.operation, request.params)

    def _read(self, kind: ResourceType, state: Properties, values: Properties | None) -> Live | None:
        """The main answer and those of the facets that are declared (of all when nothing is declared)."""
        request = build(kind, kind.read, {}, state)
        answer = self.aws.read(kind.read.service or kind.service, _region(state), kind.read.operation, request.params)
        root = _root(kind.read, answer, state)
        if root is None or root == [] or (kind.gone and search(kind.gone[0], root) in kind.gone[1]):
            return None
        state |= computed(kind, root, state)
        for lookup in () if self.shallow else kind.lookups:
            found = self._facet(kind, lookup.call, state)
            state |= {name: value for name, e in lookup.outputs.items() if (value := search(e, found)) is not None}
        facets: dict[int, object] = {}
        for index, facet in enumerate(kind.facets):
            if facet.get and (values is None or any(name in values for name in facet.properties)):
                facets[index] = self._facet(kind, facet.get, state)
        return Live(root, facets, self._tags(kind, root, state, values))

    def _facet(self, kind: ResourceType, get: Call, state: Properties) -> object:
        try:
            answer = self.aws.read(
                get.service or kind.service, _region(state), get.operation, build(kind, get, {}, state).params
            )
        except AwsError as error:
            if error.absent:
                return None
            raise
        return search(get.properties, _root(get, answer, state))

    def _tags(
        self, kind: ResourceType, root: object, state: Properties, values: Properties | None
    ) -> Properties | None:
        if kind.tagging is None or "tags" in self.unread or (values is not None and "tags" not in values):
            return None
        if not kind.tagging.list:
            return tags_of(search(kind.tagging.listing, root))
        params = build(
            kind, Call(kind.tagging.list, bind={**kind.tagging.bind, kind.tagging.resource: kind.tagging.of}), {}, state
        ).params
        try:
            answer = self.aws.read(kind.service, _region(state), kind.tagging.list, params)
        except AwsError as error:
            if error.absent:
                return {}
            raise
        return tags_of(search(kind.tagging.listing, answer))

    def _put(
        self, kind: ResourceType, facet: Facet, values: Properties, state: Properties, *, clear: bool = False
    ) -> None:
        mine = {name: values[name] for name in facet.properties if name in values}
        off = bool(facet.switch) and values.get(facet.switch) is False
        if mine and not off:
            mine.pop(facet.switch, None)
            self._send(kind, build(kind, facet.put, mine, state, facet.rename or kind.rename), state)
        elif (clear or off) and facet.clear:
            try:
                self._send(kind, build(kind, facet.clear, {}, state), state)
            except AwsError as error:
                if not error.absent:
                    raise

    def _tag(self, kind: ResourceType, tags: object, state: Properties) -> None:
        tagging = kind.tagging
        if tagging is None or not is_mapping(tags) or not tags:
            return
        call = Call(tagging.tag, bind={**tagging.bind, tagging.resource: tagging.of})
        shape = input_shape(kind, call)
        target = shape_at(shape, tagging.tags)
        params = build(kind, call, {}, state).params
        if target is not None:
            place(params, shape, tagging.tags, Converter(kind.nested).convert(dict(tags), target, "tags"))
        self.aws.call(kind.service, _region(state), tagging.tag, params)

    def _retag(self, kind: ResourceType, old: object, new: object, state: Properties) -> None:
        tagging = kind.tagging
        before = dict(old) if is_mapping(old) else {}
        after = dict(new) if is_mapping(new) else {}
        lost: list[object] = [key for key in before if key not in after]
        if tagging and lost:
            call = Call(tagging.untag, bind={**tagging.bind, tagging.resource: tagging.of})
            target = shape_at(input_shape(kind, call), tagging.keys)
            by_entry = isinstance(target, ListShape) and isinstance(target.member, StructureShape)
            keys: list[object] = [{"Key": key} for key in lost] if by_entry else lost
            params = build(kind, call, {}, state).params
            place(params, input_shape(kind, call), tagging.keys, keys)
            self.aws.call(kind.service, _region(state), tagging.untag, params)
        self._tag(kind, after, state)

    def _settle(self, kind: ResourceType, state: Properties) -> None:
        """Wait until the resource is ready; raises AwsError when it is not in time."""
        if kind.ready is None or self.shallow:
            return
        expression, good = kind.ready
        end = time.monotonic() + _READY_SECONDS
        while True:
            params = build(kind, kind.read, {}, state).params
            answer = self.aws.read(kind.read.service or kind.service, _region(state), kind.read.operation, params)
            status = search(expression, _root(kind.read, answer, state))
            if status is None or status in good:
                return
            if time.monotonic() > end:
                raise AwsError(
                    kind.read.operation, "Timeout", f"still {status!r} after {_READY_SECONDS:g} s, not {good}"
                )
            time.sleep(_POLL_SECONDS)


def _root(call: Call, answer: object, state: Mapping[str, object]) -> object:
    return search(str(render(call.root, state)), answer)


def _tags_all(inputs: Properties) -> Properties:
    return {"tagsAll": inputs["tags"]} if "tags" in inputs else {}


def _region(state: Mapping[str, object]) -> str:
    return str(state.get("region") or "us-east-1")


@dataclass(frozen=True)
class _Hooked:
    aws: Aws
    kind: ResourceType
    region: str

    def call(self, operation: str, params: Mapping[str, object], *, service: str = "") -> Properties:
        return self.aws.call(service or self.kind.service, self.region, operation, params)
