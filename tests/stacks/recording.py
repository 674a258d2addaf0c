"""Runs a stack's program against a monitor that records what is registered, in place of the engine."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pulumi
from pulumi.runtime import rpc, set_mocks
from pulumi.runtime import test as run_to_the_end
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import Stack
from typing_extensions import override

from regions.catalogue import CATALOGUE
from regions.stacks import GLOBAL
from regions.writers import RECORD, Record
from stacks import region
from stacks.config import RegionConfig
from stacks.context import open_cell
from stacks.exports import OUTPUT, GlobalExports
from stacks.sizes import Sizes, sizes_of

ACCOUNT = "123456789012"
VALIDATION = {"resourceRecordName": "_p.test.", "resourceRecordType": "CNAME", "resourceRecordValue": "_v.test."}
CLUSTER_GROUP = "sg-of-the-cluster"
GENERATED = "generated-and-secret"
STORED = f'{{"username": "u", "password": "{GENERATED}", "cache_password": "{GENERATED}"}}'


@dataclass(frozen=True)
class Declared:
    """One registered resource."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    provider: str
    protect: bool
    custom: bool
    after: frozenset[str] = frozenset()
    """Names of the resources that must be complete before."""


@dataclass
class Footprint:
    """Everything that one program declared and exported."""

    resources: list[Declared] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, token: str) -> list[Declared]:
        """All resources of a type."""
        return [item for item in self.resources if item.type == token]

    def one(self, token: str, name: str) -> Declared:
        """The one resource of this type and name."""
        (found,) = [item for item in self.of(token) if item.name == name]
        return found

    @property
    def aws(self) -> list[Declared]:
        """All resources of the AWS provider, without the provider itself."""
        return [item for item in self.resources if item.type.startswith("aws:")]


class _Answers(Mocks):
    """Answers as AWS would, as far as programs look at answers."""

    def __init__(self, references: Mapping[str, Mapping[str, Any]]) -> None:
        self._references = references

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            name = args.inputs["name"].rsplit("/", 1)[1]
            return args.name, {**args.inputs, "outputs": self._references.get(name, {}), "secretOutputNames": []}
        made = {"arn": f"arn:aws:x:r:{ACCOUNT}:{args.typ}/{args.name}", "id": f"{args.name}-id"}
        answers: dict[str, dict[str, Any]] = {
            "aws:rds/instance:Instance": {"address": f"{args.name}.rds.test", "port": 5432},
            "aws:elasticache/replicationGroup:ReplicationGroup": {"configurationEndpointAddress": "cache.test"},
            "aws:msk/cluster:Cluster": {"bootstrapBrokersSaslIam": "b-1.test:9098,b-2.test:9098"},
            "aws:acm/certificate:Certificate": {"domainValidationOptions": [VALIDATION]},
            "aws:sqs/queue:Queue": {"url": f"https://sqs.test/{args.name}"},
            "aws:eks/cluster:Cluster": {"certificateAuthority": {"data": "eA=="}, "endpoint": "https://eks.test"},
        }
        told = {**made, **answers.get(args.typ, {}), **args.inputs}
        if args.typ == "aws:eks/cluster:Cluster":
            told["vpcConfig"] = {**args.inputs["vpcConfig"], "clusterSecurityGroupId": CLUSTER_GROUP}
        return f"{args.name}-id", told

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        answers: dict[str, dict[str, Any]] = {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
            "aws:secretsmanager/getRandomPassword:getRandomPassword": {"randomPassword": GENERATED},
            "aws:secretsmanager/getSecretVersion:getSecretVersion": {"secretString": STORED},
        }
        return answers[args.token], []


class _Monitor(MockMonitor):
    def __init__(self, answers: Mocks, footprint: Footprint) -> None:
        super().__init__(answers)
        self._footprint = footprint

    @override
    def RegisterResource(self, request: Any) -> Any:
        self._footprint.resources.append(
            Declared(
                type=request.type,
                name=request.name,
                inputs=rpc.deserialize_properties(request.object),
                parent=request.parent,
                provider=request.provider,
                protect=request.protect,
                custom=request.custom,
                after=frozenset(urn.rsplit("::", 1)[1] for urn in request.dependencies),
            )
        )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # so in the SDK


def record(
    stack: str,
    program: Callable[[], None],
    *,
    references: Mapping[str, Mapping[str, Any]] | None = None,
    preview: bool = False,
) -> Footprint:
    """What ``program`` declares as ``stack``. Raises what the program raises.

    In a thread of its own, so that every recording has its own event loop and its own runtime settings.
    """
    footprint = Footprint()
    failures: list[BaseException] = []

    def whole() -> pulumi.Output[None]:
        program()
        root = get_root_resource()
        assert isinstance(root, Stack)
        return pulumi.Output.from_input(root.outputs).apply(footprint.outputs.update)

    def body() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        monitor = _Monitor(_Answers(references or {}), footprint)
        try:
            set_mocks(
                monitor.mocks,
                project="meridian",
                stack=stack,
                preview=preview,
                monitor=monitor,
                organization="organization",
            )
            run_to_the_end(whole)()  # type: ignore[no-untyped-call]  # so in the SDK
        except BaseException as error:
            failures.append(error)
        finally:
            loop.close()

    thread = threading.Thread(target=contextvars.Context().run, args=(body,))
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return footprint


def deployed_global() -> Mapping[str, Mapping[str, Any]]:
    """The stack ``global`` as one that was deployed, for programs that read it."""
    exports: dict[str, Any] = {item.name: f"global-{item.name}" for item in fields(GlobalExports)}
    return {GLOBAL: {OUTPUT: exports | {"key_group_ids": [], "playback_keys": {}}}}


def cell(
    name: str,
    *,
    preview: bool = False,
    deployed: bool = True,
    sizes: Sizes | None = None,
    writers: Record = RECORD,
    **configuration: Any,
) -> Footprint:
    """What the stack of region ``name`` declares with the given configuration; sizes as computed unless given."""
    values = {"domain": "meridian.example", "contact": "operations@meridian.example", "budget": 1000, **configuration}
    region_of, config = CATALOGUE.get(name), RegionConfig.model_validate(values)
    planned = sizes or sizes_of(region_of, config.transcoder)
    return record(
        name,
        lambda: region.declare_cell(open_cell(region_of, config), planned, writers),
        references=deployed_global() if deployed else {},
        preview=preview,
    )
