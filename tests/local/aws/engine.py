"""A stand-in for the engine: speaks the provider's gRPC protocol, and knows nothing of the provider's code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from local.aws.provider import Provider
from local.aws.servicer import Servicer

Values = dict[str, object]


class RefusedError(Exception):
    """Check found something wrong; the message holds all reasons."""


@dataclass(frozen=True)
class Declared:
    """A resource as the engine keeps it."""

    token: str
    name: str
    id: str
    inputs: Values
    outputs: Values


def struct(values: Mapping[str, object]) -> struct_pb2.Struct:
    """Plain values as the engine sends them."""
    return json_format.ParseDict(dict(values), struct_pb2.Struct())


def values(message: struct_pb2.Struct) -> Values:
    """What the provider answered, secrets opened, unknowns as the SDK's sentinel."""
    return {name: _opened(value) for name, value in json_format.MessageToDict(message).items()}


def _opened(value: object) -> object:
    if isinstance(value, dict):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return _opened(value["value"])
        return {name: _opened(item) for name, item in value.items()}
    return [_opened(item) for item in value] if isinstance(value, list) else value


class Engine:
    """One stack's worth of calls."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.stub = provider_pb2_grpc.ResourceProviderStub(channel)

    def urn(self, token: str, name: str) -> str:
        return f"urn:pulumi:mumbai::meridian::meridian:region:Part${token}::{name}"

    def check(
        self, token: str, name: str, inputs: Mapping[str, object], olds: Mapping[str, object] | None = None
    ) -> Values:
        answer = self.stub.Check(
            provider_pb2.CheckRequest(
                urn=self.urn(token, name), news=struct(inputs), olds=struct(olds or {}), randomSeed=b"seed"
            )
        )
        if answer.failures:
            raise RefusedError("\n".join(f"{failure.property}: {failure.reason}" for failure in answer.failures))
        return values(answer.inputs)

    def preview(self, token: str, name: str, inputs: Mapping[str, object]) -> tuple[str, Values]:
        answer = self.stub.Create(
            provider_pb2.CreateRequest(urn=self.urn(token, name), properties=struct(inputs), preview=True)
        )
        return answer.id, values(answer.properties)

    def create(self, token: str, name: str, inputs: Mapping[str, object]) -> Declared:
        checked = self.check(token, name, inputs)
        answer = self.stub.Create(provider_pb2.CreateRequest(urn=self.urn(token, name), properties=struct(checked)))
        return Declared(token, name, answer.id, checked, values(answer.properties))

    def read(self, resource: Declared) -> Declared | None:
        answer = self.stub.Read(
            provider_pb2.ReadRequest(
                urn=self.urn(resource.token, resource.name),
                id=resource.id,
                inputs=struct(resource.inputs),
                properties=struct(resource.outputs),
            )
        )
        if not answer.id:
            return None
        return Declared(resource.token, resource.name, answer.id, values(answer.inputs), values(answer.properties))

    def import_(self, token: str, name: str, identity: str) -> Values:
        answer = self.stub.Read(provider_pb2.ReadRequest(urn=self.urn(token, name), id=identity))
        return values(answer.inputs)

    def diff(self, resource: Declared, inputs: Mapping[str, object]) -> provider_pb2.DiffResponse:
        checked = self.check(resource.token, resource.name, inputs, resource.inputs)
        answer: provider_pb2.DiffResponse = self.stub.Diff(
            provider_pb2.DiffRequest(
                id=resource.id,
                urn=self.urn(resource.token, resource.name),
                olds=struct(resource.outputs),
                old_inputs=struct(resource.inputs),
                news=struct(checked),
            )
        )
        return answer

    def update(self, resource: Declared, inputs: Mapping[str, object]) -> Declared:
        checked = self.check(resource.token, resource.name, inputs, resource.inputs)
        answer = self.stub.Update(
            provider_pb2.UpdateRequest(
                id=resource.id,
                urn=self.urn(resource.token, resource.name),
                olds=struct(resource.outputs),
                old_inputs=struct(resource.inputs),
                news=struct(checked),
            )
        )
        return Declared(resource.token, resource.name, resource.id, checked, values(answer.properties))

    def delete(self, resource: Declared) -> None:
        self.stub.Delete(
            provider_pb2.DeleteRequest(
                id=resource.id,
                urn=self.urn(resource.token, resource.name),
                properties=struct(resource.outputs),
                old_inputs=struct(resource.inputs),
            )
        )

    def invoke(self, token: str, arguments: Mapping[str, object]) -> Values:
        answer = self.stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=struct(arguments)))
        if answer.failures:
            raise RefusedError(answer.failures[0].reason)
        return values(getattr(answer, "return"))


@contextmanager
def engine(provider: Provider) -> Iterator[Engine]:
    """An engine that is attached to a provider over real gRPC on the loopback."""
    server = grpc.server(ThreadPoolExecutor(max_workers=8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Engine(channel)
    finally:
        server.stop(0).wait()
