"""The gRPC face of the provider: Pulumi's messages to plain Python and back, and errors as the engine wants them."""

# ruff: noqa: N802, ARG002 - the names and the signatures of the handlers are those of the gRPC service

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import TypeAlias

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from local.aws.engine.clients import AwsError
from local.aws.engine.lifecycle import HalfMadeError, Resource
from local.aws.engine.wire import Bag, Properties, decode, encode
from local.aws.invokes import SECRET_RESULTS, InvokeError, invoke
from local.aws.provider import Difference, Provider
from local.aws.registry import UnknownTypeError

VERSION = "7.51.1"
_Context: TypeAlias = grpc.ServicerContext
_Kind = provider_pb2.PropertyDiff.Kind
# Settings of the official provider that have no meaning for an emulator; any other one is an error.
_IGNORED_SETTINGS = frozenset(
    {
        "accessKey",
        "secretKey",
        "profile",
        "token",
        "endpoints",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "s3UsePathStyle",
        "allowedAccountIds",
        "maxRetries",
        "version",
        "retryMode",
        "useFipsEndpoint",
        "useDualstackEndpoint",
    }
)


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One provider for all stacks that attach to it; the last Configure names the default region."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def Attach(self, request: plugin_pb2.PluginAttach, context: _Context) -> empty_pb2.Empty:
        """The engine attaches to a running provider; nothing is needed."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: _Context) -> plugin_pb2.PluginInfo:
        """The version of pulumi-aws whose inputs are understood."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: _Context) -> provider_pb2.CheckResponse:
        """Settings of the provider resource."""
        settings = decode(request.news)
        unknown = sorted(set(settings.values) - _IGNORED_SETTINGS - {"region"})
        failures = [
            provider_pb2.CheckFailure(
                property=name, reason=f"setting {name} is not supported by the embedded provider; it takes region"
            )
            for name in unknown
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: _Context) -> provider_pb2.DiffResponse:
        """No setting replaces what was deployed."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_UNKNOWN)

    def Configure(self, request: provider_pb2.ConfigureRequest, context: _Context) -> provider_pb2.ConfigureResponse:
        """Take the default region."""
        settings = decode(request.args).values
        region = settings.get("region") or request.variables.get("aws:config:region")
        if isinstance(region, str) and region:
            self._provider.region = region
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=True, acceptOutputs=True
        )

    def Cancel(self, request: empty_pb2.Empty, context: _Context) -> empty_pb2.Empty:
        """Nothing runs on its own."""
        return empty_pb2.Empty()

    def Invoke(self, request: provider_pb2.InvokeRequest, context: _Context) -> provider_pb2.InvokeResponse:
        """A data source."""
        try:
            arguments = decode(request.args)
            result = invoke(self._provider, request.tok, arguments.values)
            return provider_pb2.InvokeResponse(**{"return": encode(result, SECRET_RESULTS & set(result))})
        except InvokeError as error:
            failure = provider_pb2.CheckFailure(property="", reason=str(error))
            return provider_pb2.InvokeResponse(failures=[failure])
        except Exception as error:
            raise _abort(context, f"{request.tok}", error) from error

    def Check(self, request: provider_pb2.CheckRequest, context: _Context) -> provider_pb2.CheckResponse:
        """Inputs with defaults; every wrong value is a failure."""
        token, name = _of(request.urn)
        try:
            news, olds = decode(request.news), decode(request.olds)
            inputs, issues = self._provider.check(token, name, news.values, olds.values, request.randomSeed)
        except UnknownTypeError as error:
            return provider_pb2.CheckResponse(
                inputs=request.news, failures=[provider_pb2.CheckFailure(property="", reason=str(error))]
            )
        except Exception as error:
            raise _abort(context, f"{token} {name}", error) from error
        failures = [
            provider_pb2.CheckFailure(
                property=issue.path, reason=f"{name} ({token}): {issue.path} {issue.reason}".strip()
            )
            for issue in issues
        ]
        return provider_pb2.CheckResponse(inputs=encode(inputs, news.secrets), failures=failures)

    def Diff(self, request: provider_pb2.DiffRequest, context: _Context) -> provider_pb2.DiffResponse:
        """Update in place, replacement, or nothing."""
        token, name = _of(request.urn)
        try:
            olds = decode(request.old_inputs if request.old_inputs.fields else request.olds).values
            ignored = {path.split(".")[0].split("[")[0] for path in request.ignoreChanges}
            news = decode(request.news).values
            for path in ignored:
                if path in olds:
                    news[path] = olds[path]
            return _difference(self._provider.diff(token, olds, news))
        except Exception as error:
            raise _abort(context, f"{token} {name}", error) from error

    def Create(self, request: provider_pb2.CreateRequest, context: _Context) -> provider_pb2.CreateResponse:
        """Make the resource."""
        token, name = _of(request.urn)
        inputs = decode(request.properties)
        try:
            made = self._provider.create(token, inputs.values, request.urn, preview=request.preview)
        except HalfMadeError as half:
            raise _half_made(context, f"{name} ({token})", half, inputs.secrets) from half
        except Exception as error:
            raise _abort(context, f"{name} ({token})", error) from error
        return provider_pb2.CreateResponse(id=made.id, properties=self._outputs(token, made, inputs))

    def Read(self, request: provider_pb2.ReadRequest, context: _Context) -> provider_pb2.ReadResponse:
        """The resource as the emulator has it; an empty id when it is gone."""
        token, name = _of(request.urn)
        inputs, outputs = decode(request.inputs), decode(request.properties)
        try:
            found = self._provider.read(token, request.id, inputs.values, outputs.values)
        except Exception as error:
            raise _abort(context, f"{name} ({token})", error) from error
        if found is None:
            return provider_pb2.ReadResponse()
        secrets = Bag({}, inputs.secrets | outputs.secrets)
        return provider_pb2.ReadResponse(
            id=found.id,
            properties=self._outputs(token, found, secrets),
            inputs=encode(found.inputs, inputs.secrets & set(found.inputs)),
        )

    def Update(self, request: provider_pb2.UpdateRequest, context: _Context) -> provider_pb2.UpdateResponse:
        """Change the resource in place."""
        token, name = _of(request.urn)
        news, outputs = decode(request.news), decode(request.olds)
        olds = decode(request.old_inputs if request.old_inputs.fields else request.olds)
        try:
            made = self._provider.update(
                token, request.id, olds.values, news.values, outputs.values, preview=request.preview
            )
        except Exception as error:
            raise _abort(context, f"{name} ({token})", error) from error
        secrets = Bag({}, news.secrets | (outputs.secrets - set(news.values)))
        return provider_pb2.UpdateResponse(properties=self._outputs(token, made, secrets))

    def Delete(self, request: provider_pb2.DeleteRequest, context: _Context) -> empty_pb2.Empty:
        """Delete the resource."""
        token, name = _of(request.urn)
        inputs, outputs = decode(request.old_inputs), decode(request.properties)
        try:
            self._provider.delete(token, request.id, inputs.values or outputs.values, outputs.values)
        except Exception as error:
            raise _abort(context, f"{name} ({token})", error) from error
        return empty_pb2.Empty()

    def _outputs(self, token: str, resource: Resource, given: Bag) -> object:
        values = {
            name: value for name, value in resource.outputs.items() if name != "__defaults" and not name.endswith("Wo")
        }
        return encode(values, (given.secrets | self._provider.secret_outputs(token)) & set(values))


def _of(urn: str) -> tuple[str, str]:
    """Type token and name of a URN `urn:pulumi:stack::project::parent$type::name`."""
    _, _, qualified, name = urn.split("::", 3)
    return qualified.rsplit("$", 1)[-1], name


def _difference(difference: Difference) -> provider_pb2.DiffResponse:
    def kinds(names: Iterable[str], plain: int, replacing: int) -> dict[str, provider_pb2.PropertyDiff]:
        return {
            name: provider_pb2.PropertyDiff(
                kind=_Kind.Name(replacing if name in difference.replacing else plain), inputDiff=True
            )
            for name in names
        }

    detail = {
        **kinds(difference.added, _Kind.ADD, _Kind.ADD_REPLACE),
        **kinds(difference.changed, _Kind.UPDATE, _Kind.UPDATE_REPLACE),
        **kinds(difference.removed, _Kind.DELETE, _Kind.DELETE_REPLACE),
    }
    changes = provider_pb2.DiffResponse.DIFF_SOME if detail else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=changes,
        diffs=sorted(detail),
        replaces=sorted(difference.replacing),
        deleteBeforeReplace=difference.delete_first,
        detailedDiff=detail,
        hasDetailedDiff=True,
    )


def _abort(context: _Context, what: str, error: Exception) -> Exception:
    """End the call with the error's message; what is not expected brings its traceback for the log."""
    expected = isinstance(error, AwsError | UnknownTypeError | ValueError)
    detail = str(error) if expected else "".join(traceback.format_exception(error))
    context.abort(grpc.StatusCode.UNKNOWN, f"{what}: {detail}")
    return error


def _half_made(context: _Context, what: str, half: HalfMadeError, secrets: frozenset[str]) -> Exception:
    """The engine keeps the resource and shows the reason (its `ErrorResourceInitFailed`)."""
    resource = half.resource
    known: Properties = {name: value for name, value in resource.outputs.items() if name != "__defaults"}
    detail = provider_pb2.ErrorResourceInitFailed(
        id=resource.id,
        properties=encode(known, secrets & set(known)),
        inputs=encode(resource.inputs, secrets & set(resource.inputs)),
        reasons=[f"{what}: {half}"],
    )
    packed = any_pb2.Any()
    packed.Pack(detail)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=f"{what}: {half}", details=[packed])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, f"{what}: {half}")
    return half
