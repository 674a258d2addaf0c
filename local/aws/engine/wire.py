"""Pulumi's property bags to plain Python and back.

Owns the engine's signature keys (secrets, output values, unknowns, text assets).  Secretness is kept per top-level
property, which is the granularity at which a provider may mark outputs.  Does not know any AWS type.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeGuard

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

Properties = dict[str, object]


class Unknown:
    """A value that exists only after the deployment; every instance is equal to every other."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unknown)

    def __hash__(self) -> int:
        return hash(Unknown)

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
_SIGNATURE: Final[str] = rpc._special_sig_key
_SECRET: Final[str] = rpc._special_secret_sig
_OUTPUT: Final[str] = rpc._special_output_value_sig
_ASSET: Final[str] = rpc._special_asset_sig
_RESOURCE: Final[str] = rpc._special_resource_sig


@dataclass(frozen=True)
class Bag:
    """Decoded properties and the names of those that carry a secret anywhere inside."""

    values: Properties
    secrets: frozenset[str]


def is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    """True for a dictionary; its keys come from protobuf or JSON and are strings."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[object]]:
    """True for a list or a tuple of values."""
    return isinstance(value, list | tuple)


def has_unknown(value: object) -> bool:
    """True when any part of the value is unknown."""
    if isinstance(value, Unknown):
        return True
    if is_mapping(value):
        return any(has_unknown(item) for item in value.values())
    return is_list(value) and any(has_unknown(item) for item in value)


def decode(struct: struct_pb2.Struct) -> Bag:
    """Properties of a request; nulls are dropped, because to a provider they mean "not set"."""
    values: Properties = {}
    secrets: set[str] = set()
    for name, raw in struct.fields.items():
        value, secret = _decode(raw)
        if value is not None:
            values[name] = value
        if secret:
            secrets.add(name)
    return Bag(values, frozenset(secrets))


def encode(values: Mapping[str, object], secrets: Iterable[str] = ()) -> struct_pb2.Struct:
    """Properties of an answer; the named ones are marked secret."""
    struct = struct_pb2.Struct()
    hidden = frozenset(secrets)
    for name, value in values.items():
        encoded = _encode(value)
        if name in hidden:
            wrapper = struct_pb2.Struct()
            wrapper.fields[_SIGNATURE].string_value = _SECRET
            wrapper.fields["value"].CopyFrom(encoded)
            encoded = struct_pb2.Value(struct_value=wrapper)
        struct.fields[name].CopyFrom(encoded)
    return struct


def _decode(raw: struct_pb2.Value) -> tuple[object, bool]:
    kind = raw.WhichOneof("kind")
    if kind == "string_value":
        return (UNKNOWN if raw.string_value == rpc.UNKNOWN else raw.string_value), False
    if kind == "number_value":
        number = raw.number_value
        return (int(number) if number.is_integer() else number), False
    if kind == "bool_value":
        return raw.bool_value, False
    if kind == "list_value":
        pairs = [_decode(item) for item in raw.list_value.values]
        return [value for value, _ in pairs], any(secret for _, secret in pairs)
    if kind == "struct_value":
        return _decode_struct(raw.struct_value)
    return None, False


def _decode_struct(struct: struct_pb2.Struct) -> tuple[object, bool]:
    fields = struct.fields
    signature = fields[_SIGNATURE].string_value if _SIGNATURE in fields else ""
    if signature == _SECRET:
        return _decode(fields["value"])[0], True
    if signature == _OUTPUT:
        value, secret = _decode(fields["value"]) if "value" in fields else (UNKNOWN, False)
        return value, secret or ("secret" in fields and fields["secret"].bool_value)
    if signature == _RESOURCE:
        return (_decode(fields["id"])[0] if "id" in fields else UNKNOWN), False
    if signature == _ASSET and "text" in fields:
        return fields["text"].string_value, False
    if signature:
        raise ValueError(f"a value of signature {signature} cannot be given to the aws provider; pass it as text")
    pairs = {name: _decode(value) for name, value in fields.items()}
    return (
        {name: value for name, (value, _) in pairs.items() if value is not None},
        any(secret for _, secret in pairs.values()),
    )


def _encode(value: object) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Unknown):
        return struct_pb2.Value(string_value=rpc.UNKNOWN)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=float(value))
    if is_mapping(value):
        struct = struct_pb2.Struct()
        for name, item in value.items():
            struct.fields[name].CopyFrom(_encode(item))
        return struct_pb2.Value(struct_value=struct)
    if is_list(value):
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_encode(item) for item in value]))
    return struct_pb2.Value(string_value=value.decode() if isinstance(value, bytes) else str(value))
