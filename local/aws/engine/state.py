"""The names that templates may refer to, and the outputs of a resource.

Outputs come from the answer where it tells, from predictable templates where it does not.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping

from local.aws.engine.observe import camel, camelised
from local.aws.engine.paths import names_in, render, search
from local.aws.engine.spec import ResourceType
from local.aws.engine.wire import UNKNOWN, Properties, Unknown, is_mapping


def base_state(kind: ResourceType, inputs: Mapping[str, object], account: object, nonce: str) -> Properties:
    """Inputs with account, region and a nonce for caller references."""
    region = inputs.get("region") if kind.regional else "us-east-1"
    digest = hashlib.sha256(f"{kind.pulumi_type}{nonce}".encode()).digest()
    state: Properties = {
        "account": account,
        "partition": "aws",
        "nonce": digest.hex()[:32],
        "uuid": str(uuid.UUID(bytes=digest[:16])),
        **inputs,
        "region": region or "us-east-1",
    }
    return state | {name: value for name, rule in kind.derived.items() if (value := rule(state)) is not None}


def with_known(kind: ResourceType, state: Properties) -> Properties:
    """The state with the outputs that can be told without the API, where it does not have them."""
    result = dict(state)
    for name, rule in kind.derived.items():
        if result.get(name) is None and (value := rule(result)) is not None:
            result[name] = value
    for name, template in kind.known.items():
        if result.get(name) is None:
            value = render(template, result)
            if value is not None:
                result[name] = value
    return result


def computed(kind: ResourceType, root: object, state: Mapping[str, object]) -> Properties:
    """Outputs of an answer: every plain member in the provider's style, then what the table says."""
    result: Properties = {}
    if is_mapping(root):
        for member, value in root.items():
            name = camel(member)
            if name not in state and name != "id" and isinstance(value, str | int | float | bool):
                result[name] = value
    for name, expression in kind.outputs.items():
        value = search(expression, root) if root is not None else None
        if value is not None:
            result[name] = camelised(value)
        elif state.get(name) is not None:
            result[name] = state[name]
    looked_up = {name for lookup in kind.lookups for name in lookup.outputs}
    result |= {name: camelised(state[name]) for name in looked_up if state.get(name) is not None}
    merged = with_known(kind, {**state, **result})
    known = {name: merged[name] for name in kind.known if name not in result and merged.get(name) is not None}
    return {**known, **result}


def identity_of(kind: ResourceType, state: Mapping[str, object]) -> str:
    """The Pulumi id; raises ValueError when the answer does not hold what it is made of."""
    value = render(kind.identity, state)
    if value is None:
        absent = sorted(name for name in names_in(kind.identity) if state.get(name) is None)
        raise ValueError(
            f"{kind.pulumi_type}: the emulator's answer lacks {', '.join(absent)}, of which the id is made"
        )
    return str(value)


def previewed(kind: ResourceType, inputs: Properties, account: object) -> tuple[str, Properties]:
    """Id ("" when unknown) and outputs of a resource that is not there yet."""
    state = with_known(kind, base_state(kind, inputs, account, ""))
    outputs = {**inputs, **{name: state[name] for name in kind.known if name in state}}
    later = (*kind.outputs, *kind.recorded, *(name for lookup in kind.lookups for name in lookup.outputs))
    outputs |= {name: UNKNOWN for name in later if name not in outputs}
    if "tags" in inputs:
        outputs["tagsAll"] = inputs["tags"]
    value = render(kind.identity, {**state, **outputs})
    return ("" if value is None or isinstance(value, Unknown) else str(value)), outputs


def made_up(kind: ResourceType, state: Mapping[str, object]) -> Properties:
    """Outputs that the emulator does not tell, in the form that AWS gives them."""
    return {name: value for name, form in kind.recorded.items() if (value := _filled(form, state)) is not None}


def _filled(form: object, state: Mapping[str, object]) -> object | None:
    """A template, or a structure of templates, with names in place; None when a name is not known."""
    if is_mapping(form):
        members = {name: _filled(member, state) for name, member in form.items()}
        return None if None in members.values() else members
    if isinstance(form, list):
        items = [_filled(item, state) for item in form]
        return None if None in items else items
    return render(str(form), state)


def recorded(kind: ResourceType, inputs: Properties, account: str, nonce: str) -> tuple[str, Properties]:
    """Id and outputs of a resource that only the ledger holds."""
    state = with_known(kind, base_state(kind, inputs, account, nonce))
    for name, form in kind.recorded.items():
        value = _filled(form, state)
        if value is not None:
            state[name] = value
    outputs = {name: state[name] for name in (*kind.known, *kind.recorded) if state.get(name) is not None}
    if "tags" in inputs:
        outputs["tagsAll"] = inputs["tags"]
    return identity_of(kind, state), {**inputs, **outputs}
