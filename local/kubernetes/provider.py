"""The `kubernetes` resource provider of the embedded default: every object is checked, then rendered or applied.

Owns the provider protocol. Does not own the checks (`schemas`), the differences (`changes`), nor what it means to put
an object somewhere (`targets`, `applied`).

Where an object goes: with `renderYamlToDirectory` of its provider resource into files there, as with the official
plugin. Where the provider names a cluster instead (`kubeconfig`), it goes to the cluster that this server was given,
else into files in `<root>/<stack>`: the clusters that stacks name exist in an emulated AWS only. One server serves every provider
resource of every stack: the protocol does not say which provider resource a request belongs to, but the engine opens a
connection for each, so configuration is kept by connection.
"""

import importlib.metadata
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, NoReturn, Protocol

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2
from typing_extensions import override

from local.kubernetes import changes, manifests, naming, releases, schemas, values
from local.kubernetes.changes import Kind
from local.kubernetes.manifests import Identity
from local.kubernetes.schemas import Problem
from local.kubernetes.targets import HalfDoneError, Rendered, Target, TargetError
from local.kubernetes.values import Object

_MOST_CONNECTIONS: Final = 1024
_CLUSTER_KEYS: Final = ("kubeconfig", "context", "cluster")
_KINDS: Final[Mapping[tuple[Kind, bool], "provider_pb2.PropertyDiff.Kind.ValueType"]] = {
    (Kind.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Kind.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Kind.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Kind.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Kind.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Kind.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


class _Addressed(Protocol):
    """What all requests about a resource have in common."""

    @property
    def urn(self) -> str: ...

    @property
    def type(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one provider resource says. `directory` is empty where it names a cluster instead."""

    directory: str
    namespace: str


class KubernetesProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Serves any number of engines.

    `cluster` takes the objects whose provider names a cluster; without it they are rendered below `root`.
    """

    def __init__(self, root: Path, cluster: Target | None = None) -> None:
        self._root = root
        self._cluster = cluster
        self._lock = Lock()
        self._configurations: OrderedDict[str, Configuration] = OrderedDict()

    @override
    def Handshake(
        self, request: provider_pb2.ProviderHandshakeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ProviderHandshakeResponse:
        """Secrets arrive marked; unknown values arrive as such."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    @override
    def Attach(self, request: plugin_pb2.PluginAttach, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """The engine announces its address; nothing is reported back, so it is not kept."""
        return empty_pb2.Empty()

    @override
    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """The SDK's version, whose types this provider takes: the engine warns about an older plugin."""
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi-kubernetes"))

    @override
    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Nothing here takes long enough to be cancelled."""
        return empty_pb2.Empty()

    @override
    def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        """Refuse a directory together with a cluster, as the official plugin does.

        A cluster that does not exist yet is left out of the answer: the engine does not call a provider whose
        configuration is unknown, so that the first preview of a stack would check no manifest at all.
        """
        given = values.from_struct(request.news)
        clusters = [key for key in _CLUSTER_KEYS if given.get(key)]
        failures = []
        if given.get("renderYamlToDirectory") and clusters:
            reason = (
                f"renderYamlToDirectory excludes {', '.join(clusters)}: a manifest is rendered or applied, not both"
            )
            failures.append(provider_pb2.CheckFailure(property="renderYamlToDirectory", reason=reason))
        known = {
            key: value
            for key, value in given.items()
            if key not in _CLUSTER_KEYS or values.plain(value) != values.UNKNOWN
        }
        return provider_pb2.CheckResponse(inputs=values.to_struct(known), failures=failures)

    @override
    def DiffConfig(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Another directory is another cluster: everything in it is made anew."""
        old = values.from_struct(request.old_inputs).get("renderYamlToDirectory")
        new = values.from_struct(request.news).get("renderYamlToDirectory")
        if old == new or new == values.UNKNOWN:
            return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_UNKNOWN)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME,
            diffs=["renderYamlToDirectory"],
            replaces=["renderYamlToDirectory"],
        )

    @override
    def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        """Remember the configuration of this connection."""
        given = values.as_object(values.plain(values.from_struct(request.args)))
        configuration = Configuration(
            directory=_text(given.get("renderYamlToDirectory")), namespace=_text(given.get("namespace"))
        )
        with self._lock:
            self._configurations[context.peer()] = configuration
            while len(self._configurations) > _MOST_CONNECTIONS:
                self._configurations.popitem(last=False)
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    @override
    def Check(self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext) -> provider_pb2.CheckResponse:
        """Complete the name and the namespace, then check the object against the strict schemas."""
        if request.type.endswith("Patch") and not _text(values.from_struct(request.news).get("kind")).endswith("Patch"):
            reason = "a patch changes an object of a real cluster; the embedded default has none"
            return provider_pb2.CheckResponse(failures=[provider_pb2.CheckFailure(property="kind", reason=reason)])
        if request.type == releases.TYPE:
            return _checked_release(values.from_struct(request.news))
        manifest = naming.completed(
            values.from_struct(request.news),
            resource=request.name,
            seed=request.randomSeed,
            old=values.as_object(values.plain(values.from_struct(request.olds))),
            proposed=request.autonaming.proposed_name,
            namespace=self._configuration(context).namespace,
        )
        return _answer(manifest, schemas.check(values.as_object(values.plain(manifest))))

    @override
    def Diff(self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        """Compare inputs. A named object is deleted before it is made anew, since its name is taken."""
        old = values.as_object(values.plain(values.from_struct(request.old_inputs)))
        new = values.as_object(values.plain(values.from_struct(request.news)))
        found = changes.between(old, new)
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({str(change.path[0]) for change in found if change.path}),
            replaces=sorted({values.dotted(change.path) for change in found if change.replace}),
            detailedDiff={
                values.dotted(change.path): provider_pb2.PropertyDiff(
                    kind=_KINDS[(change.kind, change.replace)], inputDiff=True
                )
                for change in found
            },
            hasDetailedDiff=True,
            deleteBeforeReplace=any(change.replace for change in found) and not changes.autonamed(new),
        )

    @override
    def Create(self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        """Put the object. One that is there already is taken over, as server-side apply does."""
        manifest = manifests.guard(values.from_struct(request.properties))
        self._put(request, manifest, context)
        return provider_pb2.CreateResponse(id=_id(manifest), properties=values.to_struct(manifest))

    @override
    def Update(self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        """Put the object again."""
        manifest = manifests.guard(values.from_struct(request.news))
        self._put(request, manifest, context)
        return provider_pb2.UpdateResponse(properties=values.to_struct(manifest))

    @override
    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        """Remove the object."""
        manifest = values.as_object(values.plain(values.from_struct(request.properties)))
        try:
            self._target(request, context).remove(Identity.of(manifest), context.is_active)
        except TargetError as error:
            _abort(context, grpc.StatusCode.UNKNOWN, str(error))
        return empty_pb2.Empty()

    @override
    def Read(self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext) -> provider_pb2.ReadResponse:
        """The object as it is: the state where they agree, else what somebody made of it, nothing where it is gone.

        An import has no state; its type token and id say which object is meant.
        """
        state = values.from_struct(request.properties)
        known = values.as_object(values.plain(state))
        identity = Identity.of(known) if "kind" in known else _imported(request.type, request.id)
        try:
            found = self._target(request, context).read(identity, state)
        except TargetError as error:
            _abort(context, grpc.StatusCode.DATA_LOSS, str(error))
        if found is None:
            return provider_pb2.ReadResponse()
        if found is state:
            return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)
        guarded = values.to_struct(manifests.guard(found))
        return provider_pb2.ReadResponse(id=request.id, properties=guarded, inputs=guarded)

    @override
    def Invoke(self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        """Helm, Kustomize and YAML functions need the official plugin."""
        _abort(
            context,
            grpc.StatusCode.UNIMPLEMENTED,
            f"{request.tok} needs the official kubernetes plugin; the embedded default knows plain objects only",
        )

    @override
    def Construct(
        self, request: provider_pb2.ConstructRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConstructResponse:
        """Charts and YAML groups need the official plugin."""
        _abort(
            context,
            grpc.StatusCode.UNIMPLEMENTED,
            f"{request.type} needs the official kubernetes plugin; the embedded default knows plain objects only",
        )

    def _configuration(self, context: grpc.ServicerContext) -> Configuration:
        with self._lock:
            found = self._configurations.get(context.peer())
        if found is None:
            _abort(
                context,
                grpc.StatusCode.FAILED_PRECONDITION,
                "this connection was never configured; was the provider's server restarted during the run? Repeat it.",
            )
        return found

    def _put(
        self,
        request: "provider_pb2.CreateRequest | provider_pb2.UpdateRequest",
        manifest: Object,
        context: grpc.ServicerContext,
    ) -> None:
        """Put the object, or in a preview try it."""
        target = self._target(request, context)
        try:
            if request.preview:
                target.attempt(manifest)
            else:
                target.put(manifest, context.is_active)
        except HalfDoneError as error:
            _keep(context, manifest, str(error))
        except TargetError as error:
            _abort(context, grpc.StatusCode.UNKNOWN, str(error))

    def _target(self, request: "_Addressed", context: grpc.ServicerContext) -> Target:
        """Where the object of the request belongs. A release is only recorded: its chart is nowhere at hand."""
        named = self._configuration(context).directory
        if self._cluster is not None and not named and request.type != releases.TYPE:
            return self._cluster
        return Rendered(self._root / (named or _stack(request.urn)))


def _checked_release(inputs: Object) -> provider_pb2.CheckResponse:
    release = releases.completed(inputs)
    return _answer(release, releases.problems(values.as_object(values.plain(release))))


def _answer(inputs: Object, problems: Iterable[Problem]) -> provider_pb2.CheckResponse:
    failures = [
        provider_pb2.CheckFailure(property=problem.path, reason=f"{problem.path}: {problem.reason}")
        for problem in problems
    ]
    return provider_pb2.CheckResponse(inputs=values.to_struct(inputs), failures=failures)


def _stack(urn: str) -> str:
    """`urn:pulumi:mumbai::meridian::…` is of the stack `mumbai`."""
    return urn.removeprefix("urn:pulumi:").split("::", 1)[0]


def _id(manifest: Object) -> str:
    """The id, or nothing while it is not known."""
    try:
        return Identity.of(values.as_object(values.plain(manifest))).id
    except ValueError:
        return ""


def _imported(token: str, resource_id: str) -> Identity:
    """`kubernetes:apps/v1:Deployment` and `namespace/name`. The group `core` is not written in manifests."""
    _, version, kind = token.split(":", 2)
    namespace, _, name = resource_id.rpartition("/")
    return Identity(version.removeprefix("core/"), kind, namespace, name)


def _text(value: object) -> str:
    return value if isinstance(value, str) and value != values.UNKNOWN else ""


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
    context.abort(code, message)
    raise AssertionError("abort raises")


def _keep(context: grpc.ServicerContext, manifest: Object, reason: str) -> NoReturn:
    """End the call so that the engine keeps the resource and shows the reason (its `ErrorResourceInitFailed`)."""
    struct = values.to_struct(manifest)
    packed = any_pb2.Any()
    packed.Pack(
        provider_pb2.ErrorResourceInitFailed(id=_id(manifest), properties=struct, inputs=struct, reasons=[reason])
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason, details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    _abort(context, grpc.StatusCode.UNKNOWN, reason)
