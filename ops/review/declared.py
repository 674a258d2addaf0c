"""Declared resources, read from digests of the engine's results. Owns the reading, not any judgement.

A digest is `local.engine.results.Result.digest`: JSON, so that a saved preview and a fresh one are read alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from policies.model import UNKNOWN, Resource, Value

Json = object

_UNKNOWN_STRINGS: Final = frozenset(
    {
        # Sentinels of the engine's wire format (pulumi sdk/go/common/resource/plugin/rpc.go).
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_SECRET_KEY: Final = "4dabf18193072939515e22adb298388d"
_SECRET_MARK: Final = "1b47061264138c4ac30d75fd1eb44270"
REDACTED: Final = "[secret]"
_INTERNAL: Final = frozenset({"__defaults"})


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource of one stack, as the program declares it."""

    stack: str
    component: str
    """The component that it belongs to, lower case (``database``); ``-`` at the top of a program."""
    type: str
    name: str
    inputs: Mapping[str, Value]
    protect: bool
    urn: str

    @property
    def resource(self) -> Resource:
        """As the laws look at it."""
        return Resource(self.type, self.name, self.inputs, self.protect, self.urn)

    @property
    def place(self) -> str:
        """``database.mumbai``: component and stack."""
        return f"{self.component}.{self.stack}"


def component_of(urn: str) -> str:
    """The innermost component of ours in a URN's chain of types: ``meridian:region:Database`` is ``database``."""
    chain = urn.split("::")[2].split("$") if urn.count("::") >= 3 else []
    ours = [kind.rsplit(":", 1)[-1] for kind in chain if kind.startswith("meridian:")]
    return _kebab(ours[-1]) if ours else "-"


def _kebab(name: str) -> str:
    return "".join(f"-{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def value_of(raw: Json) -> Value:
    """A value of the digest: unknowns become `UNKNOWN`, secrets `REDACTED`, lists tuples."""
    if isinstance(raw, str):
        return UNKNOWN if raw in _UNKNOWN_STRINGS else raw
    if raw is None or isinstance(raw, (bool, int, float)):
        return raw
    if isinstance(raw, list):
        return tuple(value_of(item) for item in raw)
    if isinstance(raw, Mapping):
        if raw.get(_SECRET_KEY) == _SECRET_MARK:
            return REDACTED
        return {str(key): value_of(item) for key, item in raw.items() if key not in _INTERNAL}
    raise TypeError(f"a digest holds JSON, not {type(raw).__name__}")


def declared(digests: Iterable[Mapping[str, Json]]) -> tuple[Declared, ...]:
    """Every custom resource that the programs of ``digests`` declare. Components and providers are left out."""
    result: dict[str, Declared] = {}
    for digest in digests:
        steps = digest.get("steps")
        for step in steps if isinstance(steps, list) else []:
            made = _declared(str(digest.get("stack")), step)
            if made is not None:
                result[made.urn] = made
    return tuple(result.values())


def _declared(stack: str, step: Mapping[str, Json]) -> Declared | None:
    new = step.get("new")
    kind = str(step.get("type"))
    if not isinstance(new, Mapping) or not new.get("custom") or kind.startswith("pulumi:"):
        return None
    urn = str(step.get("urn"))
    return Declared(
        stack=stack,
        component=component_of(urn),
        type=kind,
        name=urn.rsplit("::", 1)[-1],
        inputs=inputs_of(new),
        protect=bool(new.get("protect")),
        urn=urn,
    )


def inputs_of(state: Mapping[str, Json]) -> Mapping[str, Value]:
    """The declared inputs of a state, without those that the engine or the provider filled in by default."""
    raw = state.get("inputs")
    if not isinstance(raw, Mapping):
        return {}
    defaults = raw.get("__defaults")
    filled = set(defaults) if isinstance(defaults, list) else set()
    converted = value_of({key: item for key, item in raw.items() if key not in filled})
    return converted if isinstance(converted, Mapping) else {}
