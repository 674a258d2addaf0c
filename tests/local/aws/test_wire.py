"""Property bags survive the way to Python and back."""

from __future__ import annotations

from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime import rpc

from local.aws.engine.convert import Converter
from local.aws.engine.models import operation
from local.aws.engine.paths import parse, render
from local.aws.engine.wire import UNKNOWN, decode, encode

scalars = st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=20)
plain = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), plain, max_size=4), st.sets(st.text(max_size=8)))
def test_values_and_secrets_survive_the_round_trip(values: dict[str, object], secrets: set[str]) -> None:
    bag = decode(encode(values, secrets))
    assert bag.values == values
    assert bag.secrets == secrets & set(values)


def test_an_unknown_is_kept_and_a_null_means_not_set() -> None:
    struct = struct_pb2.Struct()
    struct.update({"a": rpc.UNKNOWN, "b": None, "c": {"d": rpc.UNKNOWN}})
    bag = decode(struct)
    assert bag.values == {"a": UNKNOWN, "c": {"d": UNKNOWN}}
    assert encode(bag.values)["a"] == rpc.UNKNOWN


def test_a_secret_inside_a_structure_makes_the_property_secret() -> None:
    struct = struct_pb2.Struct()
    struct.update({"a": {"b": {rpc._special_sig_key: rpc._special_secret_sig, "value": "x"}}})
    bag = decode(struct)
    assert bag.values == {"a": {"b": "x"}}
    assert bag.secrets == {"a"}


words = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True)


@given(words, words)
def test_an_identity_can_be_taken_apart_again(cluster: str, name: str) -> None:
    text = render("{cluster}:{name}", {"cluster": cluster, "name": name})
    assert parse("{cluster}:{name}", str(text)) == {"cluster": cluster, "name": name}


@given(st.lists(st.text(max_size=5), max_size=4))
def test_a_list_becomes_the_counted_structure_of_cloudfront(items: list[str]) -> None:
    config = operation("cloudfront", "CreateDistribution").input_shape.members["DistributionConfig"]
    converted = Converter({}).convert(items, config.members["Aliases"], "aliases")
    assert converted == {"Quantity": len(items), "Items": items}
