"""Property values as the engine sends them, and what a manifest makes of them.

Owns the reading of secrets and unknowns in a property tree. The tree itself is left as it came wherever it goes back to
the engine, so that secrets stay secret there.
"""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from google.protobuf import json_format, struct_pb2

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Object: TypeAlias = dict[str, "Value"]
Path: TypeAlias = tuple[str | int, ...]

# The signatures are constants of the protocol: sdk/v3 `go/common/resource/properties.go` and `sig`.
UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"


def from_struct(struct: struct_pb2.Struct) -> Object:
    """The tree of a message; numbers that are whole become integers, as manifests want them."""
    return {key: _whole(value) for key, value in json_format.MessageToDict(struct).items()}


def to_struct(tree: Mapping[str, Value]) -> struct_pb2.Struct:
    """The tree as a message."""
    struct = struct_pb2.Struct()
    struct.update(dict(tree))
    return struct


def as_object(value: Value) -> Object:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def secret(value: Value) -> Value:
    """The value, marked as a secret for the engine."""
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def is_secret(value: Value) -> bool:
    """Whether the value is one that the engine marked as a secret."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def plain(value: Value) -> Value:
    """The tree with every secret opened."""
    if isinstance(value, dict):
        if is_secret(value):
            return plain(value.get("value"))
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def masked(value: Value, mask: str) -> Value:
    """The tree with `mask` in place of every secret."""
    if isinstance(value, dict):
        if is_secret(value):
            return mask
        return {key: masked(item, mask) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    return value


def contains_secret(value: Value) -> bool:
    """Whether anything in the tree is a secret."""
    if isinstance(value, dict):
        return is_secret(value) or any(contains_secret(item) for item in value.values())
    return isinstance(value, list) and any(contains_secret(item) for item in value)


def unknowns(value: Value, at: Path = ()) -> Iterator[Path]:
    """Where the (plain) tree holds a value that is known only after deployment."""
    if value == UNKNOWN:
        yield at
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from unknowns(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknowns(item, (*at, index))


def dotted(path: Path) -> str:
    """A path as the engine writes it: `spec.containers[0].image`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "").replace("-", "").isalnum() and "-" not in part:
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]'
    return text


def _whole(value: Value) -> Value:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return value
