"""Small digests of engine results, in the engine's own form. Owns no expectation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Json = object


def urn(stack: str, kind: str, name: str, component: str = "Database") -> str:
    return f"urn:pulumi:{stack}::meridian::meridian:region:{component}${kind}::{name}"


def state(inputs: Mapping[str, Json], *, protect: bool = False, outputs: Mapping[str, Json] | None = None) -> Json:
    return {"custom": True, "inputs": dict(inputs), "outputs": dict(outputs or {}), "protect": protect}


def step(
    op: str,
    stack: str,
    kind: str,
    name: str,
    *,
    old: Mapping[str, Json] | None = None,
    new: Mapping[str, Json] | None = None,
    component: str = "Database",
    replaced_for: Sequence[str] = (),
    changed: Sequence[str] = (),
    outputs: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    return {
        "op": op,
        "urn": urn(stack, kind, name, component),
        "type": kind,
        "old": None if old is None else state(old, outputs=outputs),
        "new": None if new is None else state(new),
        "replacedFor": list(replaced_for),
        "changed": list(changed),
        "detailed": {},
    }


def created(stack: str, kind: str, name: str, component: str = "Database", /, **inputs: Json) -> dict[str, Json]:
    return step("create", stack, kind, name, new=inputs, component=component)


def digest(stack: str, *steps: Mapping[str, Json]) -> dict[str, Json]:
    return {"stack": stack, "operation": "preview", "ok": True, "changes": {}, "steps": list(steps)}
